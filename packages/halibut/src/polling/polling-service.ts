import type { Polling, PollingState } from '../runtime/halibut.ts'
import { PollingLoop, type PollingLoopParts } from './polling-loop.ts'

/** Whom to poll, how, and over how many connections. */
export interface PollingParts extends PollingLoopParts {
  readonly connections: number
  /** How long all connections must be busy before one more is opened; undefined: none ever is. */
  readonly spareAfterMs: number | undefined
}

/**
 * Polls a server over a number of connections until stopped. Each carries one call at a time, so long calls would hold
 * up short ones; while all are busy for long, there is one more.
 */
export class PollingService implements Polling {
  readonly #parts: PollingParts
  readonly #loops: readonly PollingLoop[]
  readonly #running: Promise<unknown>
  #spare: PollingLoop | undefined
  #spareEnded: Promise<unknown> = Promise.resolve()
  #spareTimer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(parts: PollingParts) {
    this.#parts = parts
    this.#loops = Array.from({ length: parts.connections }, () => this.#newLoop())
    this.#running = Promise.all(this.#loops.map(loop => loop.run()))
  }

  get state(): PollingState {
    const states = this.#loops.map(loop => loop.state)
    const best = (['connected', 'connecting', 'waiting'] as const)
      .map(kind => states.find(state => state.kind === kind))
      .find(state => state !== undefined)
    return best ?? { kind: 'stopped' }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#spareTimer)
    for (const loop of this.#loops) loop.stop()
    this.#spare?.stop()
    await Promise.all([this.#running, this.#spareEnded])
  }

  #newLoop(): PollingLoop {
    return new PollingLoop(this.#parts, () => this.#adjust())
  }

  #adjust(): void {
    if (this.#isStopped) return
    const isFull = this.#loops.length > 0 && this.#loops.every(loop => loop.isBusy)
    this.#spare?.retire(!isFull)
    if (!isFull) {
      clearTimeout(this.#spareTimer)
      this.#spareTimer = undefined
    } else if (this.#spare === undefined && this.#parts.spareAfterMs !== undefined) {
      this.#spareTimer ??= setTimeout(() => this.#openSpare(), this.#parts.spareAfterMs)
    }
  }

  #openSpare(): void {
    this.#spareTimer = undefined
    if (this.#isStopped) return
    const spare = this.#newLoop()
    this.#spare = spare
    this.#spareEnded = spare.run().finally(() => {
      this.#spare = undefined
      this.#adjust()
    })
  }
}
