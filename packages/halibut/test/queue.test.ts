import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionState } from '../src/index.ts'
import { dialRaw, nextRequest, subscriber } from './raw-peer.ts'
import { certificateFor, failure, pair, TestService } from './runtimes.ts'

test('halibut 13.27: calls are collected in the order in which they were made', async t => {
  const { call, port } = await pair(t, 'polling', { connections: 0 })
  const calls = ['a', 'b', 'c'].map(name => call.sayHello(name))
  const peer = await subscriber(t, port, await certificateFor('service'))
  for (const name of ['a', 'b', 'c']) {
    const request = await nextRequest(peer)
    assert.equal(request.argument, name)
    await peer.respond(request.id, name)
    peer.say('NEXT\r\n')
    await peer.lines('PROCEED')
  }
  assert.deepEqual(await Promise.all(calls), ['a', 'b', 'c'])
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

test('halibut 13.35: a call that is cancelled while it waits is never sent', async t => {
  const { call, port } = await pair(t, 'polling', { connections: 0 })
  const abort = new AbortController()
  const cancelled = failure(call.sayHello('a', { signal: abort.signal }), 'ERR_CANCELLED_CONNECTING')
  const late = failure(call.sayHello('b', { timeoutMs: 20 }), 'ERR_TIMEOUT')
  abort.abort()
  assert.equal(connectionState(await cancelled), 'connecting')
  assert.equal(connectionState(await late), 'connecting')
  const calling = call.sayHello('c')
  const peer = await subscriber(t, port, await certificateFor('service'))
  const request = await nextRequest(peer)
  assert.equal(request.argument, 'c')
  await peer.respond(request.id, 'c')
  assert.equal(await calling, 'c')
})

test('halibut 13.41, 14.47: a poller that vanished while it waited never gets a call', async t => {
  const { call, port, client } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { pollingQueueWaitTimeoutMs: 60_000 } },
  })
  const gone: string[] = []
  for (const leave of ['end', 'destroy', 'END'] as const) {
    const peer = await subscriber(t, port, await certificateFor('service'))
    if (leave === 'END') peer.say('END\r\n')
    else peer.socket[leave]()
    await peer.closed
    gone.push(leave)
  }
  const live = await subscriber(t, port, await certificateFor('service'))
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
  await subscriber(t, port, await certificateFor('service'), 'poll://ALLOWED')
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

test('halibut 13.28: a call is given to exactly one of several waiting pollers', async t => {
  const { call, port } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { pollingQueueWaitTimeoutMs: 60_000 } },
  })
  const service = await certificateFor('service')
  const peers = [
    await subscriber(t, port, service),
    await subscriber(t, port, service),
    await subscriber(t, port, service),
  ]
  const heard = peers.map(peer => peer.source.totalBytes)
  const names = ['a', 'b']
  const calls = names.map(name => call.sayHello(name))
  const served = new Set<number>()
  await Promise.race([
    Promise.all(
      peers.map(async (peer, index) => {
        const request = await nextRequest(peer)
        served.add(index)
        await peer.respond(request.id, `${request.argument} once`)
      }),
    ),
    Promise.all(calls),
  ])
  assert.deepEqual(await Promise.all(calls), ['a once', 'b once'])
  assert.equal(served.size, 2)
  const idle = peers.filter((peer, index) => peer.source.totalBytes === heard[index])
  assert.equal(idle.length, 1)
})

test('halibut 13.36: a call that is cancelled in flight fails at once, and the next one works on a new connection', async t => {
  const { call, control } = await pair(t, 'polling')
  const abort = new AbortController()
  const calling = failure(call.wait('a', { signal: abort.signal }), 'ERR_CANCELLED_TRANSFERRING')
  await control.arrived('a')
  const startedAt = performance.now()
  abort.abort()
  assert.equal(connectionState(await calling), 'unknown')
  control.release('a')
  assert.equal(await call.sayHello('b'), 'b...')
  assert.ok(performance.now() - startedAt < 10_000)
  assert.equal(control.waiting.get('a')?.signal.aborted, true)
})

test('halibut 13.36: the late response to a cancelled call means nothing, neither to it nor to the next one', async t => {
  const { call, port } = await pair(t, 'polling', { connections: 0 })
  const service = await certificateFor('service')
  const peer = await subscriber(t, port, service)
  const abort = new AbortController()
  const calling = failure(call.sayHello('a', { signal: abort.signal }), 'ERR_CANCELLED_TRANSFERRING')
  const cancelled = await nextRequest(peer)
  abort.abort()
  await calling
  await peer.respond(cancelled.id, 'too late')
  const again = call.sayHello('b')
  const other = await subscriber(t, port, service)
  const request = await nextRequest(other)
  assert.equal(request.argument, 'b')
  await other.respond(request.id, 'in time')
  assert.equal(await again, 'in time')
  await peer.closed
})

test('halibut 14.24: NEXT is answered at once, even if the calls in the queue are for somebody else', async t => {
  const { client, port } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { pollingQueueWaitTimeoutMs: 30, pollingRequestQueueTimeoutMs: 60_000 } },
  })
  const { thumbprint } = await certificateFor('other service')
  const blocked = Array.from({ length: 100 }, (_, i) =>
    failure(
      client.client(TestService, { baseUri: 'poll://tests/', thumbprint }).sayHello(`${i}`),
      'ERR_CLOSED',
    ),
  )
  const peer = await subscriber(t, port, await certificateFor('service'))
  for (let round = 0; round < 3; round++) {
    assert.equal((await peer.message()).get('Message'), null)
    const saidAt = performance.now()
    peer.say('NEXT\r\n')
    await peer.lines('PROCEED')
    assert.ok(performance.now() - saidAt < 1000)
  }
  await client.close()
  await Promise.all(blocked)
})

test('halibut 14.49: a call that wakes one poller neither shortens nor prolongs the wait of the others', async t => {
  const waitMs = 600
  const { call, port } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { pollingQueueWaitTimeoutMs: waitMs } },
  })
  const service = await certificateFor('service')
  const first = await subscriber(t, port, service)
  const others = [await subscriber(t, port, service), await subscriber(t, port, service)]
  const startedAt = performance.now()
  const nulls = others.map(async peer => {
    assert.equal((await peer.message()).get('Message'), null)
    return performance.now() - startedAt
  })
  // A call at two thirds of the wait: whoever began to wait anew would hear much later.
  await new Promise(resolve => setTimeout(resolve, (waitMs * 2) / 3))
  const calling = call.sayHello('a')
  const request = await nextRequest(first)
  await first.respond(request.id, 'answer')
  assert.equal(await calling, 'answer')
  for (const elapsedMs of await Promise.all(nulls)) {
    assert.ok(elapsedMs > waitMs - 100 && elapsedMs < waitMs + 390, `${elapsedMs} ms`)
  }
})
