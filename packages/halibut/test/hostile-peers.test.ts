import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { DataStream } from '../src/index.ts'
import { failure, pair, temporaryFolder, until } from './runtimes.ts'

/** A TCP connection that says nothing. */
async function silent(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

const isClosed = (socket: Socket) => socket.closed || socket.readableEnded

test('of connections that say nothing only so many from one address are kept; the trusted ones do not count', async t => {
  const refusals: string[][] = []
  const { call, log, port } = await pair(t, 'listening', {
    service: {
      limits: { maximumUnidentifiedConnectionsPerAddress: 3 },
      observer: { connectionRefused: (address, reason) => void refusals.push([address, reason]) },
    },
  })
  assert.equal(await call.sayHello('first'), 'first...')
  const kept = await Promise.all([1, 2, 3].map(() => silent(t, port)))
  const surplus = await silent(t, port)
  surplus.resume()
  await until(() => isClosed(surplus), 'the surplus connection is closed')
  assert.ok(kept.every(socket => !isClosed(socket)))
  assert.equal(await call.sayHello('second'), 'second...')
  const refusal = log.find(({ message }) => message.includes('maximumUnidentifiedConnectionsPerAddress'))
  assert.match(refusal?.message ?? '', /^1 connections were refused, the last one from 127\.0\.0\.1/)

  kept[0]?.destroy()
  await until(() => refusals.length === 2, 'the service has noticed that one has hung up')
  const next = await silent(t, port)
  next.write('not TLS at all')
  next.resume()
  await until(() => isClosed(next), 'what is no TLS is closed as well, but was let in')
  await until(() => refusals.length === 3, 'it is told')
  assert.deepEqual(
    refusals.map(([, reason]) => reason),
    ['too-many-from-address', 'handshake-failed', 'handshake-failed'],
  )
  assert.match(refusals[0]?.[0] ?? '', /^127\.0\.0\.1:\d+$/)
})

test('above the most connections in all nobody is let in, and those who are there stay', async t => {
  const reasons: string[] = []
  const { call, log, port } = await pair(t, 'listening', {
    service: {
      limits: { maximumIncomingConnections: 2 },
      observer: { connectionRefused: (_, reason) => void reasons.push(reason) },
    },
  })
  assert.equal(await call.sayHello('first'), 'first...')
  await silent(t, port)
  const surplus = await silent(t, port)
  surplus.resume()
  await until(() => isClosed(surplus), 'the surplus connection is closed')
  assert.ok(log.some(({ message }) => message.includes('maximumIncomingConnections')))
  assert.deepEqual(reasons, ['too-many-connections'])
  assert.equal(await call.sayHello('second'), 'second...')
})

test('a peer that trickles its first bytes is cut off when its time is over', async t => {
  const { port } = await pair(t, 'listening', { service: { limits: { identificationTimeoutMs: 150 } } })
  const slow = await silent(t, port)
  slow.resume()
  const trickle = setInterval(() => slow.write('\x16'), 10)
  t.after(() => clearInterval(trickle))
  await until(() => isClosed(slow), 'the slow connection is closed')
})

test('a message with too many data streams, or too large a one, ends the connection, and the service lives on', async t => {
  const { call, log } = await pair(t, 'listening', {
    service: { limits: { maximumDataStreamsPerMessage: 2, maximumDataStreamBytes: 1000 } },
  })
  const small = () => DataStream.fromText('x')
  assert.equal(await call.countAll({ label: 'two', streams: [small(), small()] }), 2)
  await failure(
    call.countAll({ label: 'three', streams: [small(), small(), small()] }),
    'ERR_CONNECTION_LOST',
  )
  assert.ok(log.some(({ message }) => message.includes('limits.maximumDataStreamsPerMessage')))
  await failure(call.countBytes(DataStream.fromBytes(Buffer.alloc(1001))), 'ERR_CONNECTION_LOST')
  assert.ok(log.some(({ message }) => message.includes('limits.maximumDataStreamBytes')))
  assert.equal(await call.countBytes(DataStream.fromBytes(Buffer.alloc(1000))), 1000)
})

test('received streams take no more disk than they may, and give their room back', async t => {
  const folder = await temporaryFolder(t)
  const size = 1024 * 1024
  const { call, log } = await pair(t, 'listening', {
    service: { temporaryFolder: folder, limits: { maximumTemporaryBytes: 2 * size } },
  })
  const stream = () => DataStream.fromBytes(Buffer.alloc(size))
  await failure(
    call.countAll({ label: 'three', streams: [stream(), stream(), stream()] }),
    'ERR_CONNECTION_LOST',
  )
  assert.ok(log.some(({ message }) => message.includes('limits.maximumTemporaryBytes')))
  for (let i = 0; i < 3; i++)
    assert.equal(await call.countAll({ label: 'two', streams: [stream(), stream()] }), 2 * size)
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  assert.deepEqual(
    files.filter(entry => entry.isFile()),
    [],
  )
})

test('a stream that is larger than the disk is refused before a byte of it is written', async t => {
  const { call, log } = await pair(t, 'listening', {
    service: { limits: { maximumTemporaryBytes: 2 ** 60 } },
  })
  const huge = DataStream.from(2 ** 50 - 1, async function* () {
    for (;;) yield Buffer.alloc(1024)
  })
  await failure(call.countBytes(huge), 'ERR_CONNECTION_LOST')
  assert.ok(log.some(({ message }) => message.includes('maximumDataStreamBytes')))
  const { call: again, log: otherLog } = await pair(t, 'listening', {
    service: { limits: { maximumTemporaryBytes: 2 ** 60, maximumDataStreamBytes: 2 ** 60 } },
  })
  await failure(again.countBytes(huge), 'ERR_CONNECTION_LOST')
  assert.ok(otherLog.some(({ message }) => /finds no room on the volume/.test(message)))
})
