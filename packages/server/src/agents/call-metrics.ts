import { toError } from '../errors.ts'

/** One try of a call. */
export interface CallAttempt {
  readonly startedAt: Date
  readonly durationMs: number
  /** Undefined: it was answered. */
  readonly error: Error | undefined
}

/** A call to a Tentacle that is over, with all of its tries. */
export interface CallMetrics {
  readonly machineId: string
  /** As the wire calls it, e.g. `IScriptServiceV2`. */
  readonly service: string
  readonly method: string
  readonly startedAt: Date
  /** With the pauses between the tries. */
  readonly durationMs: number
  /** How long it might have been repeated; undefined: it was made once, whatever came of it. */
  readonly retryDurationMs: number | undefined
  readonly attempts: readonly CallAttempt[]
  /** What the caller was told; undefined: the result. */
  readonly error: Error | undefined
  /** Whether whoever asked for it had given it up by its end. */
  readonly wasCanceled: boolean
}

/** What several calls are made for. */
export type OperationKind = 'ExecuteScript' | 'UploadFile'

/** An operation that is over. Its calls are counted and not kept: a script that runs for days is asked about thousands of times. */
export interface OperationMetrics {
  readonly kind: OperationKind
  readonly machineId: string
  readonly startedAt: Date
  readonly durationMs: number
  readonly callCount: number
  readonly failedCallCount: number
  readonly error: Error | undefined
  readonly wasCanceled: boolean
}

/** Hears of every call and operation, also of those that failed. What it throws goes into the log and no further. */
export interface CallObserver {
  callCompleted?(call: CallMetrics): void
  operationCompleted?(operation: OperationMetrics): void
}

/** An operation in work: calls that belong to it are told of it. */
export interface Operation {
  add(call: CallMetrics): void
}

/** Which call is measured. */
export interface MeasuredCall {
  readonly service: string
  readonly method: string
  readonly signal: AbortSignal
  readonly retryDurationMs: number | undefined
  readonly operation: Operation | undefined
}

/** Makes one try of a call. */
export type Attempt = <T>(run: () => Promise<T>) => Promise<T>

/** Measures the calls to one machine. */
export interface CallMeter {
  /** Makes a call of any number of tries, each of which goes through `attempt`. Throws what `run` throws. */
  call<T>(call: MeasuredCall, run: (attempt: Attempt) => Promise<T>): Promise<T>
  /** Carries out an operation. Throws what `run` throws. */
  operation<T>(
    kind: OperationKind,
    signal: AbortSignal,
    run: (operation: Operation) => Promise<T>,
  ): Promise<T>
}

/** What a meter is made of. */
export interface CallMeterOptions {
  readonly machineId: string
  readonly observer: CallObserver
  readonly now: () => Date
  /** Told what the observer has thrown. */
  readonly onError: (error: Error) => void
}

/** Makes the meter of one machine (docs/wire/orchestration.md, calls, measured). */
export function createCallMeter({ machineId, observer, now, onError }: CallMeterOptions): CallMeter {
  const tell = (run: () => void): void => {
    try {
      run()
    } catch (error) {
      onError(toError(error))
    }
  }
  return {
    async call({ service, method, signal, retryDurationMs, operation }, run) {
      const attempts: CallAttempt[] = []
      const attempt: Attempt = once =>
        timed(now, once, (startedAt, durationMs, error) => attempts.push({ startedAt, durationMs, error }))
      return timed(
        now,
        () => run(attempt),
        (startedAt, durationMs, error) => {
          const facts = {
            machineId,
            service,
            method,
            startedAt,
            durationMs,
            retryDurationMs,
            attempts,
            error,
          }
          const call: CallMetrics = { ...facts, wasCanceled: signal.aborted }
          operation?.add(call)
          tell(() => observer.callCompleted?.(call))
        },
      )
    },
    async operation(kind, signal, run) {
      let callCount = 0
      let failedCallCount = 0
      const add = ({ error }: CallMetrics): void => {
        callCount++
        if (error !== undefined) failedCallCount++
      }
      return timed(
        now,
        () => run({ add }),
        (startedAt, durationMs, error) => {
          const facts = { kind, machineId, startedAt, durationMs, callCount, failedCallCount, error }
          tell(() => observer.operationCompleted?.({ ...facts, wasCanceled: signal.aborted }))
        },
      )
    },
  }
}

/** Runs, and tells how long it took and what it threw, before anybody else knows. */
async function timed<T>(
  now: () => Date,
  run: () => Promise<T>,
  tell: (startedAt: Date, durationMs: number, error: Error | undefined) => void,
): Promise<T> {
  const startedAt = now()
  const from = performance.now()
  try {
    const result = await run()
    tell(startedAt, performance.now() - from, undefined)
    return result
  } catch (error) {
    tell(startedAt, performance.now() - from, toError(error))
    throw error
  }
}
