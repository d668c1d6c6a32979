import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as bson from 'bson'
import fc from 'fast-check'
import { readBson } from './bson-reader.ts'
import { BsonBinary, BsonDate, BsonDocument, BsonDouble, type BsonValue } from './bson-value.ts'
import { BsonWriter, type MemberName, reservedBytes } from './bson-writer.ts'

/** A value that both this codec and the `bson` package know. */
type Sample =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'int32' | 'double' | 'date'; readonly value: number }
  | { readonly kind: 'int64'; readonly value: bigint }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'document'; readonly members: readonly (readonly [string, Sample])[] }
  | { readonly kind: 'array'; readonly items: readonly Sample[] }

const names = fc.stringMatching(/^[A-Za-z0-9$_žé]{0,12}$/)
const { tree } = fc.letrec<{ tree: Sample; leaf: Sample }>(tie => ({
  leaf: fc.oneof(
    fc.record({
      kind: fc.constant('string' as const),
      value: fc.string({ unit: 'grapheme', maxLength: 60 }),
    }),
    fc.record({ kind: fc.constant('int32' as const), value: fc.integer() }),
    fc.record({ kind: fc.constant('double' as const), value: fc.double({ noNaN: true }) }),
    fc.record({
      kind: fc.constant('date' as const),
      value: fc.integer({ min: -62_135_596_800_000, max: 8_000_000_000_000 }),
    }),
    fc.record({
      kind: fc.constant('int64' as const),
      value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    }),
    fc.record({ kind: fc.constant('boolean' as const), value: fc.boolean() }),
    fc.record({ kind: fc.constant('nothing' as const) }),
    fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 40 }) }),
  ),
  tree: fc.oneof(
    { maxDepth: 4 },
    tie('leaf'),
    fc.record({ kind: fc.constant('array' as const), items: fc.array(tie('tree'), { maxLength: 5 }) }),
    fc.record({
      kind: fc.constant('document' as const),
      members: fc.uniqueArray(fc.tuple(names, tie('tree')), { maxLength: 5, selector: ([name]) => name }),
    }),
  ),
}))
const roots = fc.uniqueArray(fc.tuple(names, tree), { maxLength: 6, selector: ([name]) => name })

function write(out: BsonWriter, name: MemberName, sample: Sample): unknown {
  switch (sample.kind) {
    case 'nothing':
      return out.nothing(name)
    case 'document':
      out.openDocument(name)
      for (const [member, value] of sample.members) write(out, member, value)
      return out.close()
    case 'array':
      out.openArray(name)
      for (const [index, item] of sample.items.entries()) write(out, index, item)
      return out.close()
    case 'string':
      return out.string(name, sample.value)
    case 'boolean':
      return out.boolean(name, sample.value)
    case 'bytes':
      return out.bytes(name, sample.value)
    case 'int64':
      return out.int64(name, sample.value)
    default:
      return out[sample.kind](name, sample.value)
  }
}

function toReference(sample: Sample): unknown {
  switch (sample.kind) {
    case 'nothing':
      return null
    case 'document':
      return new Map(sample.members.map(([name, value]) => [name, toReference(value)]))
    case 'array':
      return sample.items.map(toReference)
    case 'int32':
      return new bson.Int32(sample.value)
    case 'double':
      return new bson.Double(sample.value)
    case 'date':
      return new Date(sample.value)
    case 'int64':
      return bson.Long.fromBigInt(sample.value)
    case 'bytes':
      return new bson.Binary(sample.value, 0)
    default:
      return sample.value
  }
}

/** What the reader should give for a sample. */
function toValue(sample: Sample): BsonValue {
  switch (sample.kind) {
    case 'nothing':
      return null
    case 'document':
      return toDocument(sample.members)
    case 'array':
      return sample.items.map(toValue)
    case 'double':
      return new BsonDouble(sample.value)
    case 'date':
      return new BsonDate(sample.value)
    case 'int64':
      return Number.isSafeInteger(Number(sample.value)) ? Number(sample.value) : sample.value
    case 'bytes':
      return new BsonBinary(0, Buffer.from(sample.value))
    default:
      return sample.value
  }
}

function toDocument(members: readonly (readonly [string, Sample])[]): BsonDocument {
  return new BsonDocument(
    members.map(([name]) => name),
    members.map(([, value]) => toValue(value)),
  )
}

test('halibut 14.16: documents are written as the bson package writes them, and read back', () => {
  fc.assert(
    fc.property(roots, members => {
      const out = new BsonWriter()
      for (const [name, value] of members) write(out, name, value)
      const written = out.finish().subarray(reservedBytes)
      const reference = bson.serialize(new Map(members.map(([name, value]) => [name, toReference(value)])), {
        ignoreUndefined: false,
      })
      assert.equal(written.toString('hex'), Buffer.from(reference).toString('hex'))
      assert.deepEqual(readBson(written), toDocument(members))
    }),
    { numRuns: 300 },
  )
})

test('a damaged document is refused with an offset, never read wrongly beyond its end', () => {
  const out = new BsonWriter()
  out.string('name', 'value')
  out.openArray('list')
  out.int32('0', 5)
  out.guid('1', '00112233-4455-6677-8899-aabbccddeeff')
  out.close()
  const whole = out.finish().subarray(reservedBytes)
  for (let size = 0; size < whole.length; size++) {
    assert.throws(() => readBson(whole.subarray(0, size)), { code: 'ERR_PROTOCOL' })
  }
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const damaged = Buffer.from(whole)
      damaged[at] = byte
      try {
        readBson(damaged)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ERR_PROTOCOL')
      }
    }),
  )
})

test('halibut 13.12, 14.8: a GUID is binary of subtype 4 in .NET order', () => {
  const out = new BsonWriter()
  out.guid('id', '00112233-4455-6677-8899-aabbccddeeff')
  const hex = out.finish().subarray(reservedBytes).toString('hex')
  assert.match(hex, /05696400100000000433221100554477668899aabbccddeeff00$/)
})

test('of members with the same name the last one counts', () => {
  const out = new BsonWriter()
  out.string('$id', '1')
  out.string('$type', 'first')
  out.int32('a', 1)
  out.int32('A', 2)
  out.string('$type', 'last')
  out.int32('a', 3)
  const document = readBson(out.finish().subarray(reservedBytes))
  assert.equal(document.get('a'), 3)
  assert.equal(document.get('A'), 2)
  assert.equal(document.typeText, 'last')
  assert.deepEqual(
    [...document.members],
    [
      ['$id', '1'],
      ['$type', 'last'],
      ['a', 3],
      ['A', 2],
    ],
  )
})

test('names are told apart whatever came before them', () => {
  const names = Array.from({ length: 2000 }, (_, index) => `${index % 3 === 0 ? 'ž' : 'n'}${index}`)
  for (let round = 0; round < 2; round++) {
    const out = new BsonWriter()
    for (const name of names) out.string(name, name)
    const document = readBson(out.finish().subarray(reservedBytes))
    assert.deepEqual(document.names, names)
    assert.deepEqual(document.values, names)
  }
})

test('elements of an array are named by their index in digits', () => {
  const out = new BsonWriter()
  out.openArray('a')
  for (const index of [0, 9, 10, 99, 100, 1234567890, 2 ** 32 - 2]) out.boolean(index, true)
  out.close()
  const text = out.finish().subarray(reservedBytes).toString('latin1')
  const found = text.split('\b').flatMap(part => part.match(/^\d+(?=\0)/) ?? []) // 8 is the type of a boolean
  assert.deepEqual(found, ['0', '9', '10', '99', '100', '1234567890', '4294967294'])
})

test('numbers that do not fit are refused, not cut off', () => {
  for (const value of [2 ** 31, -(2 ** 31) - 1, 1.5, Number.NaN])
    assert.throws(() => new BsonWriter().int32('a', value), RangeError)
  for (const value of [2 ** 63, -(2 ** 63) * 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => new BsonWriter().int64('a', value), RangeError)
})

test('a message of more values than the memory should hold is refused while it is read', () => {
  const out = new BsonWriter()
  out.openArray('a')
  for (let i = 0; i < 9; i++) out.nothing(i)
  out.close()
  const bytes = out.finish().subarray(reservedBytes)
  assert.ok(readBson(bytes, 64, 10))
  assert.throws(() => readBson(bytes, 64, 9), { code: 'ERR_MESSAGE_TOO_LARGE' })
})

test('documents inside each other deeper than .NET reads them are refused', () => {
  const nested = (depth: number) => {
    const out = new BsonWriter()
    for (let i = 1; i < depth; i++) out.openDocument('a')
    for (let i = 1; i < depth; i++) out.close()
    return out.finish().subarray(reservedBytes)
  }
  assert.ok(readBson(nested(64)))
  assert.throws(() => readBson(nested(65)), { code: 'ERR_PROTOCOL' })
})

test('a text of any size is written, beyond what a writer starts with', () => {
  const out = new BsonWriter()
  const text = 'ž'.repeat(200_000)
  out.string('a', text)
  out.string('b', 'after')
  const document = readBson(out.finish().subarray(reservedBytes))
  assert.equal(document.get('a'), text)
  assert.equal(document.get('B'), 'after')
})
