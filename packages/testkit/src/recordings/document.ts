import { deflateRawSync } from 'node:zlib'
import { deserialize, EJSON, serialize } from 'bson'

/** A BSON document as canonical extended JSON: `{"$numberInt":"5"}` and so on, so that no type is lost. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json }

/** BSON to canonical extended JSON. Written on MongoDB's library, so it shares no line with what it tests. */
export function decodeDocument(bson: Uint8Array): Json {
  const document = deserialize(bson, { promoteValues: false, promoteLongs: false, promoteBuffers: false })
  return JSON.parse(EJSON.stringify(document, { relaxed: false }))
}

/** Canonical extended JSON to BSON: members in the order that they have, types as they are named. */
export function encodeDocument(json: Json): Buffer {
  return Buffer.from(serialize(EJSON.deserialize(asObject(json), { relaxed: false })))
}

/** The message as it goes over the wire: raw deflate of its BSON. */
export function frameOf(json: Json): Buffer {
  return deflateRawSync(encodeDocument(json))
}

export function asObject(json: Json | undefined): { [name: string]: Json } {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) {
    throw new TypeError(`Expected an object, not ${JSON.stringify(json)?.slice(0, 100)}`)
  }
  return json
}

/** `Message` of an envelope; null for the null request. */
export function messageOf(document: Json): { [name: string]: Json } | null {
  const { Message } = asObject(document)
  return Message === null ? null : asObject(Message)
}

export function isRequest(message: { [name: string]: Json }): boolean {
  return 'method' in message
}

/** The ids of the data streams in a document, as base64 and in its order. */
export function streamIdsIn(json: Json): string[] {
  if (json === null || typeof json !== 'object') return []
  if (Array.isArray(json)) return json.flatMap(streamIdsIn)
  if ('id' in json && 'length' in json) return [String(asObject(asObject(json.id).$binary).base64)]
  return Object.values(json).flatMap(streamIdsIn)
}

/** The same envelope with another id, as the answer to a request that has its own. */
export function withId(document: Json, id: Json): Json {
  return { Message: { ...asObject(asObject(document).Message), id } }
}

/**
 * How much the same document may differ between its two writers: `dotnet` for one of .NET and one of ours, `own` for
 * two of ours.
 */
export type Tolerance = 'dotnet' | 'own'

/**
 * The document without what differs from run to run and means nothing: the GUIDs of requests and data streams, the
 * endpoint's address and thumbprint. Between .NET and us also the rest of a request's id, the stack trace of an error,
 * and which assembly of .NET the base library's types are said to be in. Order of members, BSON types and everything
 * else stay, so two results that are equal as text mean the same to every reader.
 */
export function comparable(document: Json, tolerance: Tolerance = 'dotnet'): Json {
  const message = messageOf(document)
  if (message === null) return document
  const id = tolerance === 'own' ? withoutGuid(message.id) : '<id>'
  return { Message: comparableObject(isRequest(message) ? { ...message, id } : message, tolerance) }
}

function withoutGuid(id: Json | undefined): string {
  return String(id).replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, '<guid>')
}

function comparableObject(object: { [name: string]: Json }, tolerance: Tolerance): Json {
  const result: { [name: string]: Json } = {}
  const isStream = 'id' in object && 'length' in object
  for (const [name, value] of Object.entries(object)) {
    if (name === 'activityId' || (isStream && name === 'id')) result[name] = withoutBytes(value)
    else if (name === 'BaseUri' && typeof value === 'string')
      result[name] = value.replace(/:\d+\/$/, ':<port>/')
    else if (name === 'RemoteThumbprint' && typeof value === 'string') result[name] = '<thumbprint>'
    else if (tolerance === 'own') result[name] = comparableValue(value, tolerance)
    else if (name === '$type' && typeof value === 'string')
      result[name] = value.replaceAll('System.Private.CoreLib', 'mscorlib')
    else if (name === 'error' && value !== null) result[name] = comparableError(asObject(value))
    else result[name] = comparableValue(value, tolerance)
  }
  return result
}

function comparableValue(value: Json, tolerance: Tolerance): Json {
  if (Array.isArray(value)) return value.map(item => comparableValue(item, tolerance))
  return value !== null && typeof value === 'object' ? comparableObject(value, tolerance) : value
}

/** A binary value whose 16 bytes are random; the subtype stays. */
function withoutBytes(value: Json): Json {
  const binary = asObject(asObject(value).$binary)
  return { $binary: { ...binary, base64: `<${Buffer.from(String(binary.base64), 'base64').length} bytes>` } }
}

/**
 * Of an error: the first line of the message up to where .NET prints method signatures, what `details` begins with (the
 * caller decides by it whether the service threw), and the type. Class names differ: `EchoService` there, the
 * interface's name here.
 */
function comparableError(error: { [name: string]: Json }): Json {
  const result: { [name: string]: Json } = {}
  for (const [name, value] of Object.entries(error)) {
    if (typeof value !== 'string') result[name] = value
    else if (name === 'message') result[name] = firstSentence(value)
    else if (name === 'details') result[name] = firstSentence(value).replace(/ ---> .*/, '')
    else result[name] = value
  }
  return result
}

function firstSentence(text: string): string {
  const [line = ''] = text.split(/\r?\n/, 1)
  return line.replace(/ The matches were:.*/, '').replace(/Method [\w.]+::/, 'Method <class>::')
}
