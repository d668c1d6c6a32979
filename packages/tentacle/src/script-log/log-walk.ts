import { readSync } from 'node:fs'
import { setImmediate as letOthersGo } from 'node:timers/promises'
import type { ProcessOutput } from '@tentacle/contracts'
import { EntryScanner } from './entry-scanner.ts'

/** How much is read at a time: what is above 128 KiB costs the runtime ten times as much. */
const windowBytes = 64 * 1024

/** What an entry costs beside its text, in characters: a page of empty lines has a size, too. */
const entryOverhead = 40

/** How much one page may have. */
export interface PageLimits {
  /** Of text, and 40 for each entry. */
  readonly characters: number
  readonly entries: number
}

/** A place in a log: how many entries stand before it, and where it is in the file. */
export interface Mark {
  readonly entries: number
  readonly bytes: number
}

/** What is to be read. */
export interface WalkPlan {
  /** How many entries are passed over, from the beginning of the log. */
  readonly after: number
  /** How much of the file counts. */
  readonly endBytes: number
  readonly limits: PageLimits
}

/** One reading of a page of `Output.log`, step by step. */
export class LogWalk {
  readonly #file: number
  readonly #plan: WalkPlan
  readonly #marks: Mark[] = []
  #entries: number
  #bytes: number
  #taken = 0
  #characters = 0
  #isEnd = false
  #isDamaged = false

  /** @param start the end of an entry, at or before the first one that is wanted */
  constructor(file: number, start: Mark, plan: WalkPlan) {
    this.#file = file
    this.#entries = start.entries
    this.#bytes = start.bytes
    this.#plan = plan
  }

  /** Where the entries end that were given or passed over. */
  get at(): Mark {
    return { entries: this.#entries, bytes: this.#bytes }
  }

  /** Places that were passed. */
  get marks(): readonly Mark[] {
    return this.#marks
  }

  /** Of what was given so far, as the limits count them. */
  get characters(): number {
    return this.#characters
  }

  /** Whether nothing follows. */
  get isEnd(): boolean {
    return this.#isEnd
  }

  /** Whether the last entry that was given says that the log is damaged in its place. */
  get isDamaged(): boolean {
    return this.#isDamaged
  }

  /** The entries, some at a time. Others have their turn in between. */
  async *steps(): AsyncGenerator<readonly ProcessOutput[]> {
    const { endBytes } = this.#plan
    let space = Buffer.alloc(0)
    for (let size = windowBytes; this.#bytes < endBytes; ) {
      const wanted = Math.min(size, endBytes - this.#bytes)
      if (space.length < wanted) space = Buffer.allocUnsafe(wanted)
      const window = space.subarray(0, readSync(this.#file, space, 0, wanted, this.#bytes))
      const before = this.#bytes
      const found = this.#scan(window)
      if (found.entries.length > 0) yield found.entries
      if (found.isFull || this.#isDamaged) return
      // An entry longer than the window needs a larger one, only for itself.
      size = this.#bytes === before ? size * 2 : windowBytes
      this.#marks.push(this.at)
      if (this.#bytes < endBytes) await letOthersGo()
    }
    this.#isEnd = true
  }

  /** Takes what is whole in a piece of the log. */
  #scan(window: Buffer): { readonly entries: readonly ProcessOutput[]; readonly isFull: boolean } {
    const { after, endBytes } = this.#plan
    const found: ProcessOutput[] = []
    const bytes = this.#bytes
    const scanner = new EntryScanner(window)
    for (let entry = scanner.next(); entry !== 'cut'; entry = scanner.next()) {
      if (entry === 'damaged') return { entries: [...found, this.#damage()], isFull: false }
      if (this.#entries >= after && !this.#take(found, entry)) return { entries: found, isFull: true }
      this.#entries++
      this.#bytes = bytes + scanner.at
    }
    // An entry without end, or a file that is shorter than it was.
    const isAllRead = bytes + window.length >= endBytes
    if (window.length === 0 || (isAllRead && scanner.at < window.length)) found.push(this.#damage())
    return { entries: found, isFull: false }
  }

  /** Answers false, without having taken it, when the page is full. A page has one entry at least. */
  #take(found: ProcessOutput[], entry: ProcessOutput): boolean {
    const { characters, entries } = this.#plan.limits
    const size = entry.text.length + entryOverhead
    if (this.#taken > 0 && (this.#characters + size > characters || this.#taken >= entries)) return false
    found.push(entry)
    this.#taken++
    this.#characters += size
    return true
  }

  /** A log that cannot be read on ends with an entry that says so, in the place of the first damaged one. */
  #damage(): ProcessOutput {
    this.#isDamaged = true
    this.#isEnd = true
    const text = `The log of this script is damaged at entry ${this.#entries + 1}. Nothing after it can be read.`
    return { source: 'StdErr', occurred: new Date(), text }
  }
}
