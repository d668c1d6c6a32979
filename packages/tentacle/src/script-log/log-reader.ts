import { closeSync, openSync, readSync } from 'node:fs'
import { setImmediate as letOthersGo } from 'node:timers/promises'
import type { ProcessOutput } from '@tentacle/contracts'
import { systemCode } from '../errors.ts'
import { EntryScanner } from './entry-scanner.ts'
import { byteOrderMark } from './log-entry.ts'

/** Some entries of a log. */
export interface LogPage {
  readonly entries: readonly ProcessOutput[]
  /** How many entries the log has up to the last one of these. */
  readonly next: number
  /** Whether nothing follows. */
  readonly isEnd: boolean
}

/** How much is read at a time: what is above 128 KiB costs the runtime ten times as much. */
const windowBytes = 64 * 1024

/** What an entry costs beside its text, in characters: a page of empty lines has a size, too. */
const entryOverhead = 40

/** Places in the log are remembered this far apart, so that reading begins near. */
const markEveryBytes = 64 * 1024

interface Mark {
  readonly entries: number
  readonly bytes: number
}

/** Reads pages of `Output.log` by entry number, without holding the log or an index of all of it in memory. */
export class LogReader {
  readonly #path: string
  readonly #marks: Mark[] = [{ entries: 0, bytes: byteOrderMark.length }]
  /** Where the last page ended: most callers go on from there. */
  #lastEnd: Mark = { entries: 0, bytes: byteOrderMark.length }
  /** How many good entries stand before the first damaged one. */
  #damagedAfter: number | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Remembers that `entries` entries end at `bytes`. */
  mark(entries: number, bytes: number): void {
    const last = this.#marks.at(-1)
    if (last !== undefined && entries > last.entries && bytes - last.bytes >= markEveryBytes) {
      this.#marks.push({ entries, bytes })
    }
  }

  /** @param endBytes how much of the file counts */
  async read(after: number, endBytes: number, maxCharacters: number): Promise<LogPage> {
    if (this.#damagedAfter !== undefined && after > this.#damagedAfter) return this.#damaged([], after)
    const start = this.#markBefore(after)
    if (start.bytes >= endBytes) return { entries: [], next: start.entries, isEnd: true }
    let file: number
    try {
      file = openSync(this.#path, 'r')
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return { entries: [], next: 0, isEnd: true }
      throw error
    }
    try {
      return await this.#readFrom(file, start, after, endBytes, maxCharacters)
    } finally {
      closeSync(file)
    }
  }

  #markBefore(after: number): Mark {
    if (this.#lastEnd.entries <= after && this.#lastEnd.entries > 0) {
      const best = this.#lastEnd
      const last = this.#marks.at(-1)
      if (last === undefined || last.entries <= best.entries || last.entries > after) return best
    }
    let low = 0
    for (let high = this.#marks.length - 1; low < high; ) {
      const middle = (low + high + 1) >> 1
      if ((this.#marks[middle]?.entries ?? 0) <= after) low = middle
      else high = middle - 1
    }
    return this.#marks[low] ?? { entries: 0, bytes: byteOrderMark.length }
  }

  async #readFrom(
    file: number,
    start: Mark,
    after: number,
    endBytes: number,
    maxCharacters: number,
  ): Promise<LogPage> {
    const found: ProcessOutput[] = []
    let characters = 0
    let { entries, bytes } = start
    let space = Buffer.alloc(0)
    for (let size = windowBytes; bytes < endBytes; ) {
      const wanted = Math.min(size, endBytes - bytes)
      if (space.length < wanted) space = Buffer.allocUnsafe(wanted)
      const window = space.subarray(0, readSync(file, space, 0, wanted, bytes))
      const scanner = new EntryScanner(window)
      for (let at = 0, entry = scanner.next(); entry !== 'cut'; at = scanner.at, entry = scanner.next()) {
        if (entry === 'damaged') return this.#damaged(found, after, entries)
        if (entries >= after) {
          const size = entry.text.length + entryOverhead
          if (found.length > 0 && characters + size > maxCharacters) {
            return this.#pageEnd(found, { entries, bytes: bytes + at }, false)
          }
          found.push(entry)
          characters += size
        }
        entries++
      }
      const { at } = scanner
      const isAllRead = bytes + window.length >= endBytes
      // An entry without end, or a file that is shorter than it was.
      if (window.length === 0 || (isAllRead && at < window.length))
        return this.#damaged(found, after, entries)
      // An entry longer than the window needs a larger one, only for itself.
      size = at === 0 ? size * 2 : windowBytes
      bytes += at
      this.mark(entries, bytes)
      if (bytes < endBytes) await letOthersGo()
    }
    return this.#pageEnd(found, { entries, bytes }, true)
  }

  /** A log that cannot be read on ends with an entry that says so, in the place of the first damaged one. */
  #damaged(entries: readonly ProcessOutput[], after: number, goodEntries = this.#damagedAfter ?? 0): LogPage {
    this.#damagedAfter = goodEntries
    const next = goodEntries + 1
    if (after > goodEntries) return { entries, next, isEnd: true }
    const text = `The log of this script is damaged at entry ${next}. Nothing after it can be read.`
    return { entries: [...entries, { source: 'StdErr', occurred: new Date(), text }], next, isEnd: true }
  }

  #pageEnd(entries: readonly ProcessOutput[], end: Mark, isEnd: boolean): LogPage {
    this.#lastEnd = end
    return { entries, next: end.entries, isEnd }
  }
}
