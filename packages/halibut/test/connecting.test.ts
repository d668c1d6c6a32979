import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Socket,
} from 'node:net'
import { type TestContext, test } from 'node:test'
import { connectionState, type HalibutError, isNetworkError, isRetryable } from '../src/index.ts'
import { dialRaw, listenRaw, type RawPeer } from './raw-peer.ts'
import { certificateFor, failure, pair, runtime, TestService, TestServiceControl, until } from './runtimes.ts'

/** A port on which nothing listens. */
async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function callTo(t: TestContext, port: number, limits = {}) {
  const client = await runtime(t, 'client', { limits })
  const { thumbprint } = await certificateFor('service')
  return client.client(TestService, { baseUri: `https://127.0.0.1:${port}`, thumbprint })
}

/** A service by hand that answers every request with its argument. */
async function answerAll(peer: RawPeer): Promise<void> {
  peer.socket.on('error', () => {})
  await peer.lines('MX', '', 'MX-CLIENT 1.0', '')
  peer.say('MX-SERVER 1.0\r\n\r\n')
  for (;;) {
    const message = (await peer.message()).get('Message')
    const id =
      typeof message === 'object' && message !== null && 'get' in message ? message.get('id') : undefined
    await peer.respond(String(id), 'ok')
    await peer.lines('NEXT')
    peer.say('PROCEED\r\n')
  }
}

test('halibut 13.43: a second call uses the same connection, parallel calls open more, five are kept', async t => {
  let open = 0
  let opened = 0
  const { call, control } = await pair(t, 'listening', {
    service: {
      observer: {
        connectionOpened() {
          open++
          opened++
        },
        connectionClosed: () => void open--,
      },
    },
  })
  await call.sayHello('a')
  await call.sayHello('b')
  assert.equal(opened, 1)
  const names = Array.from({ length: 8 }, (_, i) => `p${i}`)
  const calls = names.map(name => call.wait(name))
  await Promise.all(names.map(name => control.arrived(name)))
  assert.equal(opened, 8)
  for (const name of names) control.release(name)
  await Promise.all(calls)
  await until(() => open === 5, 'five connections')
})

test('halibut 13.44: a connection on which a call failed is not used again', async t => {
  let connections = 0
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    if (++connections > 1) return answerAll(peer)
    await peer.lines('MX', '', 'MX-CLIENT 1.0', '')
    peer.say('MX-SERVER 1.0\r\n\r\n')
    await peer.message()
    peer.say('NONSENSE\r\n')
  })
  const call = await callTo(t, listener.port)
  await failure(call.sayHello('a'), 'ERR_PROTOCOL')
  assert.equal(await call.sayHello('b'), 'ok')
  assert.equal(connections, 2)
})

test('a pooled connection that the service closed, or spoke on, is noticed before the next call', async t => {
  let connections = 0
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    connections++
    await peer.lines('MX', '', 'MX-CLIENT 1.0', '')
    peer.say('MX-SERVER 1.0\r\n\r\n')
    const message = (await peer.message()).get('Message')
    assert.ok(message && typeof message === 'object' && 'get' in message)
    await peer.respond(String(message.get('id')), 'ok')
    if (connections === 1) peer.socket.end()
    else peer.say('surprise\r\n')
    await peer.closed
  })
  let closed = 0
  const client = await runtime(t, 'client', {
    limits: { retryCountLimit: 1 },
    observer: { connectionClosed: () => void closed++ },
  })
  const { thumbprint } = await certificateFor('service')
  const call = client.client(TestService, { baseUri: `https://127.0.0.1:${listener.port}`, thumbprint })
  for (let i = 1; i <= 3; i++) {
    assert.equal(await call.sayHello('a'), 'ok')
    await until(() => closed === i, 'the end of the connection')
    assert.equal(connections, i)
  }
})

test('halibut 13.45 and 13.55: a pooled connection that went silent is found by NEXT, and the call succeeds on a new one', async t => {
  let connections = 0
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    if (++connections > 1) return answerAll(peer)
    peer.socket.on('error', () => {})
    await peer.lines('MX', '', 'MX-CLIENT 1.0', '')
    peer.say('MX-SERVER 1.0\r\n\r\n')
    const message = (await peer.message()).get('Message')
    assert.ok(message && typeof message === 'object' && 'get' in message)
    await peer.respond(String(message.get('id')), 'ok')
    await peer.lines('NEXT')
  })
  const call = await callTo(t, listener.port, { tcpClientHeartbeatReceiveTimeoutMs: 50 })
  assert.equal(await call.sayHello('a'), 'ok')
  assert.equal(await call.sayHello('b'), 'ok')
  assert.equal(connections, 2)
})

test('halibut 13.46: connecting is tried as often as is allowed, with the pause between, and may succeed late', async t => {
  const port = await freePort()
  const call = await callTo(t, port, { retryCountLimit: 3, retryListeningSleepIntervalMs: 50 })
  const startedAt = performance.now()
  const error = await failure(call.sayHello('a'), 'ERR_CONNECT')
  const elapsedMs = performance.now() - startedAt
  assert.ok(elapsedMs >= 95 && elapsedMs < 3000, `${elapsedMs} ms`)
  assert.equal(connectionState(error), 'connecting')
  assert.match(
    error.message,
    /failed before its request was sent: Cannot connect to 127\.0\.0\.1:\d+: .*ECONNREFUSED/,
  )

  const patient = await callTo(t, port, { retryCountLimit: 1000, retryListeningSleepIntervalMs: 20 })
  const calling = patient.sayHello('late')
  const control = new TestServiceControl()
  const late = await runtime(t, 'service', {
    services: [control.hosted],
    trust: [(await certificateFor('client')).thumbprint],
  })
  await late.listen({ port, host: '127.0.0.1' })
  assert.equal(await calling, 'late...')
})

test('halibut 13.46: no attempt begins after the time for them is over', async t => {
  const call = await callTo(t, await freePort(), {
    retryCountLimit: 1000,
    retryListeningSleepIntervalMs: 20,
    connectionErrorRetryTimeoutMs: 100,
  })
  const startedAt = performance.now()
  await failure(call.sayHello('a'), 'ERR_CONNECT')
  assert.ok(performance.now() - startedAt < 3000)
})

test('halibut 13.47: after the second dead pooled connection the others are dropped, too', async t => {
  let connections = 0
  const stalled = new Set<RawPeer>()
  const arrived: string[] = []
  let release: () => void = () => {}
  const allThere = new Promise<void>(resolve => {
    release = resolve
  })
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    if (++connections > 4) return answerAll(peer)
    peer.socket.on('error', () => {})
    stalled.add(peer)
    await peer.lines('MX', '', 'MX-CLIENT 1.0', '')
    peer.say('MX-SERVER 1.0\r\n\r\n')
    const message = (await peer.message()).get('Message')
    assert.ok(message && typeof message === 'object' && 'get' in message)
    arrived.push('x')
    if (arrived.length === 4) release()
    await allThere
    await peer.respond(String(message.get('id')), 'ok')
    await peer.closed
  })
  const call = await callTo(t, listener.port, { tcpClientHeartbeatReceiveTimeoutMs: 40, retryCountLimit: 3 })
  await Promise.all(['a', 'b', 'c', 'd'].map(name => call.sayHello(name)))
  assert.equal(await call.sayHello('e'), 'ok')
  assert.equal(connections, 5)
  for (const peer of stalled) await peer.closed
})

test('halibut 13.48: once the request is sent nothing is repeated: the call fails and the method ran once', async t => {
  const sockets = new Set<Socket>()
  const { control, port } = await pair(t, 'listening')
  const relay = createTcpServer(near => {
    const far = connectTcp(port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    near.pipe(far).pipe(near)
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  t.after(() => relay.close())
  const call = await callTo(t, (relay.address() as AddressInfo).port)
  const calling = failure(call.wait('a'), 'ERR_CONNECTION_LOST')
  await control.arrived('a')
  for (const socket of sockets) socket.destroy()
  assert.equal(connectionState(await calling), 'unknown')
  control.release('a')
  assert.equal(control.waiting.size, 1)
})

test('halibut 13.50: an unknown host is not tried again, and errors say which host', async t => {
  const client = await runtime(t, 'client', { limits: { retryListeningSleepIntervalMs: 60_000 } })
  const { thumbprint } = await certificateFor('service')
  const call = client.client(TestService, { baseUri: 'https://no-such-host.invalid:10933/', thumbprint })
  const error = await failure(call.sayHello('a'), 'ERR_CONNECT')
  assert.match(error.message, /no-such-host\.invalid:10933/)
})

test('halibut 13.52: a peer that stalls in the handshake or the identity ends in time', async t => {
  const silent = createTcpServer(socket => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.after(() => silent.close())
  const limits = { tcpClientReceiveTimeoutMs: 50, retryCountLimit: 2 }
  const tls = await failure(
    (await callTo(t, (silent.address() as AddressInfo).port, limits)).sayHello('a'),
    'ERR_CONNECT',
  )
  assert.match(tls.message, /no TLS handshake within 50 ms/)
  const mute = await listenRaw(t, await certificateFor('service'), () => {})
  const identity = await failure((await callTo(t, mute.port, limits)).sayHello('a'), 'ERR_TIMEOUT')
  assert.equal(connectionState(identity), 'connecting')
  assert.equal(mute.connections, 2)
})

test('halibut 13.54: a method that runs longer than a response may take fails the call at that time', async t => {
  const { call, control } = await pair(t, 'listening', {
    client: { limits: { tcpClientReceiveResponseTimeoutMs: 100 } },
  })
  const error = await failure(call.wait('a'), 'ERR_TIMEOUT')
  assert.equal(connectionState(error), 'unknown')
  control.release('a')
  assert.equal(await call.sayHello('b'), 'b...')
})

test('halibut 13.53: a response that stops in the middle fails after the limit of a read', async t => {
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    peer.socket.on('error', () => {})
    await peer.lines('MX', '', 'MX-CLIENT 1.0', '')
    peer.say('MX-SERVER 1.0\r\n\r\n')
    await peer.message()
    peer.socket.write(Buffer.from([0x01, 0xff, 0x00, 0x00, 0xff, 1, 2, 3]))
  })
  const call = await callTo(t, listener.port, {
    tcpClientReceiveTimeoutMs: 100,
    tcpClientReceiveResponseTimeoutMs: 60_000,
  })
  const error = await failure(call.sayHello('a'), 'ERR_TIMEOUT')
  assert.match(error.message, /100 ms/)
})

test('a call can be cancelled while it connects, and while it runs; a time limit does the same', async t => {
  const port = await freePort()
  const connecting = await callTo(t, port, { retryListeningSleepIntervalMs: 60_000 })
  const abort = new AbortController()
  const waiting = failure(connecting.sayHello('a', { signal: abort.signal }), 'ERR_CANCELLED_CONNECTING')
  setImmediate(() => abort.abort())
  assert.equal(connectionState(await waiting), 'connecting')
  await failure(connecting.sayHello('a', { signal: abort.signal }), 'ERR_CANCELLED_CONNECTING')
  await failure(connecting.sayHello('a', { timeoutMs: 30 }), 'ERR_TIMEOUT')

  const { call, control } = await pair(t, 'listening')
  const running = new AbortController()
  const cancelled = failure(call.wait('a', { signal: running.signal }), 'ERR_CANCELLED_TRANSFERRING')
  await control.arrived('a')
  running.abort()
  assert.equal(connectionState(await cancelled), 'unknown')
  control.release('a')
  assert.equal(await call.sayHello('b'), 'b...')
})

test('disconnecting an endpoint cuts its calls and closes its idle connections', async t => {
  const { call, client, endpoint, control } = await pair(t, 'listening')
  const calling = failure(call.wait('a'), 'ERR_CONNECTION_LOST')
  await control.arrived('a')
  client.disconnect(endpoint)
  await calling
  control.release('a')
  assert.equal(await call.sayHello('b'), 'b...')
})

test('halibut 13.61: errors are classed by what a caller can do about them', async t => {
  const { call } = await pair(t, 'listening')
  const classes = (error: HalibutError) => [isNetworkError(error), isRetryable(error)]
  assert.deepEqual(classes(await failure(call.crash(), 'ERR_SERVICE_INVOCATION')), [false, false])
  const away = await callTo(t, await freePort(), { retryCountLimit: 1 })
  assert.deepEqual(classes(await failure(away.sayHello('a'), 'ERR_CONNECT')), [true, true])
  const polling = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { pollingRequestQueueTimeoutMs: 10 } },
  })
  assert.deepEqual(classes(await failure(polling.call.sayHello('a'), 'ERR_NOT_COLLECTED')), [false, true])
  assert.deepEqual([isNetworkError(new Error('x')), connectionState('x')], [false, 'unknown'])
})

test('a port that is taken, and endpoints that are none, are told plainly', async t => {
  const { service, client, port } = await pair(t, 'listening')
  const taken = await failure(service.listen({ port, host: '127.0.0.1' }), 'ERR_LISTEN')
  assert.match(taken.message, new RegExp(`port ${port}: another program uses it`))
  for (const baseUri of ['http://x/', 'nonsense', 'https://', 'poll://', 'poll:// x/']) {
    assert.throws(() => client.client(TestService, { baseUri }), { code: 'ERR_INVALID_ENDPOINT' }, baseUri)
  }
  assert.throws(() => client.client(TestService, { baseUri: 'https://host:1/' }), {
    code: 'ERR_INVALID_ENDPOINT',
  })
})

test('a listening service hangs up on an idle client after its time, without a word in the log', async t => {
  const { port, log } = await pair(t, 'listening', {
    service: { limits: { tcpListeningNextRequestIdleTimeoutMs: 60 } },
  })
  const peer = await dialRaw(t, port, await certificateFor('client'))
  peer.say('MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n')
  await peer.lines('MX-SERVER 1.0', '')
  await peer.request('1', 'a')
  await peer.message()
  assert.equal(await peer.rest(), '')
  assert.deepEqual(
    log.filter(({ level }) => level === 'warn'),
    [],
  )
})
