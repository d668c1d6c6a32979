/** Wakes whoever waits. A ring while nobody waits is kept for the next who does; several are one. */
export class Bell {
  #isRung = false
  #wake: (() => void) | undefined

  ring(): void {
    this.#isRung = true
    this.#wake?.()
  }

  /** Waits for a ring, at most so long. One waiter at a time. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#isRung) {
      await new Promise<void>(resolve => {
        // Not a reason to keep the process: scripts go on without it.
        const timer = setTimeout(resolve, timeoutMs).unref()
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#wake = undefined
    this.#isRung = false
  }
}
