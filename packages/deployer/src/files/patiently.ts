import { setTimeout as delay } from 'node:timers/promises'
import { systemCode, throwIfCancelled } from '../errors.ts'

/** Repeats work on files that are in use, which are often free a moment later; gives up after a minute. */
export async function patiently(work: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const deadline = Date.now() + 60_000
  for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 2000)) {
    try {
      return await work()
    } catch (error) {
      if (!['EBUSY', 'EPERM'].includes(systemCode(error) ?? '') || Date.now() > deadline) throw error
      throwIfCancelled(signal)
      await delay(waitMs)
    }
  }
}
