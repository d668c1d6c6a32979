import assert from 'node:assert/strict'
import { readBson } from '../../../src/frame/bson-reader.ts'
import {
  BsonBinary,
  BsonDate,
  BsonDocument,
  BsonDouble,
  type BsonValue,
} from '../../../src/frame/bson-value.ts'
import { BsonWriter, type MemberName, reservedBytes } from '../../../src/frame/bson-writer.ts'
import { mutateBson } from '../bson-mutations.ts'
import { recordedDocuments } from '../recorded-seeds.ts'
import { attempt, type FuzzTarget } from '../target.ts'

function writeValue(out: BsonWriter, name: MemberName, value: BsonValue): void {
  if (value === null) out.nothing(name)
  else if (typeof value === 'string') out.string(name, value)
  else if (typeof value === 'boolean') out.boolean(name, value)
  else if (typeof value === 'bigint' || typeof value === 'number') out.int64(name, value)
  else if (value instanceof BsonDouble) out.double(name, value.value)
  else if (value instanceof BsonDate) out.date(name, value.epochMs)
  else if (value instanceof BsonBinary) out.bytes(name, value.bytes)
  else if (value instanceof BsonDocument) writeMembers(out, name, value)
  else {
    out.openArray(name)
    for (const [index, item] of value.entries()) writeValue(out, index, item)
    out.close()
  }
}

function writeMembers(out: BsonWriter, name: MemberName, { members }: BsonDocument): void {
  out.openDocument(name)
  for (const [key, value] of members) writeValue(out, key, value)
  out.close()
}

/** The writer knows two kinds of binary data, and dates that a Date can hold. */
function comparable(value: BsonValue): unknown {
  if (value instanceof BsonBinary) return { bytes: value.bytes.toString('hex') }
  if (value instanceof BsonDocument) return [...value.members].map(([name, item]) => [name, comparable(item)])
  return Array.isArray(value) ? value.map(comparable) : value
}

function hasFarDate(value: BsonValue): boolean {
  if (value instanceof BsonDate) return !Number.isSafeInteger(value.epochMs)
  if (value instanceof BsonDocument) return [...value.members.values()].some(hasFarDate)
  return Array.isArray(value) && value.some(hasFarDate)
}

export const bson: FuzzTarget = {
  name: 'bson',
  about: 'BSON documents',
  testInputs: 500,
  maximumBytes: 64 * 1024,
  seeds: () => [
    ...recordedDocuments(8),
    Buffer.from('0500000000', 'hex'),
    Buffer.from(
      '4f00000001640000000000000000f03f0e730002000000610006750008620001097400ffffffffffffff7f1269000000000000000080056200020000000401021061000200000004610008000000103000010000000000',
      'hex',
    ),
  ],
  mutators: [mutateBson],
  async run(input) {
    const document = await attempt(['ERR_PROTOCOL'], () => readBson(Buffer.from(input)))
    if (!document) return 'refused'
    if (hasFarDate(document.value)) return 'accepted'
    const out = new BsonWriter()
    // One level deeper than it was, which may be one too many.
    const inner = await attempt(['ERR_PROTOCOL'], () => {
      writeMembers(out, 'inner', document.value)
      return readBson(out.finish().subarray(reservedBytes))
    })
    if (inner) assert.deepEqual(comparable(inner.value.get('inner') ?? null), comparable(document.value))
    return 'accepted'
  },
}
