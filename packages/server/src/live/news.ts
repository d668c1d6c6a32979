import { setTimeout as sleep } from 'node:timers/promises'

/** A bell: it may ring any number of times while nobody listens, and is heard once. */
export interface News {
  ring(): void
  /** Waits for the bell; false when the time is over or the signal aborts. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<boolean>
}

/** Makes a bell that has not rung. */
export function createNews(): News {
  let hasRung = false
  let waiting: AbortController | undefined
  return {
    ring() {
      hasRung = true
      waiting?.abort()
    },
    async wait(timeoutMs, signal) {
      if (!hasRung && !signal.aborted) {
        waiting = new AbortController()
        const either = AbortSignal.any([waiting.signal, signal])
        await sleep(timeoutMs, undefined, { signal: either }).catch(() => undefined)
        waiting = undefined
      }
      const heard = hasRung && !signal.aborted
      hasRung = false
      return heard
    },
  }
}
