import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bytesOf,
  type Entry,
  type Json,
  type RecordingName,
  readRecording,
  type Side,
} from '@tentacle/testkit'
import type { DataStream } from '../src/contract/data-stream.ts'
import { toExpectedStream } from '../src/contract/records.ts'
import { IncomingStreams } from '../src/exchange/incoming-streams.ts'
import { ReceivedFiles } from '../src/exchange/received-files.ts'
import { readBson } from '../src/frame/bson-reader.ts'
import { BsonBinary, BsonDate, BsonDocument, BsonDouble, type BsonValue } from '../src/frame/bson-value.ts'
import { readFrame } from '../src/frame/read-frame.ts'
import { readControl, readLine, readPreamble } from '../src/handshake/control-lines.ts'
import { defaultLimits } from '../src/runtime/limits.ts'
import { packetSizes, TestConnection } from './packets.ts'

const timeoutMs = 30_000
const frameLimits = { firstByteTimeoutMs: timeoutMs, timeoutMs, maxMessageBytes: 64 * 1024 * 1024 }

/** So much of the beginning and end of an entry is fed in small packets; its middle is all alike. */
const edgeBytes = 1024

/** The document as the recording has it, in the values of our reader. */
function expectedValue(json: Json): unknown {
  if (json === null || typeof json !== 'object') return json
  if (Array.isArray(json)) return json.map(expectedValue)
  const { $numberInt, $numberLong, $numberDouble, $binary, $date } = json
  if (typeof $numberInt === 'string') return Number($numberInt)
  if (typeof $numberLong === 'string') return longValue($numberLong)
  if (typeof $numberDouble === 'string') return { double: Number($numberDouble) }
  if (typeof $binary === 'object') return { binary: $binary }
  if (typeof $date === 'object') return { date: expectedValue($date) }
  return Object.entries(json).map(([name, value]) => [name, expectedValue(value)])
}

/** A number where no digit is lost. */
function longValue(digits: string): number | bigint {
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits)
}

/** What our reader made of it, in the same plain form. */
function plainValue(value: BsonValue): unknown {
  if (value instanceof BsonDouble) return { double: value.value }
  if (value instanceof BsonDate) return { date: value.epochMs }
  if (value instanceof BsonBinary) {
    const subType = value.subtype.toString(16).padStart(2, '0')
    return { binary: { base64: value.bytes.toString('base64'), subType } }
  }
  if (value instanceof BsonDocument) return [...value.members].map(([name, item]) => [name, plainValue(item)])
  return Array.isArray(value) ? value.map(plainValue) : value
}

function streamsIn(value: BsonValue): DataStream[] {
  if (Array.isArray(value)) return value.flatMap(streamsIn)
  if (!(value instanceof BsonDocument)) return []
  const stream = toExpectedStream(value)
  return stream ? [stream] : [...value.members.values()].flatMap(streamsIn)
}

/** Reads what one side of a connection sent, with the readers of the library, and compares it entry by entry. */
async function readAll(entries: readonly Entry[], { source }: TestConnection): Promise<void> {
  const files = new ReceivedFiles()
  let announced: DataStream[] = []
  try {
    for (const entry of entries) {
      if (entry.kind === 'stream') {
        const stream = announced.shift()
        assert.ok(stream, 'a stream that no message announced')
        await new IncomingStreams([stream], { source, files, timeoutMs }, defaultLimits).store()
        assert.equal(stream.length, entry.length)
        assert.ok((await stream.bytes()).equals(entry.content))
      } else if (entry.kind === 'message') {
        assert.deepEqual(announced, [], 'all streams of the message before have come')
        const frame = await readFrame(source, frameLimits)
        assert.ok(frame, 'a message, not END')
        const document = readBson(frame)
        assert.deepEqual(plainValue(document), expectedValue(entry.document))
        announced = streamsIn(document)
      } else await readControlEntry(entry.text, source)
    }
    assert.equal(source.available, 0, 'nothing is left')
  } finally {
    await files.close()
  }
}

async function readControlEntry(text: string, source: TestConnection['source']): Promise<void> {
  const [, beginning, identity] = /^(MX\r?\n\r?\n)?(MX-.+)\r\n\r\n$/.exec(text) ?? []
  if (beginning !== undefined) assert.ok((await readPreamble(source, timeoutMs, 20_000)).isHalibut)
  if (identity === undefined) {
    assert.equal(`${await readControl(source, timeoutMs, 'a control line')}\r\n`, text)
    return
  }
  assert.equal(await readLine(source, timeoutMs, 'an identity'), identity)
  assert.equal(await readLine(source, timeoutMs, 'an empty line'), '')
}

/** The long recording has no kind of message that the others lack in small packets, only more of them. */
function recordingsFor(packetSize: number): readonly RecordingName[] {
  return packetSize < 7 ? ['listening', 'polling'] : ['listening', 'polling', 'tentacle']
}

for (const packetSize of packetSizes) {
  for (const name of recordingsFor(packetSize)) {
    test(`halibut 13.5: what .NET sent (${name}) is read from packets of ${packetSize} bytes`, () =>
      replayBothSides(name, packetSize))
  }
}

for (const packetSize of [1, 7, 65_536]) {
  for (const name of ['ours-listening', 'ours-polling'] as const) {
    test(`halibut 13.5: what an earlier version of ours sent (${name}) is read from packets of ${packetSize} bytes`, () =>
      replayBothSides(name, packetSize))
  }
}

async function replayBothSides(name: RecordingName, packetSize: number): Promise<void> {
  for (const connection of readRecording(name)) {
    for (const side of ['connector', 'acceptor'] satisfies Side[]) {
      await replay(
        connection.filter(entry => entry.from === side),
        packetSize,
      )
    }
  }
}

async function replay(entries: readonly Entry[], packetSize: number): Promise<void> {
  const connection = new TestConnection()
  const reading = readAll(entries, connection)
  // The reader's failure is reported by `reading`, also when it comes while bytes are still arriving.
  reading.catch(() => connection.stream.destroy())
  for (const entry of entries) {
    const bytes = bytesOf(entry)
    const isLong = bytes.length > 3 * edgeBytes
    await connection.arrive(isLong ? bytes.subarray(0, edgeBytes) : bytes, packetSize)
    if (!isLong) continue
    await connection.arrive(bytes.subarray(edgeBytes, -edgeBytes), Math.max(packetSize, 64 * 1024))
    await connection.arrive(bytes.subarray(-edgeBytes), packetSize)
  }
  await reading
}
