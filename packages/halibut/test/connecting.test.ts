import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { connectionState, type HalibutError, type HalibutLimits } from '../src/index.ts'
import { blackHole, callTo, freePort, listenTcp, relay } from './dead-ends.ts'
import { greetClient, listenRaw } from './raw-peer.ts'
import { certificateFor, failure, pair, runtime, TestService, TestServiceControl, until } from './runtimes.ts'

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

test('halibut 13.48: once the request is sent nothing is repeated: the call fails and the method ran once', async t => {
  const { control, port } = await pair(t, 'listening')
  const { port: relayPort, connections } = await relay(t, port)
  const call = await callTo(t, relayPort)
  const calling = failure(call.wait('a'), 'ERR_CONNECTION_LOST')
  await control.arrived('a')
  const cutAt = performance.now()
  for (const { near } of connections) near.destroy()
  assert.equal(connectionState(await calling), 'unknown')
  assert.ok(performance.now() - cutAt < 5000)
  control.release('a')
  assert.equal(control.waiting.size, 1)
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

test('halibut 13.46: exactly as many attempts are made as are allowed', async t => {
  let attempts = 0
  const port = await listenTcp(t, socket => {
    attempts++
    socket.resetAndDestroy()
  })
  for (const retryCountLimit of [1, 2, 5]) {
    attempts = 0
    const call = await callTo(t, port, { retryCountLimit, retryListeningSleepIntervalMs: 5 })
    await failure(call.sayHello('a'), 'ERR_CONNECT')
    assert.equal(attempts, retryCountLimit)
  }
})

test('halibut 13.50: an unknown host is not tried again, and the error says which host', async t => {
  const client = await runtime(t, 'client', { limits: { retryListeningSleepIntervalMs: 60_000 } })
  const { thumbprint } = await certificateFor('service')
  const call = client.client(TestService, { baseUri: 'https://no-such-host.invalid:10933/', thumbprint })
  const error = await failure(call.sayHello('a'), 'ERR_CONNECT')
  assert.match(error.message, /no-such-host\.invalid:10933/)
  assert.equal(error.details.isUnknownHost, true)
})

test('halibut 13.50: a closed port is told with address and reason, at once', async t => {
  const port = await freePort()
  const startedAt = performance.now()
  const error = await failure((await callTo(t, port, { retryCountLimit: 1 })).sayHello('a'), 'ERR_CONNECT')
  assert.ok(performance.now() - startedAt < 2000)
  assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}: .*ECONNREFUSED`))
})

test('halibut 13.50: an address that does not answer is given up after the time for connecting', {
  skip: process.platform !== 'linux' && 'only the queue of Linux is known to drop what does not fit',
}, async t => {
  const port = await blackHole(t)
  const call = await callTo(t, port, { retryCountLimit: 1, tcpClientConnectTimeoutMs: 150 })
  const startedAt = performance.now()
  const error = await failure(call.sayHello('a'), 'ERR_CONNECT')
  const elapsedMs = performance.now() - startedAt
  assert.match(error.message, /no connection within 150 ms/)
  assert.ok(elapsedMs > 140 && elapsedMs < 3000, `${elapsedMs} ms`)
})

/** How a call fails, and how far it had come for certain. */
test('halibut 13.49: the state of a failed call is connecting only where its request was certainly not sent', async t => {
  const states: Record<string, string> = {}
  const note = async (what: string, failing: Promise<HalibutError>) => {
    states[what] = connectionState(await failing)
  }
  const once1: Partial<HalibutLimits> = { retryCountLimit: 1 }
  const impatient = { ...once1, tcpClientReceiveTimeoutMs: 80 }
  // Long enough for a TLS handshake on a busy machine.
  const patient = { ...once1, tcpClientReceiveTimeoutMs: 1500 }
  const service = await certificateFor('service')

  await note('refused', failure((await callTo(t, await freePort(), once1)).sayHello('a'), 'ERR_CONNECT'))
  const mute = await listenTcp(t, socket => void socket.resume())
  await note('no TLS', failure((await callTo(t, mute, impatient)).sayHello('a'), 'ERR_CONNECT'))
  const impostor = await listenRaw(t, await certificateFor('impostor'), () => {})
  const elsewhere = await callTo(t, impostor.port, once1)
  await note('another certificate', failure(elsewhere.sayHello('a'), 'ERR_UNTRUSTED_PEER'))
  const refusing = await listenRaw(t, service, peer => void peer.socket.destroy())
  const refused = await callTo(t, refusing.port, once1)
  await note('not trusted', failure(refused.sayHello('a'), 'ERR_CONNECTION_LOST'))
  const silent = await listenRaw(t, service, () => {})
  await note('no identity', failure((await callTo(t, silent.port, patient)).sayHello('a'), 'ERR_TIMEOUT'))

  const dying = await listenRaw(t, service, async peer => {
    await greetClient(peer)
    await peer.message()
    peer.socket.destroy()
  })
  const lost = await callTo(t, dying.port, once1)
  await note('lost after the request', failure(lost.sayHello('a'), 'ERR_CONNECTION_LOST'))

  const { call, control } = await pair(t, 'polling')
  const abort = new AbortController()
  const waiting = failure(call.wait('a', { signal: abort.signal }), 'ERR_CANCELLED_TRANSFERRING')
  await control.arrived('a')
  abort.abort()
  await note('cancelled in flight', waiting)
  control.release('a')
  const nobody = await pair(t, 'polling', { connections: 0 })
  await note('never collected', failure(nobody.call.sayHello('a', { timeoutMs: 20 }), 'ERR_TIMEOUT'))

  assert.deepEqual(states, {
    refused: 'connecting',
    'no TLS': 'connecting',
    'another certificate': 'connecting',
    'not trusted': 'connecting',
    'no identity': 'connecting',
    'lost after the request': 'unknown',
    'cancelled in flight': 'unknown',
    'never collected': 'connecting',
  })
})

/** Where a peer of a listening service resets its connection. */
const resets: readonly (readonly [string, string])[] = [
  ['before TLS', ''],
  ['within TLS', 'hello'],
]

test('halibut 14.44: resets at every step, in both roles, end connections and never the process', async t => {
  const { port, call, client } = await pair(t, 'listening')
  for (const [, bytes] of resets) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    socket.write(Buffer.concat([Buffer.from('16030100c8', 'hex'), Buffer.from(bytes)]))
    socket.resetAndDestroy()
  }
  const { port: relayPort, connections } = await relay(t, port)
  const { thumbprint } = await certificateFor('service')
  const endpoint = { baseUri: `https://127.0.0.1:${relayPort}`, thumbprint, retryCountLimit: 1 }
  const relayed = client.client(TestService, endpoint)
  // The connection is reset after more and more of its bytes went through, towards both ends.
  for (let bytes = 0; bytes < 6000; bytes += 300) {
    const before = connections.length
    const calling = relayed.sayHello('x'.repeat(2000)).then(
      () => undefined,
      (error: unknown) => error,
    )
    await until(() => connections.length > before, 'the connection')
    const { near, far } = connections.at(-1) ?? assert.fail()
    const cut = () => {
      if (near.bytesRead + far.bytesRead < bytes) return
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
    near.on('data', cut)
    far.on('data', cut)
    await calling
    near.destroy()
    client.disconnect(endpoint)
  }
  assert.equal(await call.sayHello('after'), 'after...')
})
