import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TestConnection } from '../../test/packets.ts'
import { HalibutError } from '../errors.ts'
import { emptyGuid, isGuid, newGuid, readGuid, writeGuid } from './guid.ts'

test('halibut 14.1: bytes are taken in order, in any sizes, with some given back', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      sizes,
      fc.integer({ min: 1, max: 20 }),
      async (bytes, takes, packet) => {
        const { source, ...connection } = new TestConnection()
        for (let at = 0; at < bytes.length; at += packet)
          connection.stream.push(Buffer.from(bytes.subarray(at, at + packet)))
        await source.wait(1000, 'bytes')
        const seen: number[] = []
        for (let turn = 0; source.available > 0; turn++) {
          const taken = source.take(takes[turn % takes.length])
          const kept = turn % 3 === 0 ? Math.ceil(taken.length / 2) : taken.length
          seen.push(...taken.subarray(0, kept))
          source.unread(taken.subarray(kept))
        }
        assert.deepEqual(seen, [...bytes])
        assert.equal(source.totalBytes, bytes.length)
        assert.equal(source.take().length, 0)
      },
    ),
  )
})

test('halibut 14.43: a peer that sends more than is read is held back, and goes on when there is room', async () => {
  const { source, stream } = new TestConnection()
  for (let i = 0; i < 24; i++) stream.push(Buffer.alloc(64 * 1024))
  await source.wait(1000, 'bytes')
  await new Promise(setImmediate)
  assert.ok(stream.isPaused())
  assert.ok(source.available <= 1024 * 1024 + 64 * 1024)
  let read = 0
  while (read < 24 * 64 * 1024) {
    await source.wait(1000, 'bytes')
    read += source.take().length
  }
  assert.equal(stream.isPaused(), false)
})

test('the end is told once to everybody, after the bytes before it were read', async () => {
  const { source, sink, stream } = new TestConnection()
  const told: string[] = []
  source.onEnd(({ code }) => void told.push(`end ${code}`))
  const stopListening = source.onEnd(() => void told.push('never'))
  stopListening()
  stream.push('last')
  stream.push(null)
  assert.equal((await source.exactly(4, 1000, 'the last')).toString(), 'last')
  await assert.rejects(source.wait(1000, 'more'), { code: 'ERR_CONNECTION_LOST' })
  await assert.rejects(sink.write(Buffer.from('x'), 1000), { code: 'ERR_CONNECTION_LOST' })
  source.onEnd(() => void told.push('late'))
  assert.deepEqual(told, ['end ERR_CONNECTION_LOST', 'late'])
})

test('whoever waits when a connection is cut gets the reason, and whoever comes later too', async () => {
  const { source } = new TestConnection()
  const reason = new HalibutError('ERR_CLOSED', 'because')
  const waiting = assert.rejects(source.wait(60_000, 'bytes'), reason)
  source.fail(reason)
  await waiting
  source.fail(new HalibutError('ERR_PROTOCOL', 'too late'))
  await assert.rejects(source.wait(1000, 'bytes'), reason)
})

test('a disturbance is bytes or the end, and is told once', async () => {
  const { source, stream } = new TestConnection()
  let count = 0
  source.onDisturbance(() => void count++)
  const stopWatching = source.onDisturbance(() => void count++)
  stopWatching()
  source.onDisturbance(() => void count++)
  stream.push('x')
  stream.push('y')
  await source.wait(1000, 'bytes')
  assert.equal(count, 1)
  source.onDisturbance(() => void count++)
  assert.equal(count, 2)
})

test('a write that the other side does not take is cut after its time', async () => {
  const connection = new TestConnection()
  connection.stream._write = () => {}
  await assert.rejects(connection.sink.write(Buffer.from('x'), 30), { code: 'ERR_TIMEOUT' })
  await assert.rejects(connection.source.wait(1000, 'bytes'), { code: 'ERR_TIMEOUT' })
})

test('large writes go out in pieces, each with the limit for itself', async () => {
  const connection = new TestConnection()
  await connection.sink.write(Buffer.alloc(1_000_000), 1000)
  assert.deepEqual(
    connection.writes.map(({ length }) => length),
    [262_144, 262_144, 262_144, 213_568],
  )
})

test('every GUID is read as it was written, in the order of .NET', () => {
  const bytes = Buffer.alloc(20)
  writeGuid(bytes, 2, '00112233-4455-6677-8899-aabbccddeeff')
  assert.equal(bytes.toString('hex'), '000033221100554477668899aabbccddeeff0000')
  fc.assert(
    fc.property(fc.uuid(), guid => {
      writeGuid(bytes, 0, guid)
      assert.equal(readGuid(bytes), guid)
    }),
  )
  assert.ok(isGuid(newGuid()) && isGuid(emptyGuid) && !isGuid('x'))
})
