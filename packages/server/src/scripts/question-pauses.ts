/** In milliseconds: the pause at first and while lines come, and the one after a long silence. */
const shortestPauseMs = 100
const longestPauseMs = 1_000
const growth = 1.5

/** The pauses between two questions to a Tentacle about one script: docs/wire/orchestration.md, durable execution. */
export class QuestionPauses {
  #nextMs = shortestPauseMs

  /** The pause before the next question. Each one without news is longer than the one before, up to the longest. */
  next(): number {
    const ms = this.#nextMs
    this.#nextMs = Math.min(longestPauseMs, ms * growth)
    return ms
  }

  /** There was news, so there may be more soon. */
  restart(): void {
    this.#nextMs = shortestPauseMs
  }
}
