import type { AnyCodec, WriteContext } from '../contract/codec.ts'
import { HalibutError } from '../errors.ts'
import { BsonDocument, type BsonValue, describeBson } from '../frame/bson-value.ts'
import { BsonWriter } from '../frame/bson-writer.ts'
import { hasMessageType } from './message-type.ts'
import type { EncodedMessage } from './request.ts'
import type { ServerError } from './server-error.ts'

/** The `$type` of every response. */
export const responseType = 'Halibut.Transport.Protocol.ResponseMessage, Halibut'

function openResponse(out: BsonWriter, id: string): void {
  out.openDocument('Message')
  out.string('$type', responseType)
  out.string('id', id)
}

/**
 * The response with what a method gave.
 *
 * @throws TypeError when the value is not one of the method's result type
 */
export function encodeResult(id: string, codec: AnyCodec | 'void', value: unknown): EncodedMessage {
  const context: WriteContext = { streams: [] }
  const out = new BsonWriter()
  openResponse(out, id)
  out.nothing('error')
  if (codec === 'void') out.nothing('result')
  else codec.writeTagged(out, 'result', value, context)
  out.close()
  return { reserved: out.finish(), packed: out.packed, streams: context.streams }
}

/** The response that says why there is no result. */
export function encodeError(id: string, { message, details, errorType }: ServerError): EncodedMessage {
  const out = new BsonWriter()
  openResponse(out, id)
  out.openDocument('error')
  out.string('message', message)
  if (details === undefined) out.nothing('details')
  else out.string('details', details)
  if (errorType === undefined) out.nothing('HalibutErrorType')
  else out.string('HalibutErrorType', errorType)
  out.close()
  out.nothing('result')
  out.close()
  return { reserved: out.finish(), packed: [], streams: [] }
}

/** A response as it arrived: the result is decoded by the method that it belongs to. */
export interface IncomingResponse {
  readonly id: string | undefined
  readonly error: ServerError | undefined
  readonly result: BsonValue
}

/** @throws HalibutError `ERR_PROTOCOL` for documents that are no response */
export function decodeResponse(document: BsonDocument): IncomingResponse {
  const message = document.get('Message')
  if (!(message instanceof BsonDocument)) throw notAResponse(`Message is ${describeBson(message)}`)
  if (!hasMessageType(message, responseType)) throw notAResponse(`it is a ${message.typeText}`)
  const id = message.get('id')
  const error = message.get('error') ?? null
  if (error !== null && !(error instanceof BsonDocument))
    throw notAResponse(`error is ${describeBson(error)}`)
  return {
    id: typeof id === 'string' ? id : undefined,
    error: error === null ? undefined : toServerError(error),
    result: message.get('result') ?? null,
  }
}

function toServerError(document: BsonDocument): ServerError {
  const text = (name: string) => {
    const value = document.get(name)
    return typeof value === 'string' ? value : undefined
  }
  return { message: text('message') ?? '', details: text('details'), errorType: text('HalibutErrorType') }
}

function notAResponse(problem: string): HalibutError {
  return new HalibutError('ERR_PROTOCOL', `A response was awaited, but this message is none: ${problem}.`)
}
