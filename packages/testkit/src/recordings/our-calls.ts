import assert from 'node:assert/strict'
import { DataStream, HalibutError, type ServiceClient, type ServiceContract } from '@tentacle/halibut'
import { longText, RecordedService, UnknownService, WithUnknownMethod } from './our-service.ts'
import { contentOf } from './recording.ts'

/** Gives the client of a service at the other end: the same one each time, since clients number their calls. */
export type Connect = <S extends ServiceContract>(contract: S) => ServiceClient<S>

/** A call that checks its answer. */
export type OurCall = (connect: Connect) => Promise<void>

type Service = ServiceClient<typeof RecordedService>

const guid = '00112233-4455-6677-8899-aabbccddeeff'
const moment = new Date('2024-02-29T12:34:56.789Z')

const everything: Parameters<Service['everything']>[0] = {
  flag: true,
  int: -27,
  long: 9_007_199_254_740_993n,
  count: 4_294_967_296,
  fraction: 0.1,
  money: 12.5,
  name: 'žluťoučký 🚀 \u0000 "\\\n',
  nothing: null,
  guid,
  at: moment,
  atOffset: moment,
  lasts: 90_061_001,
  link: 'https://example.com/a?b=c',
  raw: Buffer.from([0, 1, 127, 128, 255]),
  kind: 'Large',
  shape: { radius: 1.5 },
  shapes: [{ side: 3 }, { radius: 2 }],
  words: ['a', '', 'c'],
  labels: [
    { label: 'x', kind: 'Small' },
    { label: 'y', kind: 'Large' },
  ],
  byGuid: new Map([[guid, 'one']]),
  byKind: new Map([
    ['Small', 1n],
    ['Large', -1n],
  ]),
  pair: ['p', 2n],
}

const valueCalls: readonly ((service: Service) => Promise<void>)[] = [
  async service => assert.equal(await service.sayHello('World'), 'World...'),
  async service => assert.equal(await service.sayHello(everything.name), `${everything.name}...`),
  async service => assert.equal(await service.doNothing(), undefined),
  async service => assert.equal(await service.addLong(1n, 2n ** 40n), 2n ** 40n + 1n),
  async service => assert.equal(await service.addDouble(1.5, 2), 3.5),
  async service => assert.equal(await service.isLater(moment, new Date(0)), true),
  async service => assert.equal(await service.sameGuid(guid), guid),
  async service => assert.deepEqual(await service.sameTime(moment), moment),
  async service => {
    const reversed = await service.reverseBytes(Buffer.from([1, 2, 3]))
    assert.deepEqual([...reversed], [3, 2, 1])
  },
  async service => assert.deepEqual(await service.reverseList(['a', 'b', 'c']), ['c', 'b', 'a']),
  async service => assert.deepEqual(await service.swapPair(['a', 'b']), ['b', 'a']),
  async service => {
    const table = new Map([
      ['one', 1n],
      ['many', 2n ** 53n],
    ])
    assert.deepEqual(await service.sameTable(table), table)
  },
  async service => assert.equal(await service.sameOrNull(null), null),
  async service => {
    const { raw, ...others } = await service.everything(everything)
    const { raw: sent, ...expected } = everything
    assert.deepEqual([...raw], [...sent])
    assert.deepEqual(others, expected)
  },
]

const errorCalls: readonly OurCall[] = [
  connect =>
    assert.rejects(connect(RecordedService).divideByZero(), (error: unknown) => {
      assert.ok(error instanceof HalibutError)
      assert.equal(error.code, 'ERR_SERVICE_INVOCATION')
      assert.equal(error.details.remoteMessage, 'Attempted to divide by zero.')
      return true
    }),
  connect => assert.rejects(connect(UnknownService).nope('x'), { code: 'ERR_SERVICE_NOT_FOUND' }),
  connect => assert.rejects(connect(WithUnknownMethod).notThere('x'), { code: 'ERR_METHOD_NOT_FOUND' }),
  connect => assert.rejects(connect(RecordedService).ambiguousText(null), { code: 'ERR_AMBIGUOUS_METHOD' }),
]

/** More than is kept in memory, so that one of them passes through a file. */
const longStreamBytes = 300_000

const streamCalls: readonly ((service: Service) => Promise<void>)[] = [
  async service => {
    const text = longText(70_000)
    assert.ok((await service.echo(text)) === text)
  },
  async service => assert.equal(await service.countBytes(DataStream.fromBytes(Buffer.alloc(0))), 0),
  async service => assert.equal(await service.countBytes(pattern()), longStreamBytes),
  async service => assert.equal(await service.countLive(pattern()), longStreamBytes),
  async service => {
    const stream = await service.makeStream(longStreamBytes)
    assert.ok((await stream.bytes()).equals(contentOf(longStreamBytes)))
  },
  async service => {
    const more = ['', 'second', 'third'].map(text => DataStream.fromText(text))
    const box = await service.echoBox({ label: 'box', first: DataStream.fromText('first'), more })
    const texts = await Promise.all(
      [box.first, ...box.more].map(async stream => String(await stream.bytes())),
    )
    assert.deepEqual(texts, ['first', '', 'second', 'third'])
  },
  async service => assert.equal(await service.farewell(), 'Goodbye'),
]

function pattern(): DataStream {
  return DataStream.fromBytes(contentOf(longStreamBytes))
}

function onService(call: (service: Service) => Promise<void>): OurCall {
  return connect => call(connect(RecordedService))
}

/**
 * The calls of the recordings of our own two sides, in their order. A polling service hears that there is nothing
 * between one group and the next: twice, since the second group is empty.
 */
export const ourCallGroups: readonly (readonly OurCall[])[] = [
  [...valueCalls.map(onService), ...errorCalls],
  [],
  streamCalls.map(onService),
]
