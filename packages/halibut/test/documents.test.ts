import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deserialize } from 'bson'
import type { Codec } from '../src/contract/codec.ts'
import { formatTypeName, parseTypeName } from '../src/contract/type-name.ts'
import { readBson } from '../src/frame/bson-reader.ts'
import { BsonDocument, BsonDouble } from '../src/frame/bson-value.ts'
import { BsonWriter, reservedBytes } from '../src/frame/bson-writer.ts'
import { DataStream, defineService, host, method, types, type ValueOf } from '../src/index.ts'
import { type Mode, pair } from './runtimes.ts'

const modes: readonly Mode[] = ['listening', 'polling']

function bytesOf<T>(codec: Codec<T>, value: T, form: 'write' | 'writeTagged' = 'write'): Buffer {
  const out = new BsonWriter()
  codec[form](out, 'v', value, { streams: [] })
  return out.finish().subarray(reservedBytes)
}

function again<T>(codec: Codec<T>, value: T): T {
  return codec.read(readBson(bytesOf(codec, value)).get('v'), { streams: [] })
}

/** The BSON type of the only member. */
const typeByte = (bytes: Buffer) => bytes[4]

const Kind = types.enumeration({ Small: 0, Large: 7 }, 'Tests.Kind, Tests')
const Pair = types.record({
  dotnet: 'Tests.ComplexPair`1[[Tests.Kind, Tests]], Tests',
  fields: { kind: Kind, text: types.text },
})
const Child = types.record({
  dotnet: 'Tests.Child, Tests',
  fields: {
    names: types.dictionary(types.guid, types.text),
    pairs: types.set(Pair),
    streams: types.list(types.dataStream),
    kind: Kind,
  },
})
const Circle = types.record({ dotnet: 'Tests.Circle, Tests', fields: { radius: types.double } })
const Square = types.record({ dotnet: 'Tests.Square, Tests', fields: { side: types.int32 } })
const Shape = types.oneOf('Tests.IShape, Tests', Circle, Square)
const Parent = types.record({
  dotnet: 'Tests.Parent, Tests',
  fields: { first: Child, second: types.nullable(Child), shape: Shape, shapes: types.list(Shape) },
})
const Family = defineService('IFamily', { turn: method([Parent], Parent) })

for (const mode of modes) {
  test(`halibut 13.13, 13.14: ${mode}: objects in objects go there and back with dictionaries, sets, streams and interfaces`, async t => {
    let seen: ValueOf<typeof Parent> | undefined
    const { client, endpoint } = await pair(t, mode, {
      service: {
        services: [
          host(Family, {
            turn: parent => {
              seen = parent
              return { ...parent, shapes: parent.shapes.toReversed() }
            },
          }),
        ],
      },
    })
    const parent: ValueOf<typeof Parent> = {
      first: {
        names: new Map([
          ['00112233-4455-6677-8899-aabbccddeeff', 'one'],
          ['ffffffff-4455-6677-8899-aabbccddeeff', 'two'],
        ]),
        pairs: [
          { kind: 'Large', text: 'a' },
          { kind: 'Small', text: 'b' },
        ],
        streams: [DataStream.fromText('first'), DataStream.fromText('second')],
        kind: 'Large',
      },
      second: null,
      shape: { radius: 1.5 },
      shapes: [{ side: 3 }, { radius: 2 }],
    }
    const answer = await client.client(Family, endpoint).turn(parent)
    assert.deepEqual(seen?.first.names, parent.first.names)
    assert.deepEqual(answer.first.names, parent.first.names)
    assert.deepEqual(answer.first.pairs, parent.first.pairs)
    assert.equal(answer.first.kind, 'Large')
    assert.equal(answer.second, null)
    assert.deepEqual(answer.shape, { radius: 1.5 })
    assert.deepEqual(answer.shapes, [{ radius: 2 }, { side: 3 }])
    const texts = await Promise.all(answer.first.streams.map(stream => stream.bytes()))
    assert.deepEqual(texts.map(String), ['first', 'second'])
  })
}

test('halibut 13.62: no contract can have an object, a task or options of .NET in it: there is a codec for each allowed type, and no other', () => {
  const names = Object.keys(types)
  assert.ok(names.includes('record') && names.includes('text'))
  for (const forbidden of ['object', 'any', 'unknown', 'task', 'dynamic', 'options'])
    assert.ok(!names.some(name => name.toLowerCase() === forbidden), forbidden)
  for (const type of [
    'System.Object, mscorlib',
    'System.Threading.Tasks.Task, mscorlib',
    'Tests.Kind, Evil',
  ]) {
    const out = new BsonWriter()
    out.openDocument('v')
    out.string('$type', type)
    out.close()
    const value = readBson(out.finish().subarray(reservedBytes)).get('v')
    for (const codec of [Child, Shape, types.list(types.text), types.dataStream, types.bytes])
      assert.throws(() => codec.read(value, { streams: [] }), { code: 'ERR_UNKNOWN_TYPE' })
  }
})

test('halibut 14.9: integers of 64 bits stay integers in both directions, and -0 and NaN stay doubles', () => {
  for (const value of [0n, 5n, -1n, 2n ** 31n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
    assert.equal(typeByte(bytesOf(types.int64, value)), 0x12)
    assert.equal(again(types.int64, value), value)
  }
  assert.equal(typeByte(bytesOf(types.count, 2 ** 40)), 0x12)
  assert.equal(again(types.count, Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
  assert.equal(typeByte(bytesOf(types.int32, -5)), 0x10)
  for (const value of [-0, Number.NaN, 1, 2 ** 40, Number.NEGATIVE_INFINITY]) {
    const bytes = bytesOf(types.double, value)
    assert.equal(typeByte(bytes), 0x01)
    const read = readBson(bytes).get('v')
    assert.ok(read instanceof BsonDouble && Object.is(read.value, value))
  }
})

test('halibut 14.11: what is undefined is written as null where null may be, and refused elsewhere; the undefined of others is null', () => {
  const Note = types.record({ dotnet: 'Tests.Note, Tests', fields: { text: types.nullable(types.text) } })
  const absent = { text: undefined } as unknown
  const bytes = bytesOf(Note as Codec<unknown>, absent)
  assert.deepEqual(deserialize(bytes), { v: { Text: null } })
  assert.throws(() => bytesOf(types.text as Codec<unknown>, undefined), TypeError)
  const undefinedValue = Buffer.from('080000000676000000', 'hex').subarray(0, 8)
  assert.equal(readBson(undefinedValue).get('v'), null)
})

test('halibut 14.12: members that begin with $ are members like others, and objects with $ref and $id stay objects', () => {
  const out = new BsonWriter()
  out.openDocument('v')
  out.string('$id', '1')
  out.string('$type', 'Tests.Circle, Tests')
  out.double('Radius', 2)
  out.close()
  out.openDocument('r')
  out.string('$ref', 'collection')
  out.string('$id', '2')
  out.close()
  const document = readBson(out.finish().subarray(reservedBytes))
  assert.deepEqual(Shape.read(document.get('v'), { streams: [] }), { radius: 2 })
  const reference = document.get('r')
  assert.ok(reference instanceof BsonDocument)
  assert.deepEqual([...reference.members.keys()], ['$ref', '$id'])
  assert.equal(reference.typeText, undefined)
})

test('halibut 14.13: dates before 1970, of nobody, and at the end of .NET’s calendar go there and back, to the millisecond', () => {
  for (const codec of [types.dateTime, types.dateTimeOffset]) {
    for (const epochMs of [-62_135_596_800_000, -1, 0, 1, 253_402_300_799_999]) {
      const bytes = bytesOf(codec, new Date(epochMs))
      assert.equal(typeByte(bytes), 0x09)
      assert.equal(again(codec, new Date(epochMs)).getTime(), epochMs)
    }
    assert.equal(codec.read(undefined, { streams: [] }).getTime(), -62_135_596_800_000)
  }
})

test('halibut 14.15: an enum is its number as a value and its name as a key, and is read from both', () => {
  assert.deepEqual(deserialize(bytesOf(Kind, 'Large')), { v: 7 })
  const byKind = types.dictionary(Kind, Kind)
  const value = new Map([['Large', 'Small']] as const)
  assert.deepEqual(deserialize(bytesOf(byKind, value)), { v: { Large: 0 } })
  assert.deepEqual(again(byKind, value), value)
  for (const sent of ['large', 'Large', '7', 7]) assert.equal(Kind.read(sent, { streams: [] }), 'Large')
})

test('halibut 14.19: type names are split at the comma that belongs to them, however generics and versions nest', () => {
  const names = [
    'A.B, C',
    'A.B+Nested, C',
    'A.B[], C',
    'A.B[][], C',
    'G`1[[A.B, C]], D',
    'G`2[[H`1[[A, B]], C],[I`2[[J, K],[L[], M]], N]], O',
  ]
  for (const name of names) assert.equal(formatTypeName(parseTypeName(name)), name)
  const version = 'Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089'
  assert.equal(
    formatTypeName(parseTypeName(`G\`2[[A.B, C, ${version}],[D[], E, ${version}]], F, ${version}`)),
    'G`2[[A.B, C],[D[], E]], F',
  )
})
