/** The longest line that becomes one entry; a longer one is cut. 32 MiB. */
export const maxLineBytes = 32 * 1024 * 1024

const lineFeed = 0x0a
const carriageReturn = 0x0d

/** Lines of one chunk, and how far the input is done with. */
export interface SplitLines {
  readonly lines: readonly string[]
  /** Bytes from the beginning of the input up to the end of the last line that was given out. */
  readonly doneBytes: number
}

/**
 * Cuts the bytes of a script's output into lines (docs/wire/tentacle-scripts.md, "Lines"): LF, CRLF and a lone CR end
 * a line. A CR ends it at once, since a progress bar prints nothing after it; an LF that follows is dropped. Invalid
 * UTF-8 becomes U+FFFD.
 */
export class LineSplitter {
  readonly #maxBytes: number
  #begun: Buffer[] = []
  #begunBytes = 0
  #doneBytes: number
  #isAfterReturn: boolean

  /**
   * @param doneBytes where in the input the first chunk begins
   * @param isAfterReturn whether the byte before it is a CR that has ended a line
   */
  constructor({ doneBytes = 0, isAfterReturn = false, maxBytes = maxLineBytes } = {}) {
    this.#doneBytes = doneBytes
    this.#isAfterReturn = isAfterReturn
    this.#maxBytes = maxBytes
  }

  /** Bytes of the input that were given to {@link push}. */
  get readBytes(): number {
    return this.#doneBytes + this.#begunBytes
  }

  /** Takes the next bytes and gives the lines that they end. The chunk may be reused afterwards. */
  push(input: Buffer): SplitLines {
    let chunk = input
    if (this.#isAfterReturn && chunk.length > 0) {
      this.#isAfterReturn = false
      if (chunk[0] === lineFeed) {
        chunk = chunk.subarray(1)
        this.#doneBytes++
      }
    }
    const end = Math.max(chunk.lastIndexOf(lineFeed), chunk.lastIndexOf(carriageReturn)) + 1
    const lines = end === 0 ? [] : this.#endLines(chunk.subarray(0, end))
    if (end < chunk.length) {
      this.#begun.push(Buffer.from(chunk.subarray(end)))
      this.#begunBytes += chunk.length - end
    }
    this.#isAfterReturn ||= end > 0 && end === chunk.length && chunk[end - 1] === carriageReturn
    if (this.#begunBytes >= this.#maxBytes) lines.push(this.#cut())
    return { lines, doneBytes: this.#doneBytes }
  }

  /** Gives the last line, if the input ended without ending it. */
  finish(): SplitLines {
    if (this.#begunBytes === 0) return { lines: [], doneBytes: this.#doneBytes }
    const line = this.#take().toString('utf8')
    return { lines: [line], doneBytes: this.#doneBytes }
  }

  #endLines(chunk: Buffer): string[] {
    this.#doneBytes += chunk.length
    const whole = this.#begunBytes === 0 ? chunk : Buffer.concat([this.#take(), chunk])
    const lines = whole.toString('utf8').split(/\r\n|\n|\r/)
    lines.pop() // what stands after the last end of a line: nothing
    return lines
  }

  /** Gives out the begun line although it goes on, but no part of a character. */
  #cut(): string {
    const bytes = this.#take()
    const tail = incompleteTail(bytes)
    if (tail > 0) {
      this.#begun.push(bytes.subarray(bytes.length - tail))
      this.#begunBytes = tail
      this.#doneBytes -= tail
    }
    return bytes.toString('utf8', 0, bytes.length - tail)
  }

  #take(): Buffer {
    const bytes = this.#begun.length === 1 ? this.#begun[0] : Buffer.concat(this.#begun)
    this.#doneBytes += this.#begunBytes
    this.#begun = []
    this.#begunBytes = 0
    return bytes ?? Buffer.alloc(0)
  }
}

/** How many bytes at the end begin a UTF-8 character without ending it: 0 to 3. */
function incompleteTail(bytes: Buffer): number {
  for (let size = 1; size <= Math.min(3, bytes.length); size++) {
    const byte = bytes[bytes.length - size] ?? 0
    if ((byte & 0b1100_0000) === 0b1000_0000) continue
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return needed > size ? size : 0
  }
  return 0
}
