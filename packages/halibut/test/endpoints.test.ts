import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { BsonDocument } from '../src/frame/bson-value.ts'
import { listenRaw, serveByHand, subscriber } from './raw-peer.ts'
import { certificateFor, pair, runtime, TestService, until } from './runtimes.ts'

test('forceResolveHost changes where TCP connects to, and nothing else', async t => {
  const certificate = await certificateFor('service')
  let serverName: unknown
  let endpoint: unknown
  const listener = await listenRaw(t, certificate, async peer => {
    serverName = peer.socket.servername
    await serveByHand(peer, request => {
      endpoint = request.message.get('endpoint')
      return 'ok'
    })
  })
  const client = await runtime(t, 'client', { limits: { retryCountLimit: 1 } })
  const call = client.client(TestService, {
    baseUri: `https://Not-The-Host.invalid:${listener.port}`,
    thumbprint: certificate.thumbprint,
    forceResolveHost: '127.0.0.1',
  })
  assert.equal(await call.sayHello('a'), 'ok')
  assert.equal(serverName, 'not-the-host.invalid')
  assert.ok(endpoint instanceof BsonDocument)
  assert.equal(endpoint.get('BaseUri'), `https://not-the-host.invalid:${listener.port}/`)
  assert.equal(endpoint.get('ForceResolveHost'), '127.0.0.1')
})

test('an endpoint is told to the service with the limits in force, and without its proxy', async t => {
  const { client, endpoint } = await pair(t, 'polling', { connections: 0 })
  const listener = await client.listen({ port: 0, host: '127.0.0.1' })
  const peer = await subscriber(t, listener.port, await certificateFor('service'))
  const calling = client
    .client(TestService, {
      ...endpoint,
      proxy: { host: 'proxy', port: 1, userName: 'me', password: 'secret' },
      retryCountLimit: 7,
      retryListeningSleepIntervalMs: 1500,
      connectionErrorRetryTimeoutMs: 60_000,
      connectTimeoutMs: 5000,
      pollingRequestQueueTimeoutMs: 90_000,
    })
    .sayHello('a')
  const message = (await peer.message()).get('Message')
  assert.ok(message instanceof BsonDocument)
  const document = message.get('endpoint')
  assert.ok(document instanceof BsonDocument)
  assert.deepEqual(
    [...document.members],
    [
      ['PollingRequestQueueTimeout', '00:01:30'],
      ['RetryListeningSleepInterval', '00:00:01.5000000'],
      ['RetryCountLimit', 7],
      ['ConnectionErrorRetryTimeout', '00:01:00'],
      ['TcpClientConnectTimeout', '00:00:05'],
      ['BaseUri', 'poll://tests/'],
      ['RemoteThumbprint', endpoint.thumbprint],
      ['Proxy', null],
      ['ForceResolveHost', null],
      ['IsWebSocketEndpoint', false],
    ],
  )
  await peer.respond(String(message.get('id')), 'answer')
  assert.equal(await calling, 'answer')
})

test('a polling service tries to connect as often as the limits of its server say', async t => {
  let connections = 0
  const server = createServer(socket => {
    connections++
    socket.resetAndDestroy()
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const service = await runtime(t, 'service', {
    limits: { pollingReconnectMinimumMs: 60_000, pollingReconnectMaximumMs: 60_000, retryCountLimit: 9 },
  })
  const polling = service.poll({
    subscription: 'poll://x/',
    server: {
      baseUri: `https://127.0.0.1:${port}`,
      thumbprint: (await certificateFor('client')).thumbprint,
      retryCountLimit: 3,
      retryListeningSleepIntervalMs: 10,
    },
  })
  await until(() => polling.state.kind === 'waiting', 'the pause')
  assert.equal(connections, 3)
})

test('a proxy that is written as an address of the web is refused at once', async t => {
  const client = await runtime(t, 'client')
  const { thumbprint } = await certificateFor('service')
  const proxy = { host: 'http://proxy', port: 8080 }
  const endpoint = { baseUri: 'https://x:1/', thumbprint, proxy }
  assert.throws(() => client.client(TestService, endpoint), { code: 'ERR_INVALID_ENDPOINT' })
  assert.throws(() => client.poll({ subscription: 'poll://x/', server: endpoint }), /without http:\/\//)
})
