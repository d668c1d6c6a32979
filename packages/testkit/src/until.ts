import { setTimeout as delay } from 'node:timers/promises'

/**
 * Waits for a condition of the outside world that announces itself by nothing: asks again every few milliseconds until
 * the answer is neither undefined nor false, and answers it. Throws after `timeoutMs` (default 20,000 ms), naming `what`,
 * and with the reason of `signal` when that is aborted.
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
    const answer = await condition()
    if (answer !== undefined && answer !== false) return answer
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`)
    await delay(everyMs, undefined, signal ? { signal } : {})
  }
}
