import type { CallOptions } from '../contract/service-contract.ts'
import { type ConnectionState, HalibutError } from '../errors.ts'

/** Why a call is to end early, and who must hear of it. Every call has one; most are never cancelled. */
export class Cancellation {
  #makeError: ((state: ConnectionState) => HalibutError) | undefined
  readonly #listeners = new Set<() => void>()
  readonly #timer: NodeJS.Timeout | undefined
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = () => this.cancel(state => cancelled(state, this.#signal?.reason))

  constructor({ signal, timeoutMs }: CallOptions = {}) {
    this.#signal = signal
    if (timeoutMs !== undefined)
      this.#timer = setTimeout(() => this.cancel(state => timedOut(state, timeoutMs)), timeoutMs)
    if (signal?.aborted) this.#onAbort()
    else signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  get isCancelled(): boolean {
    return this.#makeError !== undefined
  }

  /** The error for the caller, given how far the call had come. */
  error(state: ConnectionState): HalibutError {
    return this.#makeError?.(state) ?? cancelled(state, undefined)
  }

  /** Ends the call. The first reason stays. */
  cancel(makeError: (state: ConnectionState) => HalibutError): void {
    if (this.#makeError) return
    this.#makeError = makeError
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }

  /** Calls back when the call is cancelled, at once if it is. The result stops listening. */
  onCancel(listener: () => void): () => void {
    if (this.#makeError) {
      listener()
      return () => {}
    }
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The call is over: nothing refers to it any more. */
  dispose(): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#listeners.clear()
  }
}

/** Waits, or until cancelled. */
export function pause(timeMs: number, cancellation: Cancellation): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      stop()
      resolve()
    }
    const timer = setTimeout(end, timeMs)
    const stop = cancellation.onCancel(() => queueMicrotask(end))
  })
}

function cancelled(connectionState: ConnectionState, cause: unknown): HalibutError {
  const details = { connectionState }
  return connectionState === 'connecting'
    ? new HalibutError('ERR_CANCELLED_CONNECTING', 'The call was cancelled before its request was sent.', {
        details,
        cause,
      })
    : new HalibutError(
        'ERR_CANCELLED_TRANSFERRING',
        'The call was cancelled after its request began to be sent. The method may have run.',
        { details, cause },
      )
}

function timedOut(connectionState: ConnectionState, timeoutMs: number): HalibutError {
  return new HalibutError('ERR_TIMEOUT', `The call did not end within ${timeoutMs} ms.`, {
    details: { connectionState, timeoutMs },
  })
}
