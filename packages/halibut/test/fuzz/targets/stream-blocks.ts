import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeGuid } from '../../../src/bytes/guid.ts'
import { DataStream } from '../../../src/contract/data-stream.ts'
import type { HalibutErrorCode } from '../../../src/errors.ts'
import { Connection } from '../../../src/exchange/connection.ts'
import { ReceivedFiles } from '../../../src/exchange/received-files.ts'
import { defaultLimits } from '../../../src/runtime/limits.ts'
import type { Random } from '../random.ts'
import { formatSplit, moveCuts, parseSplit, piecesOf, readPieces } from '../split-input.ts'
import { attempt, type FuzzTarget, type Mutator } from '../target.ts'

const refusals: readonly HalibutErrorCode[] = ['ERR_PROTOCOL', 'ERR_STREAM_LENGTH', 'ERR_CONNECTION_LOST']

/** Lengths are announced in these units, so that two bytes reach beyond what is kept in memory. */
const unitBytes = 8
const headBytes = 12

/**
 * The payload: how the streams are read, how many there are (at most 5), their lengths in two bytes each, and then
 * the blocks.
 */
interface Announcement {
  readonly way: 'stored' | 'live' | 'partly' | 'unread'
  readonly lengths: readonly number[]
  readonly blocks: Uint8Array
}

const ways = ['stored', 'stored', 'live', 'partly', 'unread'] as const

function parse(payload: Uint8Array): Announcement {
  const count = (payload[1] ?? 0) % 6
  const lengths = Array.from(
    { length: count },
    (_, index) => ((payload[2 + 2 * index] ?? 0) | ((payload[3 + 2 * index] ?? 0) << 8)) * unitBytes,
  )
  return {
    way: ways[(payload[0] ?? 0) % ways.length] ?? 'stored',
    lengths,
    blocks: payload.subarray(headBytes),
  }
}

function idOf(index: number): string {
  return `0000000${index}-0000-4000-8000-000000000000`
}

function block(index: number, length: number): Buffer {
  const result = Buffer.alloc(32 + length, index + 1)
  writeGuid(result, 0, idOf(index))
  result.writeBigInt64LE(BigInt(length), 16)
  result.writeBigInt64LE(BigInt(length), 24 + length)
  return result
}

function payloadOf(way: number, units: readonly number[], order = units.map((_, index) => index)): Buffer {
  const head = Buffer.alloc(headBytes)
  head[0] = way
  head[1] = units.length
  for (const [index, unit] of units.entries()) head.writeUInt16LE(unit, 2 + 2 * index)
  return Buffer.concat([head, ...order.map(index => block(index, (units[index] ?? 0) * unitBytes))])
}

/** Reads the streams of a message in one of the ways in which a method may; gives what was read. */
async function read(connection: Connection, streams: readonly DataStream[], way: string): Promise<Buffer[]> {
  if (way === 'stored') {
    await connection.receiveStreams(streams)
    const contents: Buffer[] = []
    for (const stream of streams) contents.push(await stream.bytes())
    return contents
  }
  const incoming = connection.incoming(streams)
  try {
    incoming.goLive()
    const contents: Buffer[] = []
    if (way === 'live') for (const stream of streams) contents.push(await stream.bytes())
    if (way === 'partly') for (const stream of streams) await readFirst(stream)
    await incoming.finish()
    return contents
  } finally {
    await incoming.dispose()
  }
}

async function readFirst(stream: DataStream): Promise<void> {
  for await (const part of stream.read()) {
    assert.ok(part.length > 0)
    break
  }
}

/** A file goes as its reader closes, a moment after the last byte was read. */
async function emptied(parent: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const folders = await readdir(parent)
    const left = (await Promise.all(folders.map(folder => readdir(join(parent, folder))))).flat()
    if (left.length === 0) return
    if (tries === 1000) assert.deepEqual(left, [], 'files are left')
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}

const editLengths: Mutator = (input, random: Random) => {
  const { cuts, payload } = parseSplit(input)
  const changed = Buffer.from(payload)
  if (changed.length > headBytes)
    changed[random.below(headBytes)] = random.oneIn(2) ? random.below(6) : random.next()
  return formatSplit({ cuts, payload: changed })
}

const reorder: Mutator = (input, random) => {
  const { cuts, payload } = parseSplit(input)
  const { way, lengths } = parse(payload)
  const units = lengths.map(length => Math.min(length / unitBytes, 200))
  const order = units.map((_, index) => index).sort(() => random.below(3) - 1)
  if (random.oneIn(4)) order.push(random.below(6))
  return formatSplit({ cuts, payload: payloadOf(ways.indexOf(way), units, order) })
}

export const streamBlocks: FuzzTarget = {
  name: 'stream-blocks',
  about: 'the data streams behind a message: stored, live, read in part and not at all',
  testInputs: 100,
  maximumBytes: 512 * 1024,
  seeds: () =>
    [0, 2, 3, 4]
      .flatMap(way => [
        payloadOf(way, []),
        payloadOf(way, [0]),
        payloadOf(way, [10, 0, 3], [2, 0, 1]),
        payloadOf(way, [1000, 2]),
      ])
      .concat(payloadOf(0, [40_000, 3]), payloadOf(2, [40_000]))
      .flatMap(payload => [
        formatSplit({ cuts: [], payload }),
        formatSplit({ cuts: [20, 40, 70].map(cut => Math.min(cut, payload.length)), payload }),
      ]),
  mutators: [moveCuts, editLengths, reorder],
  async run(input) {
    const split = parseSplit(input)
    const { way, lengths, blocks } = parse(split.payload)
    const cuts = split.cuts.map(cut => Math.max(0, cut - headBytes))
    const streams = lengths.map((length, index) => DataStream.expected(idOf(index), length))
    const parent = await mkdtemp(join(tmpdir(), 'fuzz-streams-'))
    const files = new ReceivedFiles(parent)
    try {
      const contents = await attempt(refusals, () =>
        readPieces(piecesOf({ cuts, payload: blocks }), ({ stream }) =>
          read(new Connection(stream, { limits: defaultLimits, files }), streams, way),
        ),
      )
      await emptied(parent)
      for (const [index, content] of contents?.value.entries() ?? [])
        assert.equal(content.length, lengths[index])
      return contents ? 'accepted' : 'refused'
    } finally {
      await files.close()
      await rm(parent, { recursive: true, force: true })
    }
  },
}
