import type { AnyCodec, ReadContext } from '../contract/codec.ts'
import type { DataStream } from '../contract/data-stream.ts'
import type { CallOptions } from '../contract/service-contract.ts'
import { type ConnectionState, HalibutError, toError } from '../errors.ts'
import type { Connection } from '../exchange/connection.ts'
import type { IncomingStreams } from '../exchange/incoming-streams.ts'
import type { EncodedMessage } from '../messages/request.ts'
import { decodeResponse } from '../messages/response.ts'
import { toCallerError } from '../messages/server-error.ts'
import type { CallInfo } from '../runtime/halibut.ts'
import { skimValues } from '../services/type-tags.ts'
import type { Cancellation } from './cancellation.ts'

/** A call that is ready to be sent. */
export interface OutgoingCall extends CallInfo {
  readonly message: EncodedMessage
  readonly result: AnyCodec | 'void'
  readonly cancellation: Cancellation
  readonly receiveStream: CallOptions['receiveStream']
}

/** What the other side answered. An error response is an answer too: the connection stays good. */
export type Answer =
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: HalibutError }

/**
 * Sends a request and reads its response, with the streams of both. When this fails the connection is at an unknown
 * place and must be cut.
 *
 * @param responseTimeoutMs until the first byte of the response: how long the method may run
 */
export async function exchange(
  connection: Connection,
  call: OutgoingCall,
  responseTimeoutMs: number,
): Promise<Answer> {
  await connection.send(call.message)
  const document = await connection.receive(responseTimeoutMs)
  if (!document) throw new HalibutError('ERR_PROTOCOL', 'The service said END where a response belongs.')
  const response = decodeResponse(document)
  if (response.id !== call.id) {
    throw new HalibutError(
      'ERR_PROTOCOL',
      `The service answered another request than it was sent: ${response.id}.`,
    )
  }
  if (response.error) return { kind: 'error', error: toCallerError(response.error) }
  const context: ReadContext = { streams: [] }
  let value: unknown
  if (call.result === 'void') context.streams.push(...skimValues([response.result], []))
  else value = call.result.read(response.result, context)
  const { receiveStream } = call
  if (receiveStream) await receiveLive(connection.incoming(context.streams), context.streams, receiveStream)
  else await connection.receiveStreams(context.streams)
  return { kind: 'result', value }
}

async function receiveLive(
  incoming: IncomingStreams,
  streams: readonly DataStream[],
  receive: (stream: DataStream) => Promise<unknown>,
): Promise<void> {
  incoming.goLive()
  try {
    for (const stream of streams) await receive(stream).catch(notReceived)
    await incoming.finish()
  } finally {
    await incoming.dispose()
  }
}

/** A broken connection is told as what it is; anything else is the receiver's own trouble. */
function notReceived(thrown: unknown): never {
  if (thrown instanceof HalibutError) throw thrown
  const cause = toError(thrown)
  throw new HalibutError(
    'ERR_STREAM_STORE',
    `A data stream of the result could not be received: ${cause.message}`,
    { cause },
  )
}

/** What a caller is told about a call that failed on this side: which call, how far it came, and why. */
export function callFailed(call: CallInfo, thrown: unknown, state: ConnectionState): HalibutError {
  const cause = toError(thrown)
  const when = state === 'connecting' ? 'before its request was sent' : 'after its request began to be sent'
  const { code, details } =
    cause instanceof HalibutError ? cause : { code: 'ERR_CONNECTION_LOST' as const, details: {} }
  return new HalibutError(
    code,
    `${call.service}.${call.method} at ${call.endpoint} failed ${when}: ${cause.message}`,
    {
      cause,
      details: { ...details, connectionState: state },
    },
  )
}
