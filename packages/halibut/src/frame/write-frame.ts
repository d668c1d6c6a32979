import { promisify } from 'node:util'
import { constants, deflateRaw, deflateRawSync } from 'node:zlib'
import type { ByteSink } from '../bytes/byte-sink.ts'
import { type PackedPart, reservedBytes } from './bson-writer.ts'

const deflateInPool = promisify(deflateRaw)

/** A frame up to this size fits one packet as it is: compressing it would cost more time than it saves. */
const storedBytes = 1300

/** Up to this size compressing here is faster than a trip through the thread pool. */
const deflateHereBytes = 16 * 1024

/**
 * .NET stops inflating once it has 64 KiB and the whole document; the end of the deflate stream must not stand alone
 * in a later TLS record then, or it is taken for the next control line (docs/wire/halibut.md, "The tail rule").
 */
const tailRuleBytes = 64 * 1024
const tailBytes = 64

/** The fastest level: most messages are small, and large ones are text that shrinks to a tenth at any level. */
const level = constants.Z_BEST_SPEED

/** How much compressed output is made at a time, each a trip into the thread pool. */
const deflatedPieceBytes = 128 * 1024

/** `{ Message: null }` deflated: tells a polling service that there is no work. */
export const nullFrame: Buffer = Buffer.from('e3636060e0f24d2d2e4e4c4f65600000', 'hex')

/**
 * Makes the frame of a finished document.
 *
 * @param reserved the result of {@link BsonWriter.finish}: the document after `reservedBytes` free bytes
 */
export function encodeFrame(reserved: Buffer): Buffer | Promise<Buffer> {
  const size = reserved.length - reservedBytes
  if (size <= storedBytes) {
    // A deflate stream of one stored block: header, length, its complement, the document.
    const start = reservedBytes - 5
    reserved[start] = 0x01
    reserved.writeUInt16LE(size, start + 1)
    reserved.writeUInt16LE(size ^ 0xffff, start + 3)
    return reserved.subarray(start)
  }
  const document = reserved.subarray(reservedBytes)
  return size <= deflateHereBytes
    ? deflateRawSync(document, { level })
    : deflateInPool(document, { level, chunkSize: deflatedPieceBytes })
}

/** Writes one frame. The limit is for each write. */
export async function writeFrame(sink: ByteSink, reserved: Buffer, timeoutMs: number): Promise<void> {
  const encoded = encodeFrame(reserved)
  const frame = encoded instanceof Promise ? await encoded : encoded
  if (reserved.length - reservedBytes <= tailRuleBytes || frame.length <= tailBytes)
    return sink.write(frame, timeoutMs)
  await sink.write(frame.subarray(0, frame.length - tailBytes), timeoutMs)
  await sink.write(frame.subarray(frame.length - tailBytes), timeoutMs)
}

/**
 * Writes the frame of a document with parts that were compressed before. The limit is for each write.
 *
 * @param packed not empty, in the order of their places
 */
export async function writePackedFrame(
  sink: ByteSink,
  reserved: Buffer,
  packed: readonly PackedPart[],
  timeoutMs: number,
): Promise<void> {
  let held = Buffer.alloc(0)
  const write = async (part: Buffer) => {
    // The last bytes are held back until it is known whether they are the tail.
    const all = held.length === 0 ? part : Buffer.concat([held, part])
    const end = Math.max(0, all.length - tailBytes)
    held = Buffer.from(all.subarray(end))
    if (end > 0) await sink.write(all.subarray(0, end), timeoutMs)
  }
  let from = reservedBytes
  for (const { at, deflated } of packed) {
    const before = reserved.subarray(from, at)
    await write(deflateRawSync(before, { level, finishFlush: constants.Z_SYNC_FLUSH }))
    for (const part of deflated) await write(part)
    from = at
  }
  await write(deflateRawSync(reserved.subarray(from), { level }))
  await sink.write(held, timeoutMs)
}
