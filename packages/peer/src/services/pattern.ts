import { DataStream } from '@tentacle/halibut'

/** A prime number, so that a block that is lost or sent twice moves everything that follows. */
const period = 251

/** A piece of the pattern that is long enough to be cut out of at every phase. */
const blockBytes = period * 1024
const block = Buffer.alloc(blockBytes, Buffer.from(Uint8Array.from({ length: period }, (_, index) => index)))

/** Bytes 0 to 250, over and over, in pieces: test content of any length that takes no memory. */
export async function* patternBytes(length: number): AsyncGenerator<Uint8Array> {
  for (let left = length; left > 0; left -= blockBytes) {
    yield left >= blockBytes ? block : block.subarray(0, left)
  }
}

/** A data stream of {@link patternBytes}. */
export function patternStream(length: number): DataStream {
  return DataStream.from(length, () => patternBytes(length))
}

/** Reads a stream to its end and tells whether every byte is the one of the pattern. */
export async function isPattern(stream: DataStream): Promise<boolean> {
  let at = 0
  for await (const part of stream.read() as AsyncIterable<Buffer>) {
    for (let offset = 0; offset < part.length; ) {
      const phase = at % period
      const size = Math.min(part.length - offset, blockBytes - phase)
      if (part.compare(block, phase, phase + size, offset, offset + size) !== 0) return false
      offset += size
      at += size
    }
  }
  return at === stream.length
}
