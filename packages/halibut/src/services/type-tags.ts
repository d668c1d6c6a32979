import { type AnyCodec, unknownType } from '../contract/codec.ts'
import type { DataStream } from '../contract/data-stream.ts'
import { dataStream, toExpectedStream } from '../contract/records.ts'
import type { ServiceContract } from '../contract/service-contract.ts'
import { parseTypeName } from '../contract/type-name.ts'
import { BsonDocument, type BsonValue } from '../frame/bson-value.ts'

/**
 * Reads over values that no method will get, as far as a connection needs: which data streams follow, and whether
 * every `$type` is one of the contracts'. A type that is not ends the connection, as with .NET
 * (docs/wire/halibut.md, "Type names").
 */
export function skimValues(
  values: readonly BsonValue[],
  contracts: readonly ServiceContract[],
): DataStream[] {
  const known = contracts.flatMap(({ methods }) =>
    Object.values(methods).flatMap(({ parameters, result }) =>
      result === 'void' ? parameters : [...parameters, result],
    ),
  )
  const streams: DataStream[] = []
  for (const value of values) skim(value, known, streams)
  return streams
}

function skim(value: BsonValue, known: readonly AnyCodec[], streams: DataStream[]): void {
  if (Array.isArray(value)) {
    for (const item of value) skim(item, known, streams)
    return
  }
  if (!(value instanceof BsonDocument)) return
  const text = value.typeText
  if (text !== undefined) {
    const type = parseTypeName(text)
    const isStream = dataStream.accepts(type)
    if (!isStream && !known.some(codec => codec.accepts(type))) throw unknownType(text, 'an argument')
  }
  const stream = isStreamShaped(value) ? toExpectedStream(value) : undefined
  if (stream) streams.push(stream)
  else for (const member of value.members.values()) skim(member, known, streams)
}

/** A data stream has its id and length and nothing else, in members that are declared as one without `$type`. */
function isStreamShaped({ names }: BsonDocument): boolean {
  return names.every(name => name === '$type' || name === 'id' || name === 'length')
}
