import { toError } from '../errors.ts'
import type { Guest } from '../listening/incoming.ts'
import type { HalibutLogEntry, HalibutOptions } from '../runtime/halibut.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import { normalizeSubscription } from '../transport/endpoint.ts'
import type { Queues } from './queues.ts'

/** What it takes to give work to polling services. */
export interface SubscriberParts {
  readonly limits: HalibutLimits
  readonly queues: Queues
  readonly options: HalibutOptions
  readonly log: (entry: HalibutLogEntry) => void
}

/**
 * The conversation with a service that polls: one call after another from the queue of its subscription, and a word
 * every 30 s when there is none (docs/wire/halibut.md, "Conversations").
 */
export async function serveSubscriber(
  guest: Guest,
  requested: string,
  parts: SubscriberParts,
): Promise<void> {
  const { thumbprint, info } = guest
  const { queues, options, log } = parts
  const subscription = normalizeSubscription(requested)
  const refuse = (reason: string) =>
    log({
      level: 'warn',
      endpoint: subscription,
      message: `${info.remoteAddress} may not poll ${subscription}: ${reason}.`,
    })

  if (options.authorizeSubscription?.(subscription, thumbprint) === false) {
    refuse(`the certificate ${thumbprint} does not belong to it`)
    return
  }
  const leave = queues.enter(subscription)
  if (!leave) {
    refuse('it has as many connections as are allowed')
    return
  }
  try {
    await guest.connection.acknowledge()
    options.observer?.subscriberConnected?.(subscription, thumbprint)
    try {
      await giveWork(guest, subscription, parts)
    } finally {
      options.observer?.subscriberDisconnected?.(subscription, thumbprint)
    }
  } finally {
    leave()
  }
}

async function giveWork(
  { connection, thumbprint }: Guest,
  subscription: string,
  { queues, limits, log }: SubscriberParts,
): Promise<void> {
  const queue = queues.of(subscription)
  do {
    const item = await queue.next(thumbprint, connection, limits.pollingQueueWaitTimeoutMs)
    if (item) {
      await queue.exchange(item, connection)
    } else {
      if (connection.source.failure || connection.source.available > 0) {
        log({
          level: 'debug',
          endpoint: subscription,
          message: `A poller left: ${toError(connection.source.failure ?? 'it spoke out of turn').message}`,
        })
        return
      }
      await connection.sendNothing()
    }
  } while (await connection.proceed())
}
