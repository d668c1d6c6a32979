import { isAscii } from 'node:buffer'
import type { ProcessOutput, ProcessOutputSource } from '@tentacle/contracts'
import { endOfEntry, parseEntry, timeOf } from './log-entry.ts'

/** How entries begin. */
const heads = { StdOut: '["stdout","', StdErr: '["stderr","', Debug: '["debug","' } as const

/** What stands between two entries: it never stands inside of a text, where quotes have a backslash before them. */
const separator = '","'
const end = '"]'

/** The longest time that is looked for: `2026-11-23T23:43:55.7564123+00:00` and a little. */
const maxTimeLength = 40

/** What stood at the end of the entry before: lines that were read together have the same time. */
let lastTail = { text: '', time: new Date(0) }

/**
 * Reads one entry after another from a piece of `Output.log`. Entries as this agent and the original write them are
 * cut out of the piece; whatever else is JSON is read as that. A script may print millions of lines, and that is several
 * times as fast.
 */
export class EntryScanner {
  readonly #bytes: Buffer
  /** One character for each byte, so that places are the same in both. */
  readonly #text: string
  readonly #isAscii: boolean
  readonly #hasEscapes: boolean
  /** Which a power cut may leave, and which are in no text. */
  readonly #hasZeros: boolean
  #at = 0

  /** @param bytes of the log, from the beginning of an entry on; not changed while they are read */
  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#text = bytes.toString('latin1')
    this.#isAscii = isAscii(bytes)
    this.#hasEscapes = this.#text.includes('\\')
    this.#hasZeros = this.#text.includes('\0')
  }

  /** Where the next entry begins, in bytes. */
  get at(): number {
    return this.#at
  }

  /** The next entry; `cut` when the bytes end within it. The place is behind it only if it could be read. */
  next(): ProcessOutput | 'damaged' | 'cut' {
    return this.#cutOut() ?? this.#parse()
  }

  #cutOut(): ProcessOutput | undefined {
    if (this.#hasZeros) return undefined
    const source = this.#sourceAt(this.#at)
    if (source === undefined) return undefined
    const start = this.#at + heads[source].length
    const close = this.#endOfText(start)
    const tail = close < 0 ? undefined : this.#tailAt(close)
    const text = tail && this.#line(start, close)
    if (tail === undefined || text === undefined) return undefined
    this.#at = close + tail.text.length
    return { source, occurred: tail.time, text }
  }

  #sourceAt(at: number): ProcessOutputSource | undefined {
    if (this.#text.startsWith(heads.StdOut, at)) return 'StdOut'
    if (this.#text.startsWith(heads.StdErr, at)) return 'StdErr'
    return this.#text.startsWith(heads.Debug, at) ? 'Debug' : undefined
  }

  /** The quote that ends a text; negative when there is none. */
  #endOfText(start: number): number {
    let quote = this.#text.indexOf('"', start)
    while (this.#hasEscapes && quote > start && this.#isEscaped(quote, start))
      quote = this.#text.indexOf('"', quote + 1)
    return quote
  }

  #isEscaped(quote: number, start: number): boolean {
    let backslashes = 0
    while (quote - backslashes > start && this.#text[quote - backslashes - 1] === '\\') backslashes++
    return backslashes % 2 === 1
  }

  /** From the quote that ends the text to the end of the entry. */
  #tailAt(at: number): { readonly text: string; readonly time: Date } | undefined {
    if (lastTail.text !== '' && this.#text.startsWith(lastTail.text, at)) return lastTail
    if (!this.#text.startsWith(separator, at)) return undefined
    const begin = at + separator.length
    const close = this.#text.slice(begin, begin + maxTimeLength).indexOf(end)
    if (close < 0) return undefined
    const time = timeOf(this.#text.slice(begin, begin + close))
    if (time === undefined) return undefined
    // From the bytes: a part of the text would keep all of it in memory.
    lastTail = { text: this.#bytes.toString('latin1', at, begin + close + end.length), time }
    return lastTail
  }

  #line(start: number, close: number): string | undefined {
    const text = this.#isAscii ? this.#text.slice(start, close) : this.#bytes.toString('utf8', start, close)
    if (!this.#hasEscapes || !text.includes('\\')) return text
    try {
      const value: unknown = JSON.parse(`"${text}"`)
      return typeof value === 'string' ? value : undefined
    } catch {
      return undefined
    }
  }

  #parse(): ProcessOutput | 'damaged' | 'cut' {
    const close = endOfEntry(this.#bytes, this.#at)
    if (close === undefined) return 'cut'
    const entry = parseEntry(this.#bytes.toString('utf8', this.#at, close))
    if (entry === undefined) return 'damaged'
    this.#at = close
    return entry
  }
}
