import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnyCodec, defineService, host, type Method, method, types } from '../src/index.ts'
import { failure, pair } from './runtimes.ts'

const counts = Array.from({ length: 12 }, (_, count) => count)

/** `Join` with 0 to 11 texts, each an overload of its own. */
const methods: Record<string, Method<readonly AnyCodec[], typeof types.text>> = Object.fromEntries(
  counts.map(count => [
    `join${count}`,
    method(
      Array.from({ length: count }, () => types.text),
      types.text,
      { wireName: 'Join' },
    ),
  ]),
)
const Joining = defineService('IJoining', methods)

const Ticket = types.record({ dotnet: 'Tests.Ticket, Tests', fields: { number: types.int32 } })
const Kinds = defineService('IKinds', {
  ofLong: method([types.int64], types.text, { wireName: 'Kind' }),
  ofDouble: method([types.double], types.text, { wireName: 'Kind' }),
  ofText: method([types.text], types.text, { wireName: 'Kind' }),
  ofBool: method([types.bool], types.text, { wireName: 'Kind' }),
  ofGuid: method([types.guid], types.text, { wireName: 'Kind' }),
  ofDate: method([types.dateTime], types.text, { wireName: 'Kind' }),
  ofBytes: method([types.bytes], types.text, { wireName: 'Kind' }),
  ofList: method([types.list(types.text)], types.text, { wireName: 'Kind' }),
  ofTicket: method([Ticket], types.text, { wireName: 'Kind' }),
  // Arguments of these types arrive as one of the types above.
  ofDecimal: method([types.decimal], types.text, { wireName: 'Kind' }),
  ofInt: method([types.int32], types.text, { wireName: 'Kind' }),
  ofTime: method([types.timeSpan], types.text, { wireName: 'Kind' }),
})

for (const mode of ['listening', 'polling'] as const) {
  test(`halibut 13.15: ${mode}: overloads with 0 to 11 arguments are told apart by their number`, async t => {
    const answers = counts.map(count => [
      `join${count}`,
      (...args: readonly unknown[]) => `${count}: ${args.slice(0, count).join('')}`,
    ])
    const { client, endpoint } = await pair(t, mode, {
      service: { services: [host(Joining, Object.fromEntries(answers))] },
    })
    const joining = client.client(Joining, endpoint)
    for (const count of counts) {
      const letters = [...'abcdefghijk'].slice(0, count)
      const join = joining[`join${count}`]
      assert.ok(join)
      assert.equal(await join(...letters), `${count}: ${letters.join('')}`)
    }
    const twelve = client.client(
      defineService('IJoining', { join: method(Array(12).fill(types.text), types.text) }),
      endpoint,
    )
    const join: (...args: string[]) => Promise<string> = twelve.join
    await failure(join(...'abcdefghijkl'), 'ERR_AMBIGUOUS_METHOD')
  })

  test(`halibut 13.15: ${mode}: overloads with one argument are told apart by what it is, and decimals are doubles`, async t => {
    const { client, endpoint } = await pair(t, mode, {
      service: {
        services: [
          host(Kinds, {
            ofLong: value => `long ${value}`,
            ofDouble: value => `double ${value}`,
            ofText: value => `text ${value}`,
            ofBool: value => `bool ${value}`,
            ofGuid: value => `guid ${value}`,
            ofDate: value => `date ${value.toISOString()}`,
            ofBytes: value => `bytes ${Buffer.from(value).toString('hex')}`,
            ofList: value => `list ${value.join()}`,
            ofTicket: value => `ticket ${value.number}`,
            ofDecimal: () => 'decimal',
            ofInt: () => 'int',
            ofTime: () => 'time',
          }),
        ],
      },
    })
    const kinds = client.client(Kinds, endpoint)
    assert.deepEqual(
      await Promise.all([
        kinds.ofLong(2n ** 62n),
        kinds.ofDouble(3),
        kinds.ofText('3'),
        kinds.ofBool(false),
        kinds.ofGuid('00112233-4455-6677-8899-aabbccddeeff'),
        kinds.ofDate(new Date(0)),
        kinds.ofBytes(Buffer.from([1, 2])),
        kinds.ofList(['a', 'b']),
        kinds.ofTicket({ number: 5 }),
        kinds.ofDecimal(1.5),
        kinds.ofInt(7),
        kinds.ofTime(1000),
      ]),
      [
        'long 4611686018427387904',
        'double 3',
        'text 3',
        'bool false',
        'guid 00112233-4455-6677-8899-aabbccddeeff',
        'date 1970-01-01T00:00:00.000Z',
        'bytes 0102',
        'list a,b',
        'ticket 5',
        'double 1.5',
        'long 7',
        'text 00:00:01',
      ],
    )
  })
}
