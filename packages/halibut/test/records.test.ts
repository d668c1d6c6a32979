import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { DataStream } from '../src/index.ts'
import { relay } from './dead-ends.ts'
import { nextRequest, subscriber } from './raw-peer.ts'
import { certificateFor, pair, runtime, TestService, until } from './runtimes.ts'

/** What TLS 1.3 adds to each record: its inner type, and the tag of the cipher. */
const overheadBytes = 17

/** The lengths of the records with application data in a TLS 1.3 conversation, as an onlooker sees them. */
class RecordCounter {
  readonly lengths: number[] = []
  #rest = Buffer.alloc(0)

  take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= 5) {
      const length = this.#rest.readUInt16BE(3)
      if (this.#rest.length < 5 + length) return
      if (this.#rest[0] === 23) this.lengths.push(length - overheadBytes)
      this.#rest = this.#rest.subarray(5 + length)
    }
  }
}

test('halibut 14.40: identity, message, each part of a stream and each control line are TLS records of their own', async t => {
  const { client, endpoint, port } = await pair(t, 'listening')
  const { port: relayPort, connections } = await relay(t, port)
  const call = client.client(TestService, { ...endpoint, baseUri: `https://127.0.0.1:${relayPort}` })
  const fromClient = new RecordCounter()
  const fromService = new RecordCounter()
  const calling = call.countBytes(DataStream.fromText('hello'))
  await until(() => connections.length === 1, 'the connection')
  const { near, far } = connections[0] ?? assert.fail()
  near.on('data', (chunk: Buffer) => fromClient.take(chunk))
  far.on('data', (chunk: Buffer) => fromService.take(chunk))
  assert.equal(await calling, 5)
  await call.countBytes(DataStream.fromText('hello'))

  const [preamble, identity] = ['MX\r\n\r\n', 'MX-CLIENT 1.0\r\n\r\n'].map(({ length }) => length)
  const start = fromClient.lengths.lastIndexOf(identity ?? 0) - 1
  const said = fromClient.lengths.slice(start)
  const [, , request = 0] = said
  assert.ok(request > 100)
  assert.deepEqual(said, [preamble, identity, request, 16, 8, 5, 8, 'NEXT\r\n'.length, request, 16, 8, 5, 8])
  const answers = fromService.lengths.slice(-4)
  assert.deepEqual(answers.slice(0, 3), ['MX-SERVER 1.0\r\n\r\n'.length, answers[1], 'PROCEED\r\n'.length])
})

test('halibut 14.39: a client that ends TCP without the goodbye of TLS is let go without a warning', async t => {
  let open = 0
  const observer = {
    connectionOpened: () => void open++,
    connectionClosed: () => void open--,
  }
  const { client, endpoint, port, log } = await pair(t, 'listening', { service: { observer } })
  const { port: relayPort, connections } = await relay(t, port)
  const call = client.client(TestService, { ...endpoint, baseUri: `https://127.0.0.1:${relayPort}` })
  assert.equal(await call.sayHello('a'), 'a...')
  const { near, far } = connections[0] ?? assert.fail()
  near.unpipe(far)
  far.end()
  await until(() => open === 0, 'the end of the connection')
  assert.deepEqual(
    log.filter(({ level }) => level === 'warn' || level === 'error'),
    [],
  )
  // To the client its service is gone now: another connection is made.
  if (!near.closed) await once(near, 'close')
  assert.equal(await call.sayHello('b'), 'b...')
})

test('halibut 14.39: a poller that closed only its half of the connection gets no call any more', async t => {
  const { client, call, port } = await pair(t, 'polling', {
    connections: 0,
    client: { limits: { pollingQueueWaitTimeoutMs: 60_000 } },
  })
  const { port: relayPort, connections } = await relay(t, port)
  const gone: string[] = []
  const service = await runtime(t, 'service', {
    limits: { pollingReconnectMinimumMs: 60_000, pollingReconnectMaximumMs: 60_000 },
  })
  const polling = service.poll({
    subscription: 'poll://tests/',
    server: { baseUri: `https://127.0.0.1:${relayPort}`, thumbprint: client.certificate.thumbprint },
  })
  await until(() => polling.state.kind === 'connected', 'the poller')
  const { near, far } = connections[0] ?? assert.fail()
  near.unpipe(far)
  far.unpipe(near)
  far.once('close', () => gone.push('closed'))
  far.resume().end()
  await once(far, 'close')
  assert.deepEqual(gone, ['closed'])
  const live = await subscriber(t, port, await certificateFor('service'))
  const calling = call.sayHello('a')
  const { id } = await nextRequest(live)
  await live.respond(id, 'alive')
  assert.equal(await calling, 'alive')
})
