/** Counts what runs, so that a closing runtime can wait for it. */
export class Activity {
  #running = 0
  #idle: (() => void)[] = []

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#running++
    try {
      return await work()
    } finally {
      if (--this.#running === 0) {
        for (const resolve of this.#idle.splice(0)) resolve()
      }
    }
  }

  get isIdle(): boolean {
    return this.#running === 0
  }

  /** Waits until nothing runs, at most this long. */
  async idle(timeoutMs: number): Promise<void> {
    if (this.#running === 0 || timeoutMs <= 0) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#idle.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}
