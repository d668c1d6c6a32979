import { type Profiler, Session } from 'node:inspector'

/** Only what is under test counts. */
const countedFiles = '/packages/halibut/src/'

/**
 * Which parts of the library's source have run, block by block. Taking stock costs about a millisecond, so it is
 * done for a batch of inputs at a time.
 */
export class Coverage {
  readonly #session = new Session()
  /** For each function one byte for each of its characters: 1 when its block has run. */
  readonly #seen = new Map<string, Uint8Array>()
  /** How many characters of source have run. */
  coveredCharacters = 0

  start(): void {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  stop(): void {
    this.#session.disconnect()
  }

  /** What has run since the last time and never before: how many characters. They count as seen from now on. */
  take(): number {
    return this.#sumOfNew(true)
  }

  /** Whether something has run since the last time that never ran before. It does not count as seen yet. */
  hasNew(): boolean {
    return this.#sumOfNew(false) > 0
  }

  #sumOfNew(isSeen: boolean): number {
    let sum = 0
    for (const { url, functions } of this.#takeResult()) {
      if (!url.includes(countedFiles)) continue
      // The function without a name at the beginning is the module itself, which runs once and holds all others.
      for (const { ranges, isBlockCoverage } of functions)
        if (isBlockCoverage && ranges[0]?.startOffset !== 0) sum += this.#newCharacters(url, ranges, isSeen)
    }
    if (isSeen) this.coveredCharacters += sum
    return sum
  }

  #takeResult(): readonly Profiler.ScriptCoverage[] {
    let result: readonly Profiler.ScriptCoverage[] = []
    // The session is of this thread, so the answer is there before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error) throw error
      result = answer.result
    })
    return result
  }

  /** Ranges lie inside each other: the innermost one decides. */
  #newCharacters(url: string, ranges: readonly Profiler.CoverageRange[], isSeen: boolean): number {
    const [whole] = ranges
    if (!whole || whole.count === 0) return 0
    const hasRun = new Uint8Array(whole.endOffset - whole.startOffset)
    for (const { startOffset, endOffset, count } of ranges)
      hasRun.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset)
    const key = `${url}:${whole.startOffset}`
    const seen = this.#seen.get(key) ?? new Uint8Array(hasRun.length)
    this.#seen.set(key, seen)
    let sum = 0
    for (let at = 0; at < hasRun.length; at++) {
      if (hasRun[at] !== 1 || seen[at] === 1) continue
      if (isSeen) seen[at] = 1
      sum++
    }
    return sum
  }
}
