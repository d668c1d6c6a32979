import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deserialize, EJSON } from 'bson'
import fc from 'fast-check'
import { readBson } from '../frame/bson-reader.ts'
import { BsonDocument } from '../frame/bson-value.ts'
import { BsonWriter, reservedBytes } from '../frame/bson-writer.ts'
import { DataStream, field, types } from '../index.ts'
import type { Codec, Fit, ReadContext } from './codec.ts'
import { formatTimeSpan, parseTimeSpan } from './time-span.ts'

/** Writes a value as a typed member or into an `object` slot, and gives the document's bytes. */
function bytesOf<T>(codec: Codec<T>, value: T, form: 'write' | 'writeTagged'): Buffer {
  const out = new BsonWriter()
  codec[form](out, 'v', value, { streams: [] })
  return out.finish().subarray(reservedBytes)
}

/** What an independent reader sees: key order, BSON types and `$type` texts. */
function shown<T>(codec: Codec<T>, value: T, form: 'write' | 'writeTagged'): unknown {
  return JSON.parse(
    EJSON.stringify(deserialize(bytesOf(codec, value, form), { promoteValues: false }).v, { relaxed: false }),
  )
}

function read<T>(codec: Codec<T>, bytes: Buffer, context: ReadContext = { streams: [] }): T {
  return codec.read(readBson(bytes).get('v'), context)
}

const binary = (base64: string, subType: string) => ({ $binary: { base64, subType } })
const Ticket = types.record({
  dotnet: 'Some.Ticket, Some',
  alsoReads: ['Old.Ticket, Old'],
  fields: { taskId: types.text },
})
const Kind = types.enumeration({ Small: 0, Large: 7 }, 'Some.Kind, Some')
const guid = '00112233-4455-6677-8899-aabbccddeeff'

/** A codec, a value, its typed form, and its form in an `object` slot when that is another one. */
const forms: readonly (readonly [string, () => [unknown, unknown], unknown, unknown?])[] = [
  ['text', both(types.text, 'žluť'), 'žluť'],
  ['bool', both(types.bool, true), true],
  ['int32', both(types.int32, -27), { $numberInt: '-27' }],
  ['int64', both(types.int64, 2n ** 62n), { $numberLong: '4611686018427387904' }],
  ['count', both(types.count, 5), { $numberLong: '5' }],
  ['double', both(types.double, 3), { $numberDouble: '3.0' }],
  ['decimal', both(types.decimal, 1.5), { $numberDouble: '1.5' }],
  ['guid', both(types.guid, guid.toUpperCase()), binary('MyIRAFVEd2aImaq7zN3u/w==', '04')],
  ['dateTime', both(types.dateTime, new Date(1795479796316)), { $date: { $numberLong: '1795479796316' } }],
  ['dateTimeOffset', both(types.dateTimeOffset, new Date(-1)), { $date: { $numberLong: '-1' } }],
  ['timeSpan', both(types.timeSpan, 93_784_005), '1.02:03:04.0050000'],
  ['uri', both(types.uri, 'https://x/'), 'https://x/'],
  ['enumeration', both(Kind, 'Large'), { $numberInt: '7' }],
  ['null', both(types.nullable(types.text), null), null],
  [
    'bytes',
    both(types.bytes, Buffer.from('hi')),
    binary('aGk=', '00'),
    { $type: 'System.Byte[], mscorlib', $value: binary('aGk=', '00') },
  ],
  [
    'list',
    both(types.list(types.text), ['a']),
    ['a'],
    { $type: 'System.Collections.Generic.List`1[[System.String, mscorlib]], mscorlib', $values: ['a'] },
  ],
  [
    'array',
    both(types.array(types.text), ['a', 'b']),
    ['a', 'b'],
    { $type: 'System.String[], mscorlib', $values: ['a', 'b'] },
  ],
  [
    'set',
    both(types.set(types.int32), []),
    [],
    { $type: 'System.Collections.Generic.HashSet`1[[System.Int32, mscorlib]], System.Core', $values: [] },
  ],
  [
    'dictionary',
    both(
      types.dictionary(Kind, types.bool),
      new Map([
        ['Large', true],
        ['Small', false],
      ] as const),
    ),
    { Large: true, Small: false },
    {
      $type:
        'System.Collections.Generic.Dictionary`2[[Some.Kind, Some],[System.Boolean, mscorlib]], mscorlib',
      Large: true,
      Small: false,
    },
  ],
  [
    'tuple',
    both(types.tuple(types.text, types.int32), ['x', 1]),
    { Item1: 'x', Item2: { $numberInt: '1' } },
    {
      $type: 'System.Tuple`2[[System.String, mscorlib],[System.Int32, mscorlib]], mscorlib',
      Item1: 'x',
      Item2: { $numberInt: '1' },
    },
  ],
  ['record', both(Ticket, { taskId: 'a' }), { TaskId: 'a' }, { $type: 'Some.Ticket, Some', TaskId: 'a' }],
  [
    'list of records',
    both(types.list(Ticket), [{ taskId: 'a' }]),
    [{ TaskId: 'a' }],
    { $type: 'System.Collections.Generic.List`1[[Some.Ticket, Some]], mscorlib', $values: [{ TaskId: 'a' }] },
  ],
]

function both<T>(codec: Codec<T>, value: T): () => [unknown, unknown] {
  return () => {
    for (const form of ['write', 'writeTagged'] as const) {
      const again = read(codec, bytesOf(codec, value, form))
      assert.deepEqual(shown(codec, again, form), shown(codec, value, form))
    }
    return [shown(codec, value, 'write'), shown(codec, value, 'writeTagged')]
  }
}

for (const [name, run, typed, tagged = typed] of forms) {
  test(`halibut 13.13, 14.17: ${name} has its form in a typed member and in an object slot, and is read from both`, () => {
    const [typedForm, taggedForm] = run()
    assert.deepEqual(typedForm, typed)
    assert.equal(JSON.stringify(typedForm), JSON.stringify(typed), 'the order of the members')
    assert.equal(JSON.stringify(taggedForm), JSON.stringify(tagged))
  })
}

test('halibut 14.10: a dictionary with numbers as keys keeps its order, behind its $type', () => {
  const codec = types.dictionary(types.int32, types.text)
  const value = new Map([
    [9, 'a'],
    [1, 'b'],
  ])
  for (const form of ['write', 'writeTagged'] as const) {
    const bytes = bytesOf(codec, value, form)
    assert.deepEqual([...read(codec, bytes).keys()], [9, 1])
    const document = readBson(bytes).get('v')
    assert.ok(document instanceof BsonDocument)
    assert.deepEqual([...document.members.keys()], form === 'write' ? ['9', '1'] : ['$type', '9', '1'])
  }
})

test('a data stream is its id and length, and goes into the list of streams', () => {
  const stream = DataStream.fromText('hello')
  const streams: DataStream[] = []
  const out = new BsonWriter()
  types.dataStream.writeTagged(out, 'v', stream, { streams })
  const received: DataStream[] = []
  const again = read(types.dataStream, out.finish().subarray(reservedBytes), { streams: received })
  assert.deepEqual(streams, [stream])
  assert.deepEqual(received, [again])
  assert.deepEqual([again.id, again.length], [stream.id, 5])
})

test('halibut 14.18: base-library types are read under every assembly name, with or without version; unknown types are refused', () => {
  const list = types.list(types.text)
  const reads = (type: string) => {
    const out = new BsonWriter()
    out.openDocument('v')
    out.string('$type', type)
    out.openArray('$values')
    out.string('0', 'a')
    out.close()
    out.close()
    return read(list, out.finish().subarray(reservedBytes))
  }
  for (const assembly of ['mscorlib', 'System.Private.CoreLib', 'netstandard', 'System.Runtime']) {
    assert.deepEqual(reads(`System.Collections.Generic.List\`1[[System.String, ${assembly}]], ${assembly}`), [
      'a',
    ])
  }
  const full = 'mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089'
  assert.deepEqual(reads(`System.Collections.Generic.List\`1[[System.String, ${full}]], ${full}`), ['a'])
  assert.deepEqual(reads('System.String[], System.Private.CoreLib'), ['a'])
  const strangers = [
    'System.Collections.Generic.List`1[[System.Object, mscorlib]], mscorlib',
    'System.String, mscorlib',
    'Evil.List, Evil',
    'x',
    '',
    `A${'[]'.repeat(5000)}, B`,
  ]
  for (const type of strangers) assert.throws(() => reads(type), { code: 'ERR_UNKNOWN_TYPE' }, type)
})

test('a record is read under its other names, without members and with strange ones, and names the member that is wrong', () => {
  const Command = types.record({
    dotnet: 'Some.Command, Some',
    fields: {
      ticket: Ticket,
      size: types.int64,
      files: types.list(types.text),
      note: types.nullable(types.text),
      id: field('ID', types.guid),
    },
  })
  const build = (change: (out: BsonWriter) => void) => {
    const out = new BsonWriter()
    out.openDocument('v')
    change(out)
    out.close()
    return read(Command, out.finish().subarray(reservedBytes))
  }
  const value = build(out => {
    out.openDocument('TICKET')
    out.string('$type', 'Old.Ticket, Old, Version=1.0')
    out.string('taskid', 'a')
    out.close()
    out.string('Unheard', 'of')
  })
  assert.deepEqual(value, {
    ticket: { taskId: 'a' },
    size: 0n,
    files: [],
    note: null,
    id: '00000000-0000-0000-0000-000000000000',
  })
  assert.throws(() => build(() => {}), /Some\.Ticket.*\(Some\.Command\.Ticket\)/)
  assert.throws(() => build(out => out.string('Ticket', 'x')), { code: 'ERR_PROTOCOL' })
})

test('halibut 13.14: a member declared as an interface carries $type both ways', () => {
  const Cat = types.record({ dotnet: 'Zoo.Cat, Zoo', fields: { lives: types.int32 } })
  const Dog = types.record({ dotnet: 'Zoo.Dog, Zoo', fields: { tricks: types.list(types.text) } })
  const Animal = types.oneOf('Zoo.IAnimal, Zoo', Cat, Dog)
  for (const form of ['write', 'writeTagged'] as const) {
    assert.deepEqual(shown(Animal, { lives: 9 }, form), { $type: 'Zoo.Cat, Zoo', Lives: { $numberInt: '9' } })
    assert.deepEqual(read(Animal, bytesOf(Animal, { tricks: ['sit'] }, form)), { tricks: ['sit'] })
  }
  assert.throws(() => read(Animal, bytesOf(Ticket, { taskId: 'x' }, 'writeTagged')), {
    code: 'ERR_UNKNOWN_TYPE',
  })
  assert.throws(() => read(Animal, bytesOf(Cat, { lives: 1 }, 'write')), { code: 'ERR_PROTOCOL' })
})

test('arguments fit parameters as .NET would have it, or loosely, or not', () => {
  const fit = <T>(parameter: Codec<unknown>, argument: Codec<T>, value: T): Fit =>
    parameter.fit(readBson(bytesOf(argument, value, 'writeTagged')).get('v') ?? null)
  assert.equal(fit(types.int64, types.int32, 5), 'exact')
  assert.equal(fit(types.double, types.double, 5), 'exact')
  assert.equal(fit(types.double, types.int64, 5n), 'loose')
  assert.equal(fit(types.int64, types.double, 5), 'none')
  assert.equal(fit(types.decimal, types.double, 1.5), 'loose')
  assert.equal(fit(types.int32, types.int32, 5), 'loose')
  assert.equal(fit(types.text, types.nullable(types.text), null), 'exact')
  assert.equal(fit(types.bool, types.nullable(types.text), null), 'none')
  assert.equal(fit(types.guid, types.guid, guid), 'exact')
  assert.equal(fit(types.text, types.guid, guid), 'none')
  assert.equal(fit(Ticket, Ticket, { taskId: 'a' }), 'exact')
  assert.equal(fit(types.text, Ticket, { taskId: 'a' }), 'none')
  assert.equal(fit(types.list(types.text), types.array(types.text), ['a']), 'exact')
  assert.equal(fit(types.list(types.int32), types.array(types.text), ['a']), 'none')
  assert.equal(fit(types.timeSpan, types.text, '00:00:01'), 'loose')
  assert.equal(fit(types.timeSpan, types.text, 'soon'), 'none')
  assert.equal(fit(Kind, types.int32, 7), 'loose')
  assert.equal(fit(Kind, types.int32, 8), 'none')
})

test('values outside a type are refused when they are written', () => {
  const cases: readonly (readonly [Codec<unknown>, unknown])[] = [
    [types.int32, 2 ** 31],
    [types.int32, 1.5],
    [types.int32, '1'],
    [types.count, 2 ** 53],
    [types.double, '1'],
    [types.guid, 'no guid'],
    [types.dateTime, new Date(Number.NaN)],
    [types.timeSpan, Number.POSITIVE_INFINITY],
    [Kind, 'Huge'],
    [Kind, 'toString'],
    [types.text, undefined],
    [types.dictionary(types.text, types.text), new Map([['$type', 'x']])],
    [types.set(types.text), new Set(['x'])],
    [types.list(types.text), undefined],
    [Ticket, {}],
  ]
  for (const [codec, value] of cases)
    assert.throws(() => bytesOf(codec, value, 'write'), TypeError, String(value))
})

test('halibut 14.14: time spans are written as .NET writes them, and every one is read back', () => {
  const samples: readonly (readonly [number, string])[] = [
    [0, '00:00:00'],
    [5000, '00:00:05'],
    [2_147_483_647, '24.20:31:23.6470000'],
    [-1500, '-00:00:01.5000000'],
    [0.0001, '00:00:00.0000001'],
    [999.99999, '00:00:01'],
    [86_400_000, '1.00:00:00'],
  ]
  for (const [milliseconds, text] of samples) assert.equal(formatTimeSpan(milliseconds), text)
  assert.equal(parseTimeSpan('3'), 3 * 86_400_000)
  assert.equal(parseTimeSpan('12:30'), 45_000_000)
  for (const wrong of ['', 'x', '24:00:00', '00:60:00', '1:2:3', '00:00:00.12345678', 'PT5S'])
    assert.equal(parseTimeSpan(wrong), undefined, wrong)
  fc.assert(
    fc.property(fc.integer({ min: -1_000_000_000_000, max: 1_000_000_000_000 }), milliseconds => {
      assert.equal(parseTimeSpan(formatTimeSpan(milliseconds)), milliseconds === 0 ? 0 : milliseconds)
    }),
  )
})
