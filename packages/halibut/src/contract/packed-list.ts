import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createDeflateRaw, inflateRawSync } from 'node:zlib'
import { readBson } from '../frame/bson-reader.ts'
import { BsonWriter, reservedBytes } from '../frame/bson-writer.ts'
import type { Codec } from './codec.ts'

/** How much of a document is made at a time before it is compressed. */
const pieceBytes = 64 * 1024

/**
 * A list that is encoded and compressed already, so that it costs little memory however long it is. For the library it
 * is the list that it was made of; for everybody else it is empty.
 */
export class PackedList<T> extends Array<T> {
  /** Of the elements in the document, not compressed. */
  readonly size: number
  /** Parts of a deflate stream, ended on a whole byte, that refer to nothing before them. */
  readonly deflated: readonly Buffer[]

  constructor(size: number, deflated: readonly Buffer[]) {
    super()
    this.size = size
    this.deflated = deflated
  }

  /** What `map` and the like make of it is an ordinary list. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array
  }
}

/**
 * Makes a list for a result that is too long to be held in memory: elements are encoded and compressed as they come. It
 * can be put wherever a contract has a `types.list` or `types.array` of these elements; only this library can read it.
 *
 * @param element the codec of the elements, without data streams
 * @param elements taken in turns, so that whoever makes them may do other work in between
 * @throws TypeError for a value that is no element
 */
export async function packList<T>(
  element: Codec<T>,
  elements: AsyncIterable<Iterable<T>>,
): Promise<readonly T[]> {
  let size = 0
  const deflated: Buffer[] = []
  const encoded = async function* () {
    for await (const piece of encodePieces(element, elements)) {
      size += piece.length
      yield piece
    }
  }
  // Ended with a flush instead of the mark for the end: the rest of the document follows.
  const deflate = createDeflateRaw({
    level: constants.Z_BEST_SPEED,
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: pieceBytes,
  })
  await pipeline(Readable.from(encoded(), { objectMode: true }), deflate, async parts => {
    for await (const part of parts) deflated.push(part)
  })
  return new PackedList<T>(size, deflated)
}

/**
 * What a list holds, whether it is packed or not: for whoever calls a service without a network in between.
 *
 * @param element the codec that it was packed with
 */
export function unpackList<T>(element: Codec<T>, values: readonly T[]): readonly T[] {
  if (!(values instanceof PackedList)) return values
  const members = inflateRawSync(Buffer.concat(values.deflated), { finishFlush: constants.Z_SYNC_FLUSH })
  const document = Buffer.alloc(members.length + 5)
  document.writeInt32LE(document.length)
  document.set(members, 4)
  const context = { streams: [] }
  const { members: elements } = readBson(document, undefined, Number.POSITIVE_INFINITY)
  return Array.from(elements.values(), value => element.read(value, context))
}

async function* encodePieces<T>(
  element: Codec<T>,
  elements: AsyncIterable<Iterable<T>>,
): AsyncGenerator<Buffer> {
  let out = new BsonWriter()
  let index = 0
  for await (const some of elements) {
    for (const value of some) {
      const context = { streams: [] }
      element.write(out, index++, value, context)
      if (context.streams.length > 0)
        throw new TypeError('The elements of a packed list cannot have data streams.')
      if (out.size < pieceBytes) continue
      yield membersOf(out)
      out = new BsonWriter()
    }
  }
  yield membersOf(out)
}

/** What was written, without the document around it. */
function membersOf(out: BsonWriter): Buffer {
  return out.finish().subarray(reservedBytes + 4, -1)
}
