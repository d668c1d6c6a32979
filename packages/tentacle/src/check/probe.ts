import { toError } from '../errors.ts'
import { type Finding, type Verdict, verdict } from './finding.ts'

/** What every probe gets. */
export interface ProbeContext {
  /** Aborted when the command is to end. */
  readonly signal: AbortSignal
  /** How long one probe may take, in ms. */
  readonly timeoutMs: number
}

/** The probe took longer than it may. */
export class ProbeTimeout extends Error {
  override readonly name = 'ProbeTimeout'
}

/**
 * Does one step of a probe within its time. The signal that it gets ends with the time or with the command; work that
 * does not listen to it is left alone.
 *
 * @throws ProbeTimeout; the reason of `signal` when the command ends; whatever the work throws
 */
export async function withinTime<T>(
  { signal, timeoutMs }: ProbeContext,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController()
  const seconds = timeoutMs / 1000
  const timer = setTimeout(() => limit.abort(new ProbeTimeout(`no answer within ${seconds} s`)), timeoutMs)
  const ended = AbortSignal.any([signal, limit.signal])
  const { promise: gone, reject } = Promise.withResolvers<never>()
  const onEnd = () => reject(ended.reason)
  ended.addEventListener('abort', onEnd, { once: true })
  try {
    if (ended.aborted) onEnd()
    return await Promise.race([work(ended), gone])
  } finally {
    clearTimeout(timer)
    ended.removeEventListener('abort', onEnd)
    gone.catch(() => undefined)
  }
}

/** Runs a probe; what it throws becomes a failed finding, unless the command was stopped. */
export async function probe(
  context: ProbeContext,
  what: readonly [id: string, tried: string],
  work: (verdict: Verdict, signal: AbortSignal) => Promise<Finding>,
): Promise<Finding> {
  const answer = verdict(...what)
  try {
    return await withinTime(context, signal => work(answer, signal))
  } catch (error) {
    if (context.signal.aborted) throw error
    if (error instanceof ProbeTimeout)
      return answer.failed(`There was ${error.message}.`, 'Try again with a higher --timeout.')
    return answer.failed(sentence(toError(error).message), 'Correct that and run the check again.')
  }
}

/** A message of others with a full stop at its end. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text.trimEnd()) ? text.trimEnd() : `${text.trimEnd()}.`
}
