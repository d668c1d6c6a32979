import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { packetSizes, TestConnection } from '../../test/packets.ts'
import { readBson } from './bson-reader.ts'
import { BsonWriter, reservedBytes } from './bson-writer.ts'
import { type FrameLimits, readFrame } from './read-frame.ts'
import { nullFrame, writeFrame } from './write-frame.ts'

const limits: FrameLimits = { firstByteTimeoutMs: 5000, timeoutMs: 5000, maxMessageBytes: 16 * 1024 * 1024 }

/** A document with one text, after the bytes that are reserved for the frame header. */
function documentOf(text: string): Buffer {
  const writer = new BsonWriter()
  writer.string('text', text)
  return writer.finish()
}

const plain = (text: string) => documentOf(text).subarray(reservedBytes)

async function frameOf(text: string): Promise<Buffer> {
  const connection = new TestConnection()
  await writeFrame(connection.sink, documentOf(text), 1000)
  return connection.written
}

const noise = (size: number) => randomBytes(size).toString('latin1').slice(0, size)

for (const size of packetSizes) {
  test(`halibut 13.5: reads the same frames and lines from packets of ${size} bytes`, async () => {
    const texts = [
      '',
      'short',
      'x'.repeat(3000),
      noise(2000),
      noise(size < 7 ? 9000 : 70_000),
      'abc'.repeat(50_000),
    ]
    const connection = new TestConnection()
    const wire = Buffer.concat(
      await Promise.all(texts.flatMap(async text => [await frameOf(text), Buffer.from('NEXT\r\n')])).then(
        parts => parts.flat(),
      ),
    )
    const feeding = connection.arrive(wire, size)
    for (const text of texts) {
      const document = await readFrame(connection.source, limits)
      assert.ok(document)
      assert.equal(readBson(document).get('text'), text)
      assert.equal((await connection.source.exactly(6, 5000, 'the line')).toString(), 'NEXT\r\n')
    }
    await feeding
    assert.equal(connection.source.available, 0)
  })
}

test('halibut 13.4, 14.1: what follows a frame in the same packet is left for the next reader', async () => {
  const connection = new TestConnection()
  await connection.arrive(Buffer.concat([deflateRawSync(plain('hello')), Buffer.from('NEXT\r\n')]))
  assert.deepEqual(await readFrame(connection.source, limits), plain('hello'))
  assert.equal(connection.source.take().toString(), 'NEXT\r\n')
})

test('halibut 14.5: a frame is read when its last bits come alone, after the document is complete', async () => {
  for (const text of ['short', noise(200_000)]) {
    for (const tail of [1, 2, 3]) {
      const frame = deflateRawSync(plain(text))
      const connection = new TestConnection()
      const reading = readFrame(connection.source, limits)
      await connection.arrive(frame.subarray(0, -tail))
      await connection.arrive(frame.subarray(-tail), 1)
      assert.deepEqual(await reading, plain(text))
      assert.equal(connection.source.available, 0)
    }
  }
})

test('halibut 14.5: empty blocks after the document belong to the frame, as writers before Halibut 4.2.9 made them', async () => {
  for (const text of ['short', noise(100_000)]) {
    const open = deflateRawSync(plain(text), { finishFlush: constants.Z_SYNC_FLUSH })
    const connection = new TestConnection()
    const reading = readFrame(connection.source, limits)
    await connection.arrive(open)
    await connection.arrive(Buffer.from([0x03, 0x00]), 1)
    await connection.arrive(Buffer.from('END\r\n'))
    assert.deepEqual(await reading, plain(text))
    assert.equal(connection.source.take().toString(), 'END\r\n')
  }
})

test('halibut 13.7, 14.4: the end of a large document never stands alone in a TLS record', async () => {
  const sizes = fc.constantFrom(65_000, 65_536, 65_600, 131_072, 200_000, 1_000_000)
  await fc.assert(
    fc.asyncProperty(
      sizes,
      fc.integer({ min: -40, max: 40 }),
      fc.boolean(),
      async (size, offset, isNoise) => {
        const text = isNoise ? noise(size + offset) : 'ab'.repeat((size + offset) >> 1)
        const connection = new TestConnection()
        const reserved = documentOf(text)
        const isLarge = reserved.length - reservedBytes > 65_536
        await writeFrame(connection.sink, reserved, 1000)
        assert.deepEqual(inflateRawSync(connection.written), plain(text))
        if (!isLarge) assert.equal(connection.writes.length, 1)
        if (isLarge) assert.equal(connection.writes.at(-1)?.length, 64)
      },
    ),
    { numRuns: 60 },
  )
})

test('frames with a compressed length around the multiples of 8 and 16 KiB are read back, and the next one too', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(8192, 16_384, 65_536),
      fc.integer({ min: -3, max: 3 }),
      async (multiple, offset) => {
        // Noise does not shrink, so its size decides the compressed length; two frames follow each other.
        const connection = new TestConnection()
        const text = randomBytes(multiple + offset).toString('hex')
        const wire = Buffer.concat([await frameOf(text), await frameOf('next')])
        const feeding = connection.arrive(wire, 8192)
        assert.deepEqual(await readFrame(connection.source, limits), plain(text))
        assert.deepEqual(await readFrame(connection.source, limits), plain('next'))
        await feeding
      },
    ),
    { numRuns: 40 },
  )
})

test('halibut 13.9: the end of the connection, before a frame or within it, is reported as such', async () => {
  const whole = deflateRawSync(plain(noise(5000)))
  for (const size of [0, 1, 20, whole.length - 1]) {
    const connection = new TestConnection()
    await connection.arrive(whole.subarray(0, size))
    connection.end()
    await assert.rejects(readFrame(connection.source, limits), { code: 'ERR_CONNECTION_LOST' })
  }
})

test('END where a message may begin is an end, not corruption', async () => {
  for (const size of [1, 5]) {
    const connection = new TestConnection()
    const reading = readFrame(connection.source, limits)
    await connection.arrive(Buffer.from('END\r\n'), size)
    connection.end()
    assert.equal(await reading, undefined)
  }
})

test('halibut 13.10: corrupt deflate, and deflate of something else, are refused', async () => {
  const cases = [
    Buffer.from('NEXT\r\n'),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.concat([Buffer.from([0x78, 0x9c]), deflateRawSync(plain('zlib header'))]),
    Buffer.from([0x01, 0x05, 0x00, 0x05, 0x00, 1, 2, 3, 4, 5]),
    deflateRawSync(Buffer.from('this is no document at all')),
    deflateRawSync(Buffer.concat([plain('trailing'), Buffer.from('x')])),
    deflateRawSync(Buffer.alloc(0)),
    nullFrame.map(byte => byte ^ 0x55),
  ]
  for (const bytes of cases) {
    const connection = new TestConnection()
    await connection.arrive(bytes)
    connection.end()
    await assert.rejects(
      readFrame(connection.source, limits),
      { code: 'ERR_PROTOCOL' },
      bytes.toString('hex'),
    )
  }
})

test('random bytes never do more than fail to be a frame', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async bytes => {
      const connection = new TestConnection()
      await connection.arrive(bytes)
      connection.end()
      const outcome = await readFrame(connection.source, limits).then(
        document => document && readBson(document),
        (error: { code: string }) => error.code,
      )
      if (typeof outcome === 'string')
        assert.match(outcome, /ERR_PROTOCOL|ERR_CONNECTION_LOST|ERR_MESSAGE_TOO_LARGE/)
    }),
    { numRuns: 300 },
  )
})

test('halibut 14.6: a message over the limit is refused by what it says and by what it holds', async () => {
  const small = { ...limits, maxMessageBytes: 1000 }
  const bomb = Buffer.alloc(30_000_000)
  bomb.writeInt32LE(30_000_000)
  const stored = Buffer.from([0x01, 0xff, 0x7f, 0x00, 0x80, 1, 2, 3, 4])
  for (const bytes of [deflateRawSync(plain('x'.repeat(2000))), deflateRawSync(bomb), stored]) {
    const connection = new TestConnection()
    await connection.arrive(bytes)
    await assert.rejects(readFrame(connection.source, small), { code: 'ERR_MESSAGE_TOO_LARGE' })
  }
})

test('the null request has the bytes that .NET gives it', () => {
  assert.equal(inflateRawSync(nullFrame).toString('hex'), '0e0000000a4d6573736167650000')
})
