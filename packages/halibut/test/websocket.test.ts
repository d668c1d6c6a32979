import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DataStream, type Thumbprint } from '../src/index.ts'
import { certificateFor, failure, runtime, TestService, until } from './runtimes.ts'
import { startTunnels, webSocketPair, webSocketPath } from './web-sockets.ts'

test('calls, errors and data streams go over a WebSocket as they do over TLS alone', async t => {
  const { call, connections, port } = await webSocketPair(t)
  assert.equal(await call.sayHello('a'), 'a...')
  assert.equal(await call.sayHello('x'.repeat(200_000)), `${'x'.repeat(200_000)}...`)
  await failure(call.crash(), 'ERR_SERVICE_INVOCATION')
  const large = Buffer.alloc(5_000_000, 'abcdefg')
  assert.equal(await call.countBytes(DataStream.fromBytes(large)), large.length)
  assert.deepEqual(await (await call.echoStream(DataStream.fromBytes(large))).bytes(), large)
  assert.equal((await (await call.makeStream(3_000_000)).bytes()).length, 3_000_000)
  assert.deepEqual(await Promise.all([1, 2, 3].map(n => call.addDouble(n, n))), [2, 4, 6])
  assert.deepEqual(
    connections.map(({ direction, transport }) => `${direction} ${transport}`).sort(),
    ['incoming websocket', 'outgoing websocket'],
    'one connection for everything',
  )
  assert.ok(connections.some(({ remoteAddress }) => remoteAddress === `127.0.0.1:${port}`))
})

test('pollers with and without WebSockets, and clients, share a port', async t => {
  const { client, service, call, port, control } = await webSocketPair(t)
  const server = { baseUri: `https://127.0.0.1:${port}`, thumbprint: client.certificate.thumbprint }
  service.poll({ subscription: 'poll://plain/', server })
  const plain = client.client(TestService, { baseUri: 'poll://plain/' })
  assert.deepEqual(await Promise.all([call.sayHello('a'), plain.sayHello('b')]), ['a...', 'b...'])
  const error = await failure(service.client(TestService, server).sayHello('c'), 'ERR_SERVICE_NOT_FOUND')
  assert.match(error.message, /ITestService/)
  assert.deepEqual(control.calls.sort(), ['a', 'b'])
})

test('a path is found whatever its case, its query and a slash at its end', async t => {
  const { call } = await webSocketPair(t, { path: '/halibutwebsocket/?tenant=%C3%A9&x=$&' })
  assert.equal(await call.sayHello('a'), 'a...')
})

test('a WebSocket goes through an HTTP proxy, and its server’s certificate is checked behind it', async t => {
  const { port: proxyPort, requests } = await startTunnels(t)
  const proxy = { host: '127.0.0.1', port: proxyPort, userName: 'me', password: 'secret' }
  const { call, client, service, port, log } = await webSocketPair(t, { proxy })
  assert.equal(await call.sayHello('a'), 'a...')
  assert.equal(await call.countBytes(DataStream.fromBytes(Buffer.alloc(1_000_000))), 1_000_000)
  assert.equal(
    requests[0],
    `CONNECT 127.0.0.1:${port} HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\n` +
      `Proxy-Authorization: Basic ${Buffer.from('me:secret').toString('base64')}\r\n\r\n`,
  )
  const { thumbprint } = await certificateFor('impostor')
  const wrong = service.poll({
    subscription: 'poll://wrong/',
    server: { baseUri: `wss://127.0.0.1:${port}${webSocketPath}`, thumbprint, proxy },
  })
  await until(() => wrong.state.kind === 'waiting', 'the certificate is refused')
  assert.ok(wrong.state.kind === 'waiting')
  await failure(Promise.reject(wrong.state.error), 'ERR_UNTRUSTED_PEER')
  assert.ok(
    log.some(
      ({ message }) => message.includes(thumbprint) && message.includes(client.certificate.thumbprint),
    ),
  )
})

test('a poller that is not trusted is refused after its preamble, and named in the log', async t => {
  const { call, log, service } = await webSocketPair(t, {
    client: { trust: [], limits: { pollingRequestQueueTimeoutMs: 500 } },
  })
  await failure(call.sayHello('x'), 'ERR_NOT_COLLECTED')
  const { thumbprint } = service.certificate
  await until(() => log.some(({ message }) => message.includes(`${thumbprint} is not trusted`)), 'the log')
})

test('a stranger who is trusted when asked about goes on with the same WebSocket', async t => {
  const asked: Thumbprint[] = []
  const { call, service, connections } = await webSocketPair(t, {
    client: {
      trust: [],
      onUnauthorizedConnect: ({ thumbprint }) => {
        asked.push(thumbprint)
        return 'trust'
      },
    },
  })
  assert.equal(await call.sayHello('a'), 'a...')
  assert.deepEqual(asked, [service.certificate.thumbprint])
  assert.equal(connections.length, 2)
})

test('subscriptions are authorised, and their connections limited, for WebSockets too', async t => {
  const { call, service, client, port, log } = await webSocketPair(t, {
    client: {
      authorizeSubscription: subscription => subscription === 'poll://tests/',
      limits: { maximumActiveTcpConnectionsPerPollingSubscription: 1 },
    },
  })
  assert.equal(await call.sayHello('a'), 'a...')
  const baseUri = `wss://127.0.0.1:${port}${webSocketPath}`
  const server = { baseUri, thumbprint: client.certificate.thumbprint }
  service.poll({ subscription: 'poll://other/', server })
  service.poll({ subscription: 'poll://tests/', server })
  for (const reason of ['does not belong to it', 'as many connections as are allowed'])
    await until(() => log.some(({ message }) => message.includes(reason)), reason)
  assert.equal(await call.sayHello('b'), 'b...')
})

test('taking trust away cuts a WebSocket in the middle of a call', async t => {
  const gone: string[] = []
  const { call, client, service, control, log } = await webSocketPair(t, {
    client: { observer: { subscriberDisconnected: subscription => void gone.push(subscription) } },
  })
  const waiting = call.wait('a')
  await control.arrived('a')
  client.trust.remove(service.certificate.thumbprint)
  const error = await waiting.then(String, String)
  assert.match(error, /is not trusted any more/)
  assert.deepEqual(gone, ['poll://tests/'])
  control.release('a')
  await until(
    () => log.some(({ message }) => message.includes('refused: its certificate')),
    'it is not let in again',
  )
  client.trust.add(service.certificate.thumbprint)
  assert.equal(await call.sayHello('b'), 'b...')
})

test('a server with another certificate gets not a byte', async t => {
  const observed: number[] = []
  const impostor = await runtime(t, 'impostor', {
    observer: { connectionClosed: (_, { readBytes }) => void observed.push(readBytes) },
  })
  const { port } = await impostor.listen({ port: 0, host: '127.0.0.1', webSocketPath })
  const service = await runtime(t, 'service')
  const { thumbprint } = await certificateFor('client')
  const polling = service.poll({
    subscription: 'poll://x/',
    server: { baseUri: `wss://127.0.0.1:${port}${webSocketPath}`, thumbprint },
  })
  await until(() => polling.state.kind === 'waiting' && observed.length > 0, 'the certificate is refused')
  assert.ok(polling.state.kind === 'waiting')
  await failure(Promise.reject(polling.state.error), 'ERR_UNTRUSTED_PEER')
  assert.deepEqual([...new Set(observed)], [0])
})

test('stopping and closing do not wait for the other end of a WebSocket', async t => {
  const { call, polling, client, service, connections } = await webSocketPair(t)
  assert.equal(await call.sayHello('a'), 'a...')
  const begin = performance.now()
  await polling.stop()
  assert.equal(polling.state.kind, 'stopped')
  await Promise.all([client.close(), service.close()])
  assert.ok(performance.now() - begin < 900, `it took ${performance.now() - begin} ms`)
  assert.equal(connections.length, 2)
})

test('addresses of WebSockets are for polling alone, and paths of listeners are paths', async t => {
  const service = await runtime(t, 'service')
  const { thumbprint } = await certificateFor('client')
  for (const baseUri of [
    'wss://',
    'wss:///path',
    'wss://host:99999/',
    'wss://host/a b',
    'wss://host/#x',
    'ws://host/',
  ])
    assert.throws(
      () => service.poll({ subscription: 'poll://x/', server: { baseUri, thumbprint } }),
      { code: 'ERR_INVALID_ENDPOINT' },
      baseUri,
    )
  const baseUri = 'wss://host:443/x'
  assert.throws(() => service.client(TestService, { baseUri, thumbprint }), {
    code: 'ERR_INVALID_ENDPOINT',
    message: /can only be polled/,
  })
  assert.throws(() => service.poll({ subscription: 'poll://x/', server: { baseUri } }), /thumbprint/)
  for (const path of ['', 'x', '/a b', '/a?b', '/a#b', '/ž', '/a\r\nX: y'])
    await failure(service.listen({ port: 0, webSocketPath: path }), 'ERR_INVALID_ARGUMENT')
})

test('halibut 14.45: the certificate of a poller is asked for in the handshake, so nothing is negotiated anew', async t => {
  for (const [minimumTlsVersion, version] of [
    ['TLSv1.2', 'TLSv1.2'],
    ['TLSv1.3', 'TLSv1.3'],
  ] as const) {
    const { call, connections, service, client } = await webSocketPair(t, { service: { minimumTlsVersion } })
    assert.equal(await call.sayHello('a'), 'a...')
    const thumbprints = { incoming: service.certificate.thumbprint, outgoing: client.certificate.thumbprint }
    for (const { direction, thumbprint, tlsVersion } of connections) {
      assert.equal(thumbprint, thumbprints[direction])
      assert.equal(tlsVersion, version)
    }
  }
})
