import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullFrame } from '../src/frame/write-frame.ts'
import { defaultLimits, type HalibutObserver } from '../src/index.ts'
import { Backoff } from '../src/polling/backoff.ts'
import { dialRaw, listenRaw, nextRequest, type RawPeer, subscriber } from './raw-peer.ts'
import { certificateFor, pair, runtime, TestService, TestServiceControl, until } from './runtimes.ts'

test('halibut 13.2: request, response, NEXT, PROCEED; a null request is answered by NEXT alone', async t => {
  const { call, port } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { pollingQueueWaitTimeoutMs: 50 } },
  })
  const peer = await subscriber(t, port, await certificateFor('service'))
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
  const spy = await subscriber(t, port, await certificateFor('service'), 'poll://spy/')
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

test('a spare connection carries short calls past long ones, and goes when it has nothing to do', async t => {
  let connected = 0
  let opened = 0
  const observer: HalibutObserver = {
    subscriberConnected() {
      connected++
      opened++
    },
    subscriberDisconnected: () => void connected--,
  }
  const { call, control, polling } = await pair(t, 'polling', {
    connections: 2,
    spareAfterMs: 20,
    client: { observer, limits: { pollingQueueWaitTimeoutMs: 50 } },
  })
  const long = [call.wait('one'), call.wait('two')]
  await Promise.all([control.arrived('one'), control.arrived('two')])
  assert.equal(await call.sayHello('short'), 'short...')
  assert.equal(await call.sayHello('again'), 'again...')
  assert.equal(connected, 3)
  control.release('one')
  control.release('two')
  assert.deepEqual(await Promise.all(long), ['one', 'two'])
  await until(() => connected === 2, 'the spare one has gone')

  // Once more, and stopped while it is there.
  const cut = [call.wait('three'), call.wait('four')].map(each => each.catch(() => undefined))
  await Promise.all([control.arrived('three'), control.arrived('four')])
  assert.equal(await call.sayHello('third'), 'third...')
  assert.equal(opened, 4)
  control.release('three')
  control.release('four')
  await polling?.stop()
  await Promise.all(cut)
  await until(() => connected === 0, 'all have gone')
})

test('no spare connection is opened for calls that are over in time', async t => {
  let opened = 0
  const { call } = await pair(t, 'polling', {
    spareAfterMs: 5_000,
    client: { observer: { subscriberConnected: () => void opened++ } },
  })
  for (let i = 0; i < 50; i++) assert.equal(await call.sayHello(`${i}`), `${i}...`)
  assert.equal(opened, 1)
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
  const { port, call } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { maximumActiveTcpConnectionsPerPollingSubscription: 1 } },
  })
  const first = await subscriber(t, port, await certificateFor('service'))
  const second = await dialRaw(t, port, await certificateFor('service'))
  second.say('MX\r\n\r\nMX-SUBSCRIBER 1.0 poll://tests/\r\n\r\n')
  assert.equal(await second.rest(), '')
  const calling = call.sayHello('not disturbed')
  const request = await nextRequest(first)
  await first.respond(request.id, 'fine')
  assert.equal(await calling, 'fine')
  first.say('NEXT\r\n')
  await first.lines('PROCEED')
  await subscriber(t, port, await certificateFor('service'), 'poll://another/')
  first.say('END\r\n')
  await first.closed
  await subscriber(t, port, await certificateFor('service'))
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

/** Introduces itself as a server to a service that polls. */
async function greetSubscriber(peer: RawPeer): Promise<void> {
  peer.socket.on('error', () => {})
  await peer.lines('MX', '', 'MX-SUBSCRIBER 1.0 poll://tests/', '')
  peer.say('MX-SERVER 1.0\r\n\r\n')
}

test('halibut 13.33: a poller is there at once, and back quickly after a good connection dropped, whatever was before', async t => {
  const arrivals: number[] = []
  const drops: number[] = []
  const listener = await listenRaw(t, await certificateFor('client'), async peer => {
    arrivals.push(performance.now())
    await greetSubscriber(peer)
    peer.socket.write(nullFrame)
    await peer.lines('NEXT')
    drops.push(performance.now())
    peer.socket.destroy()
  })
  const startedAt = performance.now()
  const service = await runtime(t, 'service', {
    limits: { pollingReconnectMinimumMs: 50, pollingReconnectMaximumMs: 60_000 },
  })
  const { thumbprint } = await certificateFor('client')
  const server = { baseUri: `https://127.0.0.1:${listener.port}`, thumbprint }
  service.poll({ subscription: 'poll://tests/', server })
  await until(() => arrivals.length === 4, 'four connections')
  assert.ok((arrivals[0] ?? Number.NaN) - startedAt < 5000)
  for (const [index, droppedAt] of drops.slice(0, 3).entries()) {
    const pauseMs = (arrivals[index + 1] ?? Number.NaN) - droppedAt
    assert.ok(pauseMs >= 45 && pauseMs < 5000, `${pauseMs} ms`)
  }
})

test('halibut 13.34: pauses grow to the longest while nobody identifies, and are short again after somebody did', async t => {
  let isGood = false
  const listener = await listenRaw(t, await certificateFor('client'), async peer => {
    if (isGood) {
      await greetSubscriber(peer)
      peer.socket.write(nullFrame)
      await peer.lines('NEXT')
    }
    peer.socket.destroy()
  })
  const pauses: number[] = []
  const service = await runtime(t, 'service', {
    limits: { pollingReconnectMinimumMs: 20, pollingReconnectMaximumMs: 160 },
    log: ({ message }) => {
      const [, seconds] = /Trying again in ([\d.]+) s/.exec(message) ?? []
      if (seconds !== undefined) pauses.push(Number(seconds))
      if (seconds === '0.2') isGood = true
    },
  })
  const { thumbprint } = await certificateFor('client')
  const server = { baseUri: `https://127.0.0.1:${listener.port}`, thumbprint }
  service.poll({ subscription: 'poll://tests/', server })
  await until(() => isGood, 'the longest pause')
  const longest = pauses.length
  assert.equal(pauses[0], 0)
  await until(() => pauses.length > longest, 'a pause after an identification')
  assert.equal(pauses[longest], 0)
})

test('halibut 14.25, 14.27: a poller says NEXT once after each exchange and at once, and never before the first', async t => {
  const said: string[] = []
  const listener = await listenRaw(t, await certificateFor('client'), async peer => {
    await greetSubscriber(peer)
    for (let round = 0; round < 50; round++) {
      if (round % 10 === 0) {
        await peer.request(`${round}`, 'x')
        await peer.message()
      } else peer.socket.write(nullFrame)
      said.push(await peer.line())
      peer.say('PROCEED\r\n')
    }
    peer.say('never asked for\r\n')
    await peer.closed
  })
  const control = new TestServiceControl()
  const service = await runtime(t, 'service', {
    services: [control.hosted],
    limits: { pollingReconnectMinimumMs: 60_000, pollingReconnectMaximumMs: 60_000 },
  })
  const { thumbprint } = await certificateFor('client')
  const startedAt = performance.now()
  service.poll({
    subscription: 'poll://tests/',
    server: { baseUri: `https://127.0.0.1:${listener.port}`, thumbprint },
  })
  await until(() => said.length === 50, 'fifty exchanges')
  assert.ok(performance.now() - startedAt < 5000)
  assert.deepEqual(new Set(said), new Set(['NEXT']))
  assert.equal(control.calls.length, 5)
})
