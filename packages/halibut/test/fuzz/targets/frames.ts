import assert from 'node:assert/strict'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import type { ByteSource } from '../../../src/bytes/byte-source.ts'
import type { HalibutErrorCode } from '../../../src/errors.ts'
import { reservedBytes } from '../../../src/frame/bson-writer.ts'
import { readFrame } from '../../../src/frame/read-frame.ts'
import { encodeFrame } from '../../../src/frame/write-frame.ts'
import { mutateBson } from '../bson-mutations.ts'
import type { Random } from '../random.ts'
import { recordedFrames } from '../recorded-seeds.ts'
import { moveCuts, ofPayload, parseSplit, piecesOf, readPieces, splitSeeds } from '../split-input.ts'
import { attempt, type FuzzTarget, type Mutator } from '../target.ts'

/** Bombs of a few KiB pass this, and end there. */
const maxMessageBytes = 512 * 1024
const limits = { firstByteTimeoutMs: 60_000, timeoutMs: 60_000, maxMessageBytes }
const refusals: readonly HalibutErrorCode[] = ['ERR_PROTOCOL', 'ERR_CONNECTION_LOST', 'ERR_MESSAGE_TOO_LARGE']

/** All documents up to the end of the bytes, or to the first thing that is none. */
async function readDocuments(source: ByteSource): Promise<{ documents: Buffer[]; saidEnd: boolean }> {
  const documents: Buffer[] = []
  for (;;) {
    const frame = await attempt(refusals, () => readFrame(source, limits))
    if (!frame) return { documents, saidEnd: false }
    if (!frame.value) return { documents, saidEnd: true }
    assert.ok(frame.value.length <= maxMessageBytes, 'a document beyond the limit')
    documents.push(frame.value)
  }
}

async function readBack(document: Buffer): Promise<Buffer | undefined> {
  const frame = await encodeFrame(Buffer.concat([Buffer.alloc(reservedBytes), document]))
  return readPieces([frame], ({ source }) => readFrame(source, limits))
}

/** A document with the length at its front put right or not. */
function document(size: number, declared = size): Buffer {
  const bytes = Buffer.alloc(size)
  bytes.writeInt32LE(declared)
  return bytes
}

function deflatedAnew(bytes: Buffer, random: Random): Buffer {
  return deflateRawSync(bytes, {
    level: random.pick([0, 1, 6, 9]),
    strategy: random.pick([constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY]),
    ...(random.oneIn(3) && { finishFlush: constants.Z_SYNC_FLUSH }),
  })
}

/** Taking larger documents apart costs more than it finds. */
const largeBytes = 32 * 1024

/** Takes the frame apart, changes its document and makes a frame of it again. */
const mutateDocument: Mutator = (input, random, other) => {
  const plain = inflated(input)
  if (!plain || plain.length > largeBytes) return input
  const otherPlain = inflated(other) ?? plain
  return deflatedAnew(Buffer.from(mutateBson(plain, random, otherPlain.subarray(0, largeBytes))), random)
}

const mutateLength: Mutator = (input, random) => {
  const plain = inflated(input)
  if (!plain || plain.length < 4) return input
  plain.writeInt32LE(random.oneIn(2) ? plain.length + random.below(9) - 4 : random.next() | 0)
  return deflatedAnew(plain, random)
}

/** Old writers put empty blocks after the document. */
const addBlocks: Mutator = (input, random) => {
  const block = random.pick(['0000ffff', '010000ffff', '0300', '000000ffff'])
  const count = random.oneIn(5) ? 70 : 1 + random.below(3)
  return Buffer.concat([input, ...Array.from({ length: count }, () => Buffer.from(block, 'hex'))])
}

const bomb: Mutator = (_, random) =>
  deflatedAnew(document(random.pick([65_536, 524_288, 524_289, 4_000_000])), random)

const oneMore: Mutator = (input, _, other) => Buffer.concat([input, other])

function inflated(bytes: Uint8Array): Buffer | undefined {
  try {
    return inflateRawSync(bytes, { maxOutputLength: 1024 * 1024, finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    return undefined
  }
}

export const frames: FuzzTarget = {
  name: 'frames',
  about: 'deflated messages one after the other, in packets of any size, bombs among them',
  testInputs: 120,
  maximumBytes: 64 * 1024,
  seeds: () => [
    ...recordedFrames(6).flatMap(splitSeeds),
    ...[5, 1300, 70_000, maxMessageBytes].flatMap(size => splitSeeds(deflateRawSync(document(size)))),
    ...splitSeeds(deflateRawSync(document(maxMessageBytes + 1))),
    ...splitSeeds(deflateRawSync(document(20, 0x7fff_ffff))),
    ...splitSeeds(Buffer.from('END\r\n')),
  ],
  mutators: [moveCuts, moveCuts, ...[mutateDocument, mutateLength, addBlocks, bomb, oneMore].map(ofPayload)],
  async run(input) {
    const split = parseSplit(input)
    const inPieces = await readPieces(piecesOf(split), ({ source }) => readDocuments(source))
    const atOnce = await readPieces([split.payload], ({ source }) => readDocuments(source))
    // `END` is known by standing alone, so there the packets may make a difference.
    if (!inPieces.saidEnd && !atOnce.saidEnd)
      assert.deepEqual(inPieces.documents, atOnce.documents, 'where packets end makes a difference')
    for (const read of inPieces.documents.slice(0, 2)) assert.deepEqual(await readBack(read), read)
    return inPieces.documents.length > 0 || inPieces.saidEnd ? 'accepted' : 'refused'
  },
}
