import { decodeRequest } from '../messages/request.ts'
import type { Activity } from '../runtime/activity.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import { answerRequest } from '../services/answer-request.ts'
import type { Dispatcher } from '../services/dispatcher.ts'
import type { Guest } from './incoming.ts'

/** What it takes to answer requests. */
export interface ServingParts {
  readonly limits: HalibutLimits
  readonly dispatcher: Dispatcher
  readonly activity: Activity
  /** Set when no further request may be begun. */
  readonly isStopping: () => boolean
}

/**
 * The conversation with a client: requests and responses, until it says `END` or hangs up
 * (docs/wire/halibut.md, "Conversations").
 */
export async function serveClient(
  guest: Guest,
  { limits, dispatcher, activity, isStopping }: ServingParts,
): Promise<void> {
  const { connection, thumbprint, info } = guest
  await connection.acknowledge()
  do {
    const document = await connection.receive(limits.tcpListeningNextRequestIdleTimeoutMs)
    const request = document && decodeRequest(document)
    // A client with nothing to ask has no business here.
    if (!request) return
    await activity.during(() =>
      answerRequest(connection, request, dispatcher, { thumbprint, remoteAddress: info.remoteAddress }),
    )
  } while (!isStopping() && (await connection.proceedWhenCalled()))
}
