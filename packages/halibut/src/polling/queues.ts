import type { OutgoingCall } from '../client/outgoing-call.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import type { Thumbprint } from '../tls/thumbprint.ts'
import { RequestQueue } from './request-queue.ts'

/** The queues of a runtime: one for each subscription that somebody calls or polls. */
export class Queues {
  readonly #limits: HalibutLimits
  readonly #queues = new Map<string, RequestQueue>()
  readonly #pollers = new Map<string, number>()

  constructor(limits: HalibutLimits) {
    this.#limits = limits
  }

  /** @param subscription in normal form */
  of(subscription: string): RequestQueue {
    const queue = this.#queues.get(subscription) ?? new RequestQueue(subscription, this.#limits)
    this.#queues.set(subscription, queue)
    return queue
  }

  async call(
    subscription: string,
    call: OutgoingCall,
    expected: Thumbprint | undefined,
    queueTimeoutMs: number,
  ): Promise<unknown> {
    try {
      return await this.of(subscription).call(call, expected, queueTimeoutMs)
    } finally {
      this.#forget(subscription)
    }
  }

  /**
   * Counts a poller in.
   *
   * @returns what to call when it leaves, or undefined when there are as many as are allowed
   */
  enter(subscription: string): (() => void) | undefined {
    const count = this.#pollers.get(subscription) ?? 0
    const most = this.#limits.maximumActiveTcpConnectionsPerPollingSubscription
    if (most !== null && count >= most) return undefined
    this.#pollers.set(subscription, count + 1)
    return () => {
      const remaining = (this.#pollers.get(subscription) ?? 1) - 1
      if (remaining > 0) this.#pollers.set(subscription, remaining)
      else this.#pollers.delete(subscription)
      this.#forget(subscription)
    }
  }

  /** A queue that nobody needs is made again when somebody does. */
  #forget(subscription: string): void {
    if (!this.#pollers.has(subscription) && this.#queues.get(subscription)?.isIdle)
      this.#queues.delete(subscription)
  }
}
