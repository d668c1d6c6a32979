import { closeSync, openSync, readSync } from 'node:fs'
import { LineSplitter, type SplitLines } from './line-splitter.ts'

/**
 * How much of a raw file is taken at a time. Texts above 128 KiB, also those that are made of it, are large objects to the
 * runtime: each is memory of its own from the system, and takes ten times as long.
 */
const chunkBytes = 32 * 1024

const carriageReturn = 0x0d

/** Follows one of the two files into which a script's output is copied, line by line. */
export class RawOutput {
  readonly #file: number
  readonly #lines: LineSplitter
  readonly #chunk = Buffer.allocUnsafe(chunkBytes)

  /** @param doneBytes where to go on: the end of the last line that was taken before. */
  constructor(path: string, doneBytes: number) {
    this.#file = openSync(path, 'a+', 0o600) // its writer may not have made it yet
    const before = Buffer.alloc(1)
    if (doneBytes > 0) readSync(this.#file, before, 0, 1, doneBytes - 1)
    this.#lines = new LineSplitter({ doneBytes, isAfterReturn: before[0] === carriageReturn })
  }

  /**
   * Reads what has been added, up to 32 KiB of it. It was written a moment ago, so it comes from the system's cache.
   * Nothing is taken before {@link take} is called with it, and that must come before the next reading.
   */
  read(): Buffer {
    const chunk = this.#chunk
    const size = readSync(this.#file, chunk, 0, chunk.length, this.#lines.readBytes)
    return chunk.subarray(0, size)
  }

  /** Takes what was read. Answers the lines that ended, and how far the file is done. */
  take(chunk: Buffer): SplitLines {
    return this.#lines.push(chunk)
  }

  /** Takes the last line, if it was not ended. Call it when nothing can be added any more. */
  finish(): SplitLines {
    return this.#lines.finish()
  }

  close(): void {
    closeSync(this.#file)
  }
}
