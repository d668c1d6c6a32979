import { callFailed, exchange, type OutgoingCall } from '../client/outgoing-call.ts'
import { HalibutError } from '../errors.ts'
import type { Connection } from '../exchange/connection.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import type { Thumbprint } from '../tls/thumbprint.ts'
import { mayCollect } from '../tls/trust.ts'

/** A call that waits for a poller, or is with one. */
export interface QueuedCall {
  readonly call: OutgoingCall
  /** Only a poller with this certificate may have it; undefined: any may. */
  readonly expected: Thumbprint | undefined
  readonly settle: (outcome: () => unknown) => void
}

interface WaitingPoller {
  readonly thumbprint: Thumbprint
  readonly give: (item: QueuedCall) => void
}

/**
 * The calls for one subscription, first in, first out (docs/wire/halibut.md, "Queue"). Each goes to exactly one
 * poller. A poller that went away while it waited gets nothing: its connection is watched all the time.
 */
export class RequestQueue {
  readonly #subscription: string
  readonly #limits: HalibutLimits
  #calls: QueuedCall[] = []
  readonly #pollers = new Set<WaitingPoller>()

  constructor(subscription: string, limits: HalibutLimits) {
    this.#subscription = subscription
    this.#limits = limits
  }

  /** Whether nobody waits here, on either side. */
  get isIdle(): boolean {
    return this.#calls.length === 0 && this.#pollers.size === 0
  }

  /** Queues a call and waits for its answer. @param queueTimeoutMs how long it may wait for a poller */
  async call(call: OutgoingCall, expected: Thumbprint | undefined, queueTimeoutMs: number): Promise<unknown> {
    if (this.#calls.length >= this.#limits.maximumQueuedRequestsPerSubscription)
      throw queueFull(this.#subscription, this.#calls.length)
    const answer = Promise.withResolvers<unknown>()
    const item: QueuedCall = {
      call,
      expected,
      settle(outcome) {
        try {
          answer.resolve(outcome())
        } catch (error) {
          answer.reject(error)
        }
      },
    }
    const timer = setTimeout(() => {
      if (this.#takeBack(item)) answer.reject(notCollected(call, queueTimeoutMs))
    }, queueTimeoutMs)
    const stopListening = call.cancellation.onCancel(() => {
      if (this.#takeBack(item)) answer.reject(call.cancellation.error('connecting'))
    })
    this.#offer(item, 'last')
    try {
      return await answer.promise
    } finally {
      clearTimeout(timer)
      stopListening()
    }
  }

  /**
   * Waits for a call that a poller may have.
   *
   * @returns undefined when there was none for `waitMs`, or the poller's connection was disturbed meanwhile
   */
  next(thumbprint: Thumbprint, connection: Connection, waitMs: number): Promise<QueuedCall | undefined> {
    // Whatever a poller says now, it is not waiting any more.
    if (connection.source.failure || connection.source.available > 0) return Promise.resolve(undefined)
    const index = this.#calls.findIndex(({ expected }) => mayCollect(thumbprint, expected))
    const [ready] = index < 0 ? [] : this.#calls.splice(index, 1)
    if (ready) return Promise.resolve(ready)
    return new Promise(resolve => {
      const finish = (item?: QueuedCall) => {
        clearTimeout(timer)
        this.#pollers.delete(poller)
        stopWatching()
        resolve(item)
      }
      const poller: WaitingPoller = { thumbprint, give: finish }
      const timer = setTimeout(finish, waitMs)
      this.#pollers.add(poller)
      const stopWatching = connection.source.onDisturbance(finish)
    })
  }

  /** Does a call over the poller's connection. Fails, after telling the caller, when the connection is of no use any more. */
  async exchange(item: QueuedCall, connection: Connection): Promise<void> {
    const { call, settle } = item
    const lost = connection.source.failure
    if (lost) {
      // Not a byte was written: another poller may have it, before all others.
      this.#offer(item, 'first')
      throw lost
    }
    const { cancellation } = call
    const stopListening = cancellation.onCancel(() => connection.hangUp(cancellation.error('unknown')))
    try {
      const answer = await exchange(connection, call, this.#limits.tcpClientReceiveResponseTimeoutMs)
      settle(() => {
        if (answer.kind === 'error') throw answer.error
        return answer.value
      })
    } catch (error) {
      settle(() => {
        if (cancellation.isCancelled) throw cancellation.error('unknown')
        throw callFailed(call, error, 'unknown')
      })
      throw error
    } finally {
      stopListening()
    }
  }

  #offer(item: QueuedCall, place: 'first' | 'last'): void {
    const { cancellation } = item.call
    if (cancellation.isCancelled) {
      item.settle(() => {
        throw cancellation.error('connecting')
      })
      return
    }
    for (const poller of this.#pollers) {
      if (!mayCollect(poller.thumbprint, item.expected)) continue
      poller.give(item)
      return
    }
    if (place === 'first') this.#calls.unshift(item)
    else this.#calls.push(item)
  }

  #takeBack(item: QueuedCall): boolean {
    const index = this.#calls.indexOf(item)
    if (index >= 0) this.#calls.splice(index, 1)
    return index >= 0
  }
}

function notCollected({ service, method, endpoint }: OutgoingCall, timeoutMs: number): HalibutError {
  return new HalibutError(
    'ERR_NOT_COLLECTED',
    `${service}.${method} for ${endpoint} was not collected within ${timeoutMs} ms: no service polls for it, or all that do are busy.`,
    { details: { connectionState: 'connecting', timeoutMs } },
  )
}

function queueFull(subscription: string, size: number): HalibutError {
  return new HalibutError(
    'ERR_QUEUE_FULL',
    `${size} calls wait for ${subscription} already. Try again when its services have caught up.`,
    {
      details: { connectionState: 'connecting' },
    },
  )
}
