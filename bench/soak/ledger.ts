/** How a call ended for its caller. */
export type Outcome =
  | 'answered'
  /** It may have run. */
  | 'failed'
  /** Its error says that it was never sent. */
  | 'never sent'

const codes: readonly (Outcome | undefined)[] = [undefined, 'answered', 'failed', 'never sent']

/** What became of all calls together. */
export interface Verdict {
  readonly calls: number
  readonly answered: number
  readonly failed: number
  readonly neverSent: number
  /** Failed calls that ran all the same: their answers were lost. */
  readonly failedAfterRunning: number
  readonly violations: readonly string[]
}

/**
 * Every call with its number: how it ended, and how often the services say that it ran. Two bytes for each, so that the
 * books do not look like a leak.
 */
export class Ledger {
  #outcomes = new Uint8Array(1024 * 1024)
  #runs = new Uint8Array(1024 * 1024)
  #count = 0
  readonly #open = new Map<number, { readonly startedAt: number; readonly limitMs: number }>()

  /** Size of the books in memory. */
  get bytes(): number {
    return this.#outcomes.length + this.#runs.length
  }

  get started(): number {
    return this.#count
  }

  get outstanding(): number {
    return this.#open.size
  }

  /** Begins a call that must end within `limitMs`. @returns its number */
  start(limitMs: number): number {
    const id = this.#count++
    if (id >= this.#outcomes.length) {
      this.#outcomes = doubled(this.#outcomes)
      this.#runs = doubled(this.#runs)
    }
    this.#open.set(id, { startedAt: performance.now(), limitMs })
    return id
  }

  finish(id: number, outcome: Outcome): void {
    this.#open.delete(id)
    this.#outcomes[id] = codes.indexOf(outcome)
  }

  /** A service says that it began to run these calls. */
  ran(ids: readonly number[]): void {
    for (const id of ids) this.#runs[id] = Math.min(255, (this.#runs[id] ?? 0) + 1)
  }

  /** Calls that should have ended by now. */
  overdue(now: number): number[] {
    return [...this.#open].filter(([, { startedAt, limitMs }]) => now - startedAt > limitMs).map(([id]) => id)
  }

  /** Judges the calls that have ended. To be asked when all services have told all they ran. */
  judge(): Verdict {
    const counts: Record<Outcome, number> = { answered: 0, failed: 0, 'never sent': 0 }
    const violations: string[] = []
    let failedAfterRunning = 0
    for (let id = 0; id < this.#count; id++) {
      const outcome = codes[this.#outcomes[id] ?? 0]
      const runs = this.#runs[id] ?? 0
      if (outcome) counts[outcome]++
      if (outcome === 'failed' && runs > 0) failedAfterRunning++
      const problem = problemOf(outcome, runs)
      if (problem) violations.push(`call ${id} ${problem}`)
    }
    const { answered, failed, 'never sent': neverSent } = counts
    return { calls: this.#count, answered, failed, neverSent, failedAfterRunning, violations }
  }
}

function problemOf(outcome: Outcome | undefined, runs: number): string | undefined {
  if (outcome === undefined) return 'never ended'
  if (runs > 1) return `${outcome}, and ran ${runs} times`
  if (outcome === 'answered' && runs === 0) return 'answered, but no service says that it ran'
  if (outcome === 'never sent' && runs > 0) return 'said to be never sent, but it ran'
  return undefined
}

function doubled(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(bytes.length * 2)
  larger.set(bytes)
  return larger
}
