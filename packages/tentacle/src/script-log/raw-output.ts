import { type FileHandle, open } from 'node:fs/promises'
import { LineSplitter, type SplitLines } from './line-splitter.ts'

/** How much of a raw file is taken at a time: little at first, because most scripts print little. */
const smallChunkBytes = 16 * 1024
const chunkBytes = 256 * 1024

const carriageReturn = 0x0d

/** Follows one of the two files into which a script's output is copied, line by line. */
export class RawOutput {
  readonly #file: FileHandle
  readonly #lines: LineSplitter
  #chunk = Buffer.allocUnsafe(smallChunkBytes)

  private constructor(file: FileHandle, lines: LineSplitter) {
    this.#file = file
    this.#lines = lines
  }

  /** @param doneBytes where to go on: the end of the last line that was taken before. */
  static async open(path: string, doneBytes: number): Promise<RawOutput> {
    const file = await open(path, 'a+', 0o600) // its writer may not have made it yet
    const before = Buffer.alloc(1)
    if (doneBytes > 0) await file.read(before, 0, 1, doneBytes - 1)
    return new RawOutput(file, new LineSplitter({ doneBytes, isAfterReturn: before[0] === carriageReturn }))
  }

  /**
   * Reads what has been added, up to 256 KiB of it. Nothing is taken before {@link take} is called with it, and that must
   * come before the next reading.
   */
  async read(): Promise<Buffer> {
    const chunk = this.#chunk
    const { bytesRead } = await this.#file.read(chunk, 0, chunk.length, this.#lines.readBytes)
    if (bytesRead === smallChunkBytes) this.#chunk = Buffer.allocUnsafe(chunkBytes)
    return chunk.subarray(0, bytesRead)
  }

  /** Takes what was read. Answers the lines that ended, and how far the file is done. */
  take(chunk: Buffer): SplitLines {
    return this.#lines.push(chunk)
  }
  /** Takes the last line, if it was not ended. Call it when nothing can be added any more. */
  finish(): SplitLines {
    return this.#lines.finish()
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
