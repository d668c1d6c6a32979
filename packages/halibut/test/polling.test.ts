import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BsonDocument } from '../src/frame/bson-value.ts'
import { connectionState, defaultLimits, type HalibutObserver } from '../src/index.ts'
import { Backoff } from '../src/polling/backoff.ts'
import { dialRaw, listenRaw, type RawPeer } from './raw-peer.ts'
import { certificateFor, failure, pair, runtime, TestService, TestServiceControl, until } from './runtimes.ts'

/** A polling service by hand, introduced and waiting for work. */
async function subscriber(
  t: Parameters<typeof dialRaw>[0],
  port: number,
  subscription = 'poll://tests/',
): Promise<RawPeer> {
  const peer = await dialRaw(t, port, await certificateFor('service'))
  peer.socket.on('error', () => {})
  peer.say(`MX\r\n\r\nMX-SUBSCRIBER 1.0 ${subscription}\r\n\r\n`)
  await peer.lines('MX-SERVER 1.0', '')
  return peer
}

/** The id and first argument of a request. */
async function nextRequest(peer: RawPeer): Promise<{ id: string; argument: unknown }> {
  const message = (await peer.message()).get('Message')
  assert.ok(message instanceof BsonDocument)
  const params = message.get('params')
  return { id: String(message.get('id')), argument: Array.isArray(params) ? params[0] : undefined }
}

test('halibut 13.2: request, response, NEXT, PROCEED; a null request is answered by NEXT alone', async t => {
  const { call, port } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { pollingQueueWaitTimeoutMs: 50 } },
  })
  const peer = await subscriber(t, port)
  assert.equal((await peer.message()).get('Message'), null)
  peer.say('NEXT\r\n')
  await peer.lines('PROCEED')
  const calling = call.sayHello('a')
  const request = await nextRequest(peer)
  assert.equal(request.argument, 'a')
  await peer.respond(request.id, 'answer')
  assert.equal(await calling, 'answer')
  peer.say('NEXT\r\n')
  await peer.lines('PROCEED')
  assert.equal((await peer.message()).get('Message'), null)
  peer.say('END\r\n')
  assert.equal(await peer.rest(), '')
})

test('halibut 13.27: calls are collected in the order in which they were made', async t => {
  const { call, port } = await pair(t, 'polling', { connections: 0 })
  const calls = ['a', 'b', 'c'].map(name => call.sayHello(name))
  const peer = await subscriber(t, port)
  for (const name of ['a', 'b', 'c']) {
    const request = await nextRequest(peer)
    assert.equal(request.argument, name)
    await peer.respond(request.id, name)
    peer.say('NEXT\r\n')
    await peer.lines('PROCEED')
  }
  assert.deepEqual(await Promise.all(calls), ['a', 'b', 'c'])
})

test('halibut 13.28: a call is given to exactly one of several waiting pollers', async t => {
  const { call, port } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { pollingQueueWaitTimeoutMs: 60_000 } },
  })
  const peers = [await subscriber(t, port), await subscriber(t, port), await subscriber(t, port)]
  const calling = call.sayHello('a')
  const request = await Promise.any(peers.map(nextRequest))
  const [first] = peers
  await first?.respond(request.id, 'one')
  assert.equal(await calling, 'one')
  assert.deepEqual(
    peers.map(peer => peer.source.totalBytes > 30),
    [true, false, false],
  )
})

test('halibut 13.29: without work the connection stays, with a word every queue wait', async t => {
  const connections: string[] = []
  const observer: HalibutObserver = {
    subscriberConnected: subscription => void connections.push(`+${subscription}`),
    subscriberDisconnected: subscription => void connections.push(`-${subscription}`),
  }
  const { call, client, polling, port } = await pair(t, 'polling', {
    client: { observer, limits: { pollingQueueWaitTimeoutMs: 20 } },
  })
  await until(() => polling?.state.kind === 'connected', 'the connection')
  const spy = await subscriber(t, port, 'poll://spy/')
  for (let i = 0; i < 5; i++) {
    assert.equal((await spy.message()).get('Message'), null)
    spy.say('NEXT\r\n')
    await spy.lines('PROCEED')
  }
  assert.equal(await call.sayHello('a'), 'a...')
  assert.deepEqual(connections, ['+poll://tests/', '+poll://spy/'])
  await client.close()
  assert.deepEqual(connections.slice(2).toSorted(), ['-poll://spy/', '-poll://tests/'])
})

test('halibut 13.30: a poller that hears nothing connects anew', async t => {
  let connections = 0
  const listener = await listenRaw(t, await certificateFor('client'), async peer => {
    connections++
    await peer.lines('MX', '', 'MX-SUBSCRIBER 1.0 poll://tests/', '')
    peer.say('MX-SERVER 1.0\r\n\r\n')
  })
  const service = await runtime(t, 'service', { limits: { tcpClientReceiveRequestTimeoutForPollingMs: 50 } })
  const server = {
    baseUri: `https://127.0.0.1:${listener.port}`,
    thumbprint: (await certificateFor('client')).thumbprint,
  }
  service.poll({ subscription: 'POLL://Tests', server })
  await until(() => connections >= 3, 'three connections')
})

test('halibut 13.31: a call that nobody collects fails in time, in the state connecting', async t => {
  const { call } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { pollingRequestQueueTimeoutMs: 50 } },
  })
  const error = await failure(call.sayHello('a'), 'ERR_NOT_COLLECTED')
  assert.equal(connectionState(error), 'connecting')
  assert.match(error.message, /poll:\/\/tests\/ was not collected within 50 ms/)
})

test('halibut 13.32, 14.50: a call that was collected in time may be answered later', async t => {
  const { call, control } = await pair(t, 'polling', {
    client: { limits: { pollingRequestQueueTimeoutMs: 300 } },
  })
  const calling = call.wait('a')
  await control.arrived('a')
  await failure(call.sayHello('second, behind the first'), 'ERR_NOT_COLLECTED')
  control.release('a')
  assert.equal(await calling, 'a')
})

test('halibut 13.34: the pause grows with the time without a server to two minutes, and starts anew with one', () => {
  const backoff = new Backoff(defaultLimits, 0.5)
  assert.equal(backoff.pauseAfter(0, true), 5000)
  assert.equal(backoff.pauseAfter(5000, true), 7500)
  assert.equal(backoff.pauseAfter(20_000, true), 30_000)
  assert.equal(backoff.pauseAfter(500_000, true), 120_000)
  backoff.identified()
  assert.equal(backoff.pauseAfter(600_000, false), 5000)
  assert.equal(backoff.pauseAfter(900_000, true), 5000)
})

test('halibut 13.35: a call that is cancelled while it waits is never sent', async t => {
  const { call, port } = await pair(t, 'polling', { connections: 0 })
  const abort = new AbortController()
  const cancelled = failure(call.sayHello('a', { signal: abort.signal }), 'ERR_CANCELLED_CONNECTING')
  const late = failure(call.sayHello('b', { timeoutMs: 20 }), 'ERR_TIMEOUT')
  abort.abort()
  assert.equal(connectionState(await cancelled), 'connecting')
  assert.equal(connectionState(await late), 'connecting')
  const calling = call.sayHello('c')
  const peer = await subscriber(t, port)
  const request = await nextRequest(peer)
  assert.equal(request.argument, 'c')
  await peer.respond(request.id, 'c')
  assert.equal(await calling, 'c')
})

test('halibut 13.36: a call that is cancelled in flight fails at once, and the next one works on a new connection', async t => {
  const { call, control } = await pair(t, 'polling')
  const abort = new AbortController()
  const calling = failure(call.wait('a', { signal: abort.signal }), 'ERR_CANCELLED_TRANSFERRING')
  await control.arrived('a')
  abort.abort()
  assert.equal(connectionState(await calling), 'unknown')
  control.release('a')
  assert.equal(await call.sayHello('b'), 'b...')
  assert.equal(control.waiting.get('a')?.signal.aborted, true)
})

test('halibut 13.37: one service polls two servers and serves both', async t => {
  const one = await pair(t, 'polling')
  const two = await runtime(t, 'second server', { trust: [one.service.certificate.thumbprint] })
  const { port } = await two.listen({ port: 0, host: '127.0.0.1' })
  one.service.poll({
    subscription: 'poll://tests/',
    server: { baseUri: `https://127.0.0.1:${port}`, thumbprint: two.certificate.thumbprint },
    connections: 2,
  })
  const call = two.client(TestService, { baseUri: 'poll://TESTS' })
  assert.deepEqual(await Promise.all([one.call.sayHello('1'), call.sayHello('2')]), ['1...', '2...'])
})

test('halibut 13.38: connections above the limit are refused before MX-SERVER, and a place becomes free again', async t => {
  const { port } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { maximumActiveTcpConnectionsPerPollingSubscription: 1 } },
  })
  const first = await subscriber(t, port)
  const second = await dialRaw(t, port, await certificateFor('service'))
  second.say('MX\r\n\r\nMX-SUBSCRIBER 1.0 poll://tests/\r\n\r\n')
  assert.equal(await second.rest(), '')
  assert.equal(first.source.failure, undefined)
  await subscriber(t, port, 'poll://another/')
  first.say('END\r\n')
  await first.closed
  await subscriber(t, port)
})

test('halibut 13.39: hundreds of pollers and calls at once', async t => {
  const server = await runtime(t, 'client', { trust: [(await certificateFor('service')).thumbprint] })
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
  const control = new TestServiceControl()
  const service = await runtime(t, 'service', { services: [control.hosted] })
  const endpoint = { baseUri: `https://127.0.0.1:${port}`, thumbprint: server.certificate.thumbprint }
  const names = Array.from({ length: 100 }, (_, i) => `poll://many-${i}/`)
  for (const subscription of names) service.poll({ subscription, server: endpoint, connections: 2 })
  const answers = await Promise.all(
    names.flatMap(baseUri =>
      ['a', 'b', 'c'].map(name => server.client(TestService, { baseUri }).sayHello(name)),
    ),
  )
  assert.equal(answers.length, 300)
  assert.equal(control.calls.length, 300)
})

test('halibut 13.41, 14.47: a poller that vanished while it waited never gets a call', async t => {
  const { call, port, client } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { pollingQueueWaitTimeoutMs: 60_000 } },
  })
  const gone: string[] = []
  for (const leave of ['end', 'destroy', 'END'] as const) {
    const peer = await subscriber(t, port)
    if (leave === 'END') peer.say('END\r\n')
    else peer.socket[leave]()
    await peer.closed
    gone.push(leave)
  }
  const live = await subscriber(t, port)
  const calling = call.sayHello('a')
  const request = await nextRequest(live)
  await live.respond(request.id, 'alive')
  assert.equal(await calling, 'alive')
  assert.equal(gone.length, 3)
  assert.ok(client)
})

test('halibut 13.42: the case of a subscription does not matter', async t => {
  const { client, endpoint } = await pair(t, 'polling')
  const call = client.client(TestService, { ...endpoint, baseUri: 'POLL://TESTS' })
  assert.equal(await call.sayHello('a'), 'a...')
})

test('halibut 14.48: a call for a certain certificate is never given to another trusted poller', async t => {
  const stranger = await certificateFor('other service')
  const { call, port, client } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { pollingRequestQueueTimeoutMs: 200 } },
  })
  client.trust.add(stranger.thumbprint)
  const peer = await dialRaw(t, port, stranger)
  peer.say('MX\r\n\r\nMX-SUBSCRIBER 1.0 poll://tests/\r\n\r\n')
  await peer.lines('MX-SERVER 1.0', '')
  await failure(call.sayHello('secret'), 'ERR_NOT_COLLECTED')
  const open = client.client(TestService, { baseUri: 'poll://tests/' }).sayHello('anybody')
  const request = await nextRequest(peer)
  assert.equal(request.argument, 'anybody')
  await peer.respond(request.id, 'me')
  assert.equal(await open, 'me')
})

test('halibut 14.48: who may poll a subscription can be decided, before MX-SERVER', async t => {
  const asked: string[] = []
  const { port, log } = await pair(t, 'polling', {
    connections: 0,
    client: {
      authorizeSubscription: (subscription, thumbprint) => {
        asked.push(`${subscription} ${thumbprint}`)
        return subscription === 'poll://allowed/'
      },
    },
  })
  const { thumbprint } = await certificateFor('service')
  await subscriber(t, port, 'poll://ALLOWED')
  const refused = await dialRaw(t, port, await certificateFor('service'))
  refused.say('MX\r\n\r\nMX-SUBSCRIBER 1.0 poll://other/\r\n\r\n')
  assert.equal(await refused.rest(), '')
  assert.deepEqual(asked, [`poll://allowed/ ${thumbprint}`, `poll://other/ ${thumbprint}`])
  assert.ok(log.some(({ message }) => message.includes('may not poll poll://other/')))
})

test('halibut 14.48: a queue has room for so many calls and refuses more', async t => {
  const { call } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { maximumQueuedRequestsPerSubscription: 2, pollingRequestQueueTimeoutMs: 100 } },
  })
  const waiting = [
    failure(call.sayHello('a'), 'ERR_NOT_COLLECTED'),
    failure(call.sayHello('b'), 'ERR_NOT_COLLECTED'),
  ]
  await failure(call.sayHello('c'), 'ERR_QUEUE_FULL')
  await Promise.all(waiting)
})

test('a polling service tells what it is doing, and stops after finishing its work', async t => {
  const { call, control, polling, client } = await pair(t, 'polling')
  assert.ok(polling)
  assert.equal(polling.state.kind, 'connecting')
  await until(() => polling.state.kind === 'connected', 'the connection')
  const calling = call.wait('a')
  await control.arrived('a')
  const stopping = polling.stop()
  control.release('a')
  assert.equal(await calling, 'a')
  await stopping
  assert.deepEqual(polling.state, { kind: 'stopped' })
  assert.ok(client)
})

test('a polling service whose server is away says so and comes back by itself', async t => {
  const { service, client, call, polling, port } = await pair(t, 'polling')
  await call.sayHello('a')
  await client.close()
  assert.ok(polling)
  await until(() => polling.state.kind === 'waiting', 'the interruption')
  const again = await runtime(t, 'client', { trust: [service.certificate.thumbprint] })
  await again.listen({ port, host: '127.0.0.1' })
  assert.equal(await again.client(TestService, { baseUri: 'poll://tests/' }).sayHello('b'), 'b...')
})

test('halibut 13.18: a polling service refuses a server with another certificate', async t => {
  const impostor = await listenRaw(t, await certificateFor('impostor'), () => {})
  const service = await runtime(t, 'service')
  const { thumbprint } = await certificateFor('client')
  const polling = service.poll({
    subscription: 'poll://x/',
    server: { baseUri: `https://127.0.0.1:${impostor.port}`, thumbprint },
  })
  await until(() => polling.state.kind === 'waiting', 'the refusal')
  const { state } = polling
  assert.ok(state.kind === 'waiting' && state.error instanceof Error)
  assert.match(state.error.message, new RegExp(thumbprint))
})
