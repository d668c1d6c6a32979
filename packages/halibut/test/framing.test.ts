import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { deflateRawSync, deflateSync, gzipSync, inflateRawSync } from 'node:zlib'
import { BsonWriter, reservedBytes } from '../src/frame/bson-writer.ts'
import { readFrame } from '../src/frame/read-frame.ts'
import { writeFrame } from '../src/frame/write-frame.ts'
import { defaultLimits } from '../src/index.ts'
import { TestConnection } from './packets.ts'
import { introducedClient } from './raw-peer.ts'
import { certificateFor, type Mode, pair } from './runtimes.ts'

const modes: readonly Mode[] = ['listening', 'polling']
const limits = { firstByteTimeoutMs: 5000, timeoutMs: 5000, maxMessageBytes: defaultLimits.maxMessageBytes }

/** Characters of which deflate cannot make fewer than three quarters. */
function randomText(length: number): string {
  return randomBytes(Math.ceil((length * 3) / 4))
    .toString('base64')
    .slice(0, length)
}

function documentOf(text: string): Buffer {
  const out = new BsonWriter()
  out.string('text', text)
  return out.finish()
}

for (const mode of modes) {
  test(`halibut 13.6: ${mode}: messages of a million characters go both ways, several in a row on one connection`, async t => {
    let opened = 0
    const { call } = await pair(t, mode, {
      client: { observer: { connectionOpened: () => void opened++ } },
    })
    for (let size = 1_000_000; size <= 1_008_196; size += 2049) {
      const text = randomText(size)
      const answer = await call.sayHello(text)
      assert.equal(answer.length, size + 3)
      assert.ok(answer === `${text}...`)
    }
    assert.equal(opened, 1)
  })
}

/** A text over 64 KiB whose frame has a wanted length modulo another, found by trying prefixes of noise. */
function textWithFrameLength(residue: number, modulus: number): string {
  const wanted = Math.ceil(60_000 / modulus) * modulus + residue
  for (;;) {
    const noise = randomText(2 * wanted)
    let length = Math.round((wanted * 4) / 3)
    // Each character costs about three quarters of a byte, so this closes in, and then goes on one by one.
    for (let tries = 0; tries < 60; tries++) {
      const text = noise.slice(0, length)
      const missing = wanted - frameLength(text)
      if (missing === 0) return text
      length += Math.abs(missing) > 3 ? Math.round((missing * 4) / 3) : Math.sign(missing)
    }
  }
}

/** What the writer sends for a text, in bytes. */
function frameLength(text: string): number {
  return deflateRawSync(documentOf(text).subarray(reservedBytes), { level: 1 }).length
}

test('halibut 13.7: frames of every awkward length have their end in company, and another message follows on the connection', async () => {
  for (const modulus of [8192, 16_384]) {
    for (const residue of [0, 1, 2]) {
      const connection = new TestConnection()
      const text = textWithFrameLength(residue, modulus)
      await writeFrame(connection.sink, documentOf(text), 1000)
      assert.equal(connection.written.length % modulus, residue)
      // Each write is a TLS record of its own, cut after 16 KiB: none may hold the end of the stream alone.
      const records = connection.writes.flatMap(({ length }) =>
        Array.from({ length: Math.ceil(length / 16_384) }, (_, i) => Math.min(16_384, length - i * 16_384)),
      )
      assert.equal(records.at(-1), 64)
      await writeFrame(connection.sink, documentOf('next'), 1000)
      const reader = new TestConnection()
      const feeding = reader.arrive(connection.written, 16_384)
      for (const expected of [text, 'next']) {
        const document = await readFrame(reader.source, limits)
        assert.ok(document?.equals(documentOf(expected).subarray(reservedBytes)))
      }
      await feeding
    }
  }
})

for (const mode of modes) {
  test(`halibut 13.7: ${mode}: calls around 64 KiB and the multiples of it follow each other on one connection`, async t => {
    let opened = 0
    const { call } = await pair(t, mode, { client: { observer: { connectionOpened: () => void opened++ } } })
    for (const size of [65_000, 65_300, 65_536, 65_600, 81_920, 98_304, 131_072]) {
      for (const more of [-1, 0, 1, 2]) {
        const text = randomText(size + more)
        assert.ok((await call.sayHello(text)) === `${text}...`)
      }
    }
    assert.equal(opened, 1)
  })
}

test('halibut 14.2: what is written is raw deflate of every size, and headers of zlib and gzip are refused', async () => {
  for (const size of [0, 100, 1300, 5000, 17_000, 100_000]) {
    const connection = new TestConnection()
    const reserved = documentOf(randomText(size))
    const document = Buffer.from(reserved.subarray(reservedBytes))
    await writeFrame(connection.sink, reserved, 1000)
    // Without Z_FINISH this would throw: the stream has its end.
    assert.ok(inflateRawSync(connection.written).equals(document))
  }
  for (const wrap of [gzipSync, deflateSync]) {
    const connection = new TestConnection()
    await connection.arrive(wrap(documentOf('x').subarray(reservedBytes)))
    await assert.rejects(readFrame(connection.source, limits), { code: 'ERR_PROTOCOL' })
  }
  const folder = new URL('../src/', import.meta.url)
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts') || path.endsWith('.test.ts')) continue
    const source = readFileSync(new URL(path, folder), 'utf8')
    const [, imported = ''] = /import \{([^}]*)\} from 'node:zlib'/.exec(source) ?? []
    const names = imported.split(',').map(name => name.trim().replace('type ', ''))
    for (const name of names) assert.match(name, /Raw|^constants$|^$/, `${path} imports ${name}`)
  }
})

test('halibut 14.3: every frame ends with the final block of its stream, in the last write', async () => {
  for (const size of [10, 1299, 1301, 20_000, 66_000, 300_000]) {
    const connection = new TestConnection()
    await writeFrame(connection.sink, documentOf(randomText(size)), 1000)
    const { written } = connection
    assert.doesNotThrow(() => inflateRawSync(written))
    assert.throws(() => inflateRawSync(written.subarray(0, -1)), { code: 'Z_BUF_ERROR' })
  }
})

test('halibut 14.6: scripts and logs of tens of megabytes are within the limit, and what is over it costs little memory', async () => {
  const text = 'a line of a log\n'.repeat(3_000_000)
  const connection = new TestConnection()
  await writeFrame(connection.sink, documentOf(text), 5000)
  const reader = new TestConnection()
  const reading = readFrame(reader.source, limits)
  await reader.arrive(connection.written, 65_536)
  assert.ok((await reading)?.equals(documentOf(text).subarray(reservedBytes)))

  // 48 MB of zeros in 48 kB, whose length is a lie: it is noticed at the limit, not at the end.
  const bomb = deflateRawSync(Buffer.concat([Buffer.from([0xff, 0xff, 0, 0]), Buffer.alloc(48_000_000)]))
  const before = process.memoryUsage().arrayBuffers
  const victim = new TestConnection()
  const failing = assert.rejects(readFrame(victim.source, { ...limits, maxMessageBytes: 70_000 }), {
    code: 'ERR_MESSAGE_TOO_LARGE',
  })
  await victim.arrive(bomb.subarray(0, 20_000), 5000)
  await failing
  assert.ok(process.memoryUsage().arrayBuffers - before < 20_000_000)
})

test('halibut 14.7: the work for a message in many packets grows with its length, not with its square', async () => {
  const timeFor = async (size: number) => {
    const frame = deflateRawSync(documentOf(randomText(size)).subarray(reservedBytes))
    const connection = new TestConnection()
    const startedAt = process.cpuUsage()
    const reading = readFrame(connection.source, limits)
    await connection.arrive(frame, 1000)
    assert.ok(await reading)
    const { user, system } = process.cpuUsage(startedAt)
    return user + system
  }
  await timeFor(200_000)
  const small = await timeFor(200_000)
  const large = await timeFor(1_600_000)
  // Eight times as much; 64 times if each packet began anew.
  assert.ok(large < small * 30, `${small} µs for an eighth, ${large} µs for all`)
})

test('halibut 13.4, 14.1: a call whose message, streams and NEXT come in one packet is answered twice', async t => {
  const { port } = await pair(t, 'listening')
  const peer = await introducedClient(t, port, await certificateFor('client'))
  const request = deflateRawSync(
    (() => {
      const out = new BsonWriter()
      out.openDocument('Message')
      out.string('$type', 'Halibut.Transport.Protocol.RequestMessage, Halibut')
      out.string('id', 'one')
      out.string('service', 'ITestService')
      out.string('method', 'CountBytes')
      out.openArray('params')
      out.openDocument('0')
      out.string('$type', 'Halibut.DataStream, Halibut')
      out.guid('id', '00112233-4455-6677-8899-aabbccddeeff')
      out.int64('length', 5)
      out.close()
      out.close()
      out.close()
      return out.finish().subarray(reservedBytes)
    })(),
  )
  const block = Buffer.from(
    '33221100554477668899aabbccddeeff050000000000000068656c6c6f0500000000000000',
    'hex',
  )
  peer.socket.write(Buffer.concat([request, block, Buffer.from('NEXT\r\n')]))
  assert.ok(await peer.message())
  await peer.lines('PROCEED')
  await peer.request('two', 'b')
  assert.ok(await peer.message())
})
