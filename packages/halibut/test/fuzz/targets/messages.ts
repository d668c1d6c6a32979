import assert from 'node:assert/strict'
import type { AnyCodec } from '../../../src/contract/codec.ts'
import { DataStream } from '../../../src/contract/data-stream.ts'
import type { HalibutErrorCode } from '../../../src/errors.ts'
import { readBson } from '../../../src/frame/bson-reader.ts'
import type { BsonDocument, BsonValue } from '../../../src/frame/bson-value.ts'
import { reservedBytes } from '../../../src/frame/bson-writer.ts'
import { host } from '../../../src/index.ts'
import { decodeRequest } from '../../../src/messages/request.ts'
import { decodeResponse, encodeError, encodeResult } from '../../../src/messages/response.ts'
import { toCallerError } from '../../../src/messages/server-error.ts'
import { Dispatcher } from '../../../src/services/dispatcher.ts'
import { mutateBson } from '../bson-mutations.ts'
import { documentOf, requestFor, responseFor } from '../conversation.ts'
import { allCodecs, FuzzService, methodKeys } from '../realistic-contract.ts'
import { recordedDocuments } from '../recorded-seeds.ts'
import { attempt, type FuzzTarget, refusing } from '../target.ts'

const refusals: readonly HalibutErrorCode[] = ['ERR_PROTOCOL', 'ERR_UNKNOWN_TYPE']

const unused = () => {
  throw new Error('No method is run here.')
}
const dispatcher = new Dispatcher([
  host(FuzzService, {
    sayHello: unused,
    startScript: unused,
    getStatus: unused,
    upload: unused,
    download: unused,
    everything: unused,
    addLong: unused,
    addDouble: unused,
    pairs: unused,
    nothing: unused,
  }),
])

/** Two values are the same when this is equal: data streams by what a message says of them, zeros without sign. */
function comparable(value: unknown): unknown {
  if (value instanceof DataStream) return { id: value.id, length: value.length }
  if (value instanceof Date) return { date: value.getTime() }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (value instanceof Map) return [...value].map(comparable)
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value === 'number') return value + 0
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value).map(([key, item]) => [key, comparable(item)])
}

/** What was read can be written, and then reads back equal. Undefined when the codec does not read the value. */
async function readBack(codec: AnyCodec, value: BsonValue): Promise<boolean> {
  const streams: DataStream[] = []
  const read = await attempt(refusals, () => codec.read(value, { streams }))
  await refusing(refusals, () => void codec.fit(value))
  if (!read) return false
  for (const stream of streams) DataStream.deliver(stream, { kind: 'memory', bytes: new Uint8Array(0) })
  const written = encodeResult('id', codec, read.value)
  assert.deepEqual(written.streams.map(comparable), streams.map(comparable))
  const again = decodeResponse(readBson(written.reserved.subarray(reservedBytes)))
  assert.deepEqual(comparable(codec.read(again.result, { streams: [] })), comparable(read.value))
  return true
}

async function readAsRequest(document: BsonDocument): Promise<boolean> {
  const request = await attempt(refusals, () => decodeRequest(document))
  if (!request?.value) return request !== undefined
  const { params } = request.value
  const plan = await attempt(refusals, () => dispatcher.plan(request.value ?? unused()))
  for (const param of params.slice(0, 3)) for (const codec of allCodecs) await readBack(codec, param)
  return plan !== undefined
}

async function readAsResponse(document: BsonDocument): Promise<boolean> {
  const response = await attempt(refusals, () => decodeResponse(document))
  if (!response) return false
  const { error, result } = response.value
  if (error) {
    assert.ok(toCallerError(error).details.connectionState)
    const again = decodeResponse(readBson(encodeError('id', error).reserved.subarray(reservedBytes)))
    assert.deepEqual(again.error, error)
    return true
  }
  let isRead = false
  for (const codec of allCodecs) isRead = (await readBack(codec, result)) || isRead
  return isRead
}

export const messages: FuzzTarget = {
  name: 'messages',
  about: 'requests and responses, with the codecs of a realistic contract',
  testInputs: 200,
  maximumBytes: 32 * 1024,
  seeds: () => [
    ...recordedDocuments(8),
    ...methodKeys.flatMap(key => [requestFor(key, 'id'), responseFor(key, 'id')]).map(documentOf),
    documentOf(encodeError('id', { message: 'm', details: 'd', errorType: 'e' })),
  ],
  mutators: [mutateBson],
  async run(input) {
    const document = await attempt(['ERR_PROTOCOL'], () => readBson(Buffer.from(input)))
    if (!document) return 'refused'
    const asRequest = await readAsRequest(document.value)
    const asResponse = await readAsResponse(document.value)
    return asRequest || asResponse ? 'accepted' : 'refused'
  },
}
