import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { nullFrame } from '../src/frame/write-frame.ts'
import { connectionState, DataStream } from '../src/index.ts'
import { callTo } from './dead-ends.ts'
import {
  greetClient,
  introducedClient,
  listenRaw,
  nextRequest,
  type RawPeer,
  serveByHand,
} from './raw-peer.ts'
import { certificateFor, failure, pair, runtime, until } from './runtimes.ts'

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

test('a listening service hangs up on an idle client after its time, without a word in the log', async t => {
  const { port, log } = await pair(t, 'listening', {
    service: { limits: { tcpListeningNextRequestIdleTimeoutMs: 60 } },
  })
  const peer = await introducedClient(t, port, await certificateFor('client'))
  await peer.request('1', 'a')
  await peer.message()
  assert.equal(await peer.rest(), '')
  assert.deepEqual(
    log.filter(({ level }) => level === 'warn'),
    [],
  )
})

/** What a service does with its first connection; every later one is answered. */
async function stallingOnce(t: TestContext, stall: (peer: RawPeer) => Promise<void>) {
  let connections = 0
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    if (++connections > 1) return serveByHand(peer, () => 'ok')
    await greetClient(peer)
    await stall(peer)
  })
  return callTo(t, listener.port, {
    tcpClientSendTimeoutMs: 150,
    tcpClientReceiveTimeoutMs: 150,
    tcpClientReceiveResponseTimeoutMs: 60_000,
    tcpClientHeartbeatSendTimeoutMs: 60_000,
    tcpClientHeartbeatReceiveTimeoutMs: 60_000,
  })
}

const endless = 64 * 1024 * 1024

test('halibut 13.53: a request that the service stops reading fails after the limit of a write; the next call works', async t => {
  const call = await stallingOnce(t, async peer => void peer.socket.pause())
  const error = await failure(call.sayHello(randomBytes(12_000_000).toString('latin1')), 'ERR_TIMEOUT')
  assert.match(error.message, /took no bytes for 150 ms/)
  assert.equal(connectionState(error), 'unknown')
  assert.equal(await call.sayHello('b'), 'ok')
})

test('halibut 13.53: a stream that the service stops reading fails after the limit of a write; the next call works', async t => {
  const call = await stallingOnce(t, async peer => {
    await peer.message()
    peer.socket.pause()
  })
  const error = await failure(call.countBytes(DataStream.fromBytes(Buffer.alloc(endless))), 'ERR_TIMEOUT')
  assert.match(error.message, /took no bytes for 150 ms/)
  assert.equal(await call.sayHello('b'), 'ok')
})

test('halibut 13.53: a stream in a response that stops in the middle fails after the limit of a read; the next call works', async t => {
  const call = await stallingOnce(t, async peer => {
    const { id } = await nextRequest(peer)
    await peer.send(out => {
      out.openDocument('Message')
      out.string('id', id)
      out.openDocument('result')
      out.string('$type', 'Halibut.DataStream, Halibut')
      out.guid('id', '00112233-4455-6677-8899-aabbccddeeff')
      out.int64('length', 1000)
      out.close()
      out.close()
    })
    peer.socket.write(Buffer.from('33221100554477668899aabbccddeeffe803000000000000', 'hex'))
    peer.socket.write(Buffer.alloc(500))
  })
  const error = await failure(call.makeStream(1000), 'ERR_TIMEOUT')
  assert.match(error.message, /silent for 150 ms while a data stream was awaited/)
  assert.equal(await call.sayHello('b'), 'ok')
})

test('halibut 13.53: a request that stops in the middle costs the client its connection, in both places', async t => {
  const { port, call, log } = await pair(t, 'listening', {
    service: { limits: { tcpClientReceiveTimeoutMs: 100 } },
  })
  for (const bytes of [Buffer.from([0x01, 0xff, 0x00, 0x00, 0xff, 1, 2, 3]), Buffer.from([0xe3])]) {
    const peer = await introducedClient(t, port, await certificateFor('client'))
    peer.socket.write(bytes)
    assert.equal(await peer.rest(), '')
  }
  assert.ok(log.some(({ message }) => message.includes('silent for 100 ms')))
  assert.equal(await call.sayHello('after'), 'after...')
})

test('halibut 13.54: after its first byte a response may take longer than a method may run', async t => {
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    await greetClient(peer)
    const { id } = await nextRequest(peer)
    const bytes = await peer.encoded(id, 'slow but steady')
    for (let at = 0; at < bytes.length; at += 20) {
      peer.socket.write(bytes.subarray(at, at + 20))
      await new Promise(resolve => setTimeout(resolve, 30))
    }
  })
  const call = await callTo(t, listener.port, {
    tcpClientReceiveResponseTimeoutMs: 120,
    tcpClientReceiveTimeoutMs: 5000,
  })
  const startedAt = performance.now()
  assert.equal(await call.sayHello('a'), 'slow but steady')
  assert.ok(performance.now() - startedAt > 150)
})

test('halibut 13.55: a client that gets no PROCEED knows it after the limit of the heartbeat, and sent nothing', async t => {
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    await greetClient(peer)
    const { id } = await nextRequest(peer)
    await peer.respond(id, 'ok')
    await peer.closed
  })
  const call = await callTo(t, listener.port, {
    tcpClientHeartbeatReceiveTimeoutMs: 80,
    tcpClientReceiveTimeoutMs: 60_000,
    retryCountLimit: 1,
  })
  await call.sayHello('a')
  const error = await failure(call.sayHello('b'), 'ERR_TIMEOUT')
  assert.match(error.message, /silent for 80 ms while PROCEED was awaited/)
  assert.equal(connectionState(error), 'connecting')
})

test('halibut 13.55: a poller that gets no PROCEED connects anew after the limit of the heartbeat', async t => {
  let connections = 0
  const listener = await listenRaw(t, await certificateFor('client'), async peer => {
    connections++
    peer.socket.on('error', () => {})
    await peer.lines('MX', '', 'MX-SUBSCRIBER 1.0 poll://tests/', '')
    peer.say('MX-SERVER 1.0\r\n\r\n')
    peer.socket.write(nullFrame)
    await peer.lines('NEXT')
  })
  const service = await runtime(t, 'service', {
    limits: { tcpClientHeartbeatReceiveTimeoutMs: 50, tcpClientReceiveTimeoutMs: 60_000 },
  })
  const { thumbprint } = await certificateFor('client')
  const server = { baseUri: `https://127.0.0.1:${listener.port}`, thumbprint }
  service.poll({ subscription: 'poll://tests/', server })
  await until(() => connections >= 3, 'three connections')
})

test('halibut 14.42: each step has its own limit: an upload that is slow but steady does not use up the time of the response', async t => {
  const { call } = await pair(t, 'listening', {
    client: { limits: { tcpClientReceiveResponseTimeoutMs: 150, tcpClientSendTimeoutMs: 150 } },
    service: { limits: { tcpClientReceiveTimeoutMs: 150 } },
  })
  const upload = DataStream.from(8, async function* () {
    for (let i = 0; i < 8; i++) {
      yield Buffer.from('x')
      await new Promise(resolve => setTimeout(resolve, 40))
    }
  })
  const startedAt = performance.now()
  assert.equal(await call.countBytes(upload), 8)
  assert.ok(performance.now() - startedAt > 300)
})
