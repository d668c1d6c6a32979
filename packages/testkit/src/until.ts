import { setTimeout as delay } from 'node:timers/promises'

const longestPauseMs = 200

/**
 * Waits for a condition of the outside world that announces itself by nothing: asks again every few milliseconds until
 * the answer is neither undefined nor false, and answers it. Throws after `timeoutMs` (default 20,000 ms), naming `what`,
 * and with the reason of `signal` when that is aborted. What takes long to ask, such as a program that is started for
 * it, is asked less often, so that the asking does not slow down what is waited for.
 */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  {
    timeoutMs = 20_000,
    everyMs = 10,
    signal,
  }: { readonly timeoutMs?: number; readonly everyMs?: number; readonly signal?: AbortSignal } = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const askedAt = Date.now()
    const answer = await condition()
    if (answer !== undefined && answer !== false) return answer
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`)
    const pauseMs = Math.max(everyMs, Math.min(3 * (Date.now() - askedAt), longestPauseMs))
    await delay(pauseMs, undefined, signal ? { signal } : {})
  }
}
