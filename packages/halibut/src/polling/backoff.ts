import type { HalibutLimits } from '../runtime/limits.ts'

/**
 * How long a polling service waits between two connections: the longer it has been without a server, the longer,
 * and each service by a different factor, so that a thousand of them do not come back in the same second
 * (docs/wire/halibut.md, "Reconnecting").
 */
export class Backoff {
  readonly #minimumMs: number
  readonly #maximumMs: number
  readonly #factor: number
  #firstFailureAt: number | undefined

  /** @param random in [0, 1), fixed for the life of one loop */
  constructor(limits: HalibutLimits, random: number = Math.random()) {
    this.#minimumMs = limits.pollingReconnectMinimumMs
    this.#maximumMs = limits.pollingReconnectMaximumMs
    this.#factor = 1 + random
  }

  /** The server is there: the clock starts anew. */
  identified(): void {
    this.#firstFailureAt = undefined
  }

  /** A connection or attempt ended. @returns milliseconds until the next attempt */
  pauseAfter(now: number, hasFailed: boolean): number {
    if (hasFailed) this.#firstFailureAt ??= now
    const elapsedMs = now - (this.#firstFailureAt ?? now)
    return Math.min(this.#maximumMs, Math.max(this.#minimumMs, elapsedMs * this.#factor))
  }
}
