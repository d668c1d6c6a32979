import { setTimeout as sleep } from 'node:timers/promises'
import { isShuttingDown } from '@tentacle/contracts'
import { type CallOptions, HalibutError, isRetryable } from '@tentacle/halibut'
import { toError } from '../errors.ts'
import type { LogCategory } from '../model/activity.ts'
import type { Operation } from './call-metrics.ts'

/** How often a call that is safe to repeat is repeated: a machine policy's settings. */
export interface RetryRules {
  readonly enabled: boolean
  /** Time from the first attempt after which no new one is made. */
  readonly durationMs: number
}

/** Tells the people who wait for the call what happens to it. */
export type Report = (category: LogCategory, text: string, detail?: string) => Promise<void>

/** What a call to a Tentacle is made with. */
export interface TentacleCall {
  /** Gives the call and its repetitions up. */
  readonly signal: AbortSignal
  readonly report: Report
  /** Instead of the machine policy's. */
  readonly retries?: RetryRules
  /** What the call is measured as a part of; default: itself alone. */
  readonly operation?: Operation
}

/** A retry with less time than this would only hide the real error behind a time-out. */
const minimumAttemptMs = 1_000

function seconds(ms: number): string {
  const rounded = Math.max(1, Math.round(ms / 1000))
  return rounded === 1 ? '1 second' : `${rounded} seconds`
}

/**
 * Makes a call that is safe to repeat, and repeats it while the network is to blame: docs/wire/orchestration.md, calls.
 * The first attempt has no time limit of its own. Throws the last error of the network, not the time-out of a retry.
 */
export async function callWithRetries<T>(
  name: string,
  call: (options: CallOptions) => Promise<T>,
  rules: RetryRules,
  { signal, report }: Pick<TentacleCall, 'signal' | 'report'>,
): Promise<T> {
  const started = performance.now()
  const remaining = (): number => rules.durationMs - (performance.now() - started)
  let lastError: unknown
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(attempt === 1 ? { signal } : { signal, timeoutMs: Math.ceil(remaining()) })
    } catch (error) {
      // A stopping Tentacle did nothing, and its successor will.
      if (signal.aborted || !(isRetryable(error) || isShuttingDown(error))) throw error
      // A retry that ran out of time says less than what it was made for.
      const isOwnTimeout = attempt > 1 && error instanceof HalibutError && error.code === 'ERR_TIMEOUT'
      if (lastError === undefined || !isOwnTimeout) lastError = error
      if (!rules.enabled) throw error
    }
    const pauseMs = Math.min(attempt, 10) * 1_000
    if (remaining() - pauseMs <= minimumAttemptMs) {
      const spent = performance.now() - started
      await report(
        'Info',
        `The Tentacle could not be reached for ${seconds(spent)}. No more attempts are made.`,
      )
      await report('Verbose', `The last attempt to call ${name} failed: ${toError(lastError).message}`)
      throw lastError
    }
    await report(
      'Info',
      `A call to the Tentacle failed. Attempt ${attempt + 1} follows in ${seconds(pauseMs)}; ` +
        `${seconds(remaining())} are left for it.`,
    )
    await report('Verbose', `The call of ${name} failed: ${toError(lastError).message}`)
    await sleep(pauseMs, undefined, { signal })
  }
}
