import type { Guid } from '../bytes/guid.ts'
import type { AnyCodec, WriteContext } from '../contract/codec.ts'
import type { DataStream } from '../contract/data-stream.ts'
import { HalibutError } from '../errors.ts'
import { BsonDocument, type BsonValue, describeBson } from '../frame/bson-value.ts'
import { BsonWriter, type PackedPart, reservedBytes } from '../frame/bson-writer.ts'
import { hasMessageType } from './message-type.ts'

/** The `$type` of every request. */
export const requestType = 'Halibut.Transport.Protocol.RequestMessage, Halibut'

/** A message that is ready to be framed, and the streams that follow it. */
export interface EncodedMessage {
  /** From {@link BsonWriter.finish}. */
  readonly reserved: Buffer
  /** From {@link BsonWriter.packed}. */
  readonly packed: readonly PackedPart[]
  readonly streams: readonly DataStream[]
}

/** What a request says besides its arguments. */
export interface RequestHead {
  /** Echoed by the response. */
  readonly id: string
  readonly activityId: Guid
  /** From `encodeEndpoint`. */
  readonly endpoint: Buffer
  readonly service: string
  readonly method: string
}

/** @throws TypeError for an argument that its parameter cannot hold */
export function encodeRequest(
  head: RequestHead,
  parameters: readonly AnyCodec[],
  values: readonly unknown[],
): EncodedMessage {
  const context: WriteContext = { streams: [] }
  const out = new BsonWriter()
  out.openDocument('Message')
  out.string('$type', requestType)
  out.string('id', head.id)
  out.guid('activityId', head.activityId)
  out.rawDocument('endpoint', head.endpoint)
  out.string('service', head.service)
  out.string('method', head.method)
  writeArguments(out, parameters, values, context)
  out.close()
  return { reserved: out.finish(), packed: out.packed, streams: context.streams }
}

function writeArguments(
  out: BsonWriter,
  parameters: readonly AnyCodec[],
  values: readonly unknown[],
  context: WriteContext,
): void {
  out.openArray('params')
  for (let i = 0; i < parameters.length; i++) parameters[i]?.writeTagged(out, i, values[i], context)
  out.close()
}

/**
 * The bytes of the arguments alone: equal for calls that ask for the same thing.
 *
 * @throws TypeError for an argument that its parameter cannot hold, or that is a data stream
 */
export function encodeArguments(parameters: readonly AnyCodec[], values: readonly unknown[]): Buffer {
  const context: WriteContext = { streams: [] }
  const out = new BsonWriter()
  writeArguments(out, parameters, values, context)
  if (context.streams.length > 0)
    throw new TypeError('A call with a data stream cannot be answered from a cache.')
  if (out.packed.length > 0) throw new TypeError('A call with a packed list cannot be answered from a cache.')
  return out.finish().subarray(reservedBytes)
}

/** A request as it arrived: the arguments are decoded once the method is known. */
export interface IncomingRequest {
  readonly id: string
  readonly service: string
  readonly method: string
  readonly params: readonly BsonValue[]
}

/**
 * Takes a request message apart.
 *
 * @returns null for the message that says there is no request
 * @throws HalibutError `ERR_PROTOCOL` for documents that are no request
 */
export function decodeRequest(document: BsonDocument): IncomingRequest | null {
  const message = document.get('Message')
  if (message === null) return null
  if (!(message instanceof BsonDocument)) throw notARequest(`Message is ${describeBson(message)}`)
  if (!hasMessageType(message, requestType)) throw notARequest(`it is a ${message.typeText}`)
  const params = message.get('params') ?? null
  if (params !== null && !Array.isArray(params)) throw notARequest(`params is ${describeBson(params)}`)
  return {
    id: textOf(message, 'id'),
    service: textOf(message, 'service'),
    method: textOf(message, 'method'),
    params: params ?? [],
  }
}

function textOf(message: BsonDocument, name: string): string {
  const value = message.get(name)
  if (typeof value !== 'string') throw notARequest(`${name} is ${describeBson(value)}`)
  return value
}

function notARequest(problem: string): HalibutError {
  return new HalibutError('ERR_PROTOCOL', `A request was awaited, but this message is none: ${problem}.`)
}
