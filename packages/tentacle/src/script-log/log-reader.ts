import { closeSync, openSync } from 'node:fs'
import { ProcessOutput } from '@tentacle/contracts'
import { packList } from '@tentacle/halibut'
import { systemCode } from '../errors.ts'
import { byteOrderMark } from './log-entry.ts'
import { LogWalk, type Mark, type PageLimits } from './log-walk.ts'

/** Some entries of a log. */
export interface LogPage {
  /** Long ones are packed (`packList` of halibut): only an answer of this service can hold them. */
  readonly entries: readonly ProcessOutput[]
  /** How many entries the log has up to the last one of these. */
  readonly next: number
  /** Whether nothing follows. */
  readonly isEnd: boolean
}

/** Longer pages are packed: they are encoded as they are read, and never in memory as a whole. */
const plainCharacters = 512 * 1024

/** Places in the log are remembered this far apart, so that reading begins near. */
const markEveryBytes = 64 * 1024

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
  async read(after: number, endBytes: number, limits: PageLimits): Promise<LogPage> {
    if (this.#damagedAfter !== undefined && after > this.#damagedAfter)
      return this.#damaged(this.#damagedAfter)
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
      const walk = new LogWalk(file, start, { after, endBytes, limits })
      const entries = await gather(walk)
      for (const { entries: count, bytes } of walk.marks) this.mark(count, bytes)
      if (!walk.isDamaged) this.#lastEnd = walk.at
      else this.#damagedAfter = walk.at.entries
      return { entries, next: walk.at.entries + (walk.isDamaged ? 1 : 0), isEnd: walk.isEnd }
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

  /** A log that cannot be read on ends with an entry that says so; it was given already. */
  #damaged(goodEntries: number): LogPage {
    return { entries: [], next: goodEntries + 1, isEnd: true }
  }
}

/** Takes what the walk gives: as it is, or packed when it is much. */
async function gather(walk: LogWalk): Promise<readonly ProcessOutput[]> {
  const steps = walk.steps()
  let plain: readonly ProcessOutput[] = []
  for (let step = await steps.next(); step.done !== true; step = await steps.next()) {
    plain = plain.length === 0 ? step.value : plain.concat(step.value)
    if (walk.characters > plainCharacters) return packList(ProcessOutput, resumed(plain, steps))
  }
  return plain
}

async function* resumed(
  first: readonly ProcessOutput[],
  rest: AsyncGenerator<readonly ProcessOutput[]>,
): AsyncGenerator<readonly ProcessOutput[]> {
  yield first
  yield* rest
}
