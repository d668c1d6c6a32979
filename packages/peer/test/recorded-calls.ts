import assert from 'node:assert/strict'
import {
  DataStream,
  defineService,
  HalibutError,
  method,
  type ServiceClient,
  type ServiceContract,
  types,
} from '@tentacle/halibut'
import { type Entry, isRequest, messageOf } from '@tentacle/testkit'
import {
  BenchService,
  ComplexObjectService,
  CountingService,
  EchoService,
  ListService,
  MultipleParametersService,
  ReadDataStreamService,
  ReturnSomeDataStreamService,
} from '../src/services/contracts.ts'
import { isPattern, patternStream } from '../src/services/pattern.ts'

/** Makes a client of any service of the peer under test. */
export type Connect = <S extends ServiceContract>(contract: S) => ServiceClient<S>

type RecordedCall = (client: Connect) => Promise<void>

const UnknownService = defineService('INobodyHasThis', { nope: method([types.text], types.text) })
const WithUnknownMethod = defineService('IEchoService', { notThere: method([types.text], types.text) })

const tenMiB = 10 * 1024 * 1024
const zeros = (length: number) => DataStream.fromBytes(Buffer.alloc(length))
const textOf = async (stream: DataStream | undefined) => (await stream?.bytes())?.toString('utf8')

/**
 * The calls that the .NET client of the recordings made, in their order, with what it got. They send the same content
 * as it did, and under the same key of a dictionary; where the recording does not have the content, the pattern that the testkit puts in its place.
 */
const recordedCalls = (dictionaryKey: string): readonly RecordedCall[] => [
  async client => assert.equal(await client(EchoService).sayHello('Deploy package A'), 'Deploy package A...'),
  async client => {
    const text = 'žluťoučký 🚀 \u0000 "\\\n'
    assert.equal(await client(EchoService).sayHello(text), `${text}...`)
  },
  async client => assert.equal(await client(BenchService).echo(null), null),
  async client => {
    const text = 'x'.repeat(1024 * 1024)
    assert.ok((await client(BenchService).echo(text)) === text)
  },
  async client => assert.equal(await client(BenchService).noop(), undefined),
  async client =>
    assert.equal(await client(MultipleParametersService).methodReturningVoid(12n, 14n), undefined),
  async client => assert.equal(await client(MultipleParametersService).addLong(1n, 2n), 3n),
  async client => assert.equal(await client(MultipleParametersService).addDouble(1.5, 2.25), 3.75),
  async client => assert.equal(await client(MultipleParametersService).addDecimal(1.5, 2.25), 3.75),
  async client => assert.equal(await client(MultipleParametersService).hello0(), 'Hello'),
  async client => assert.equal(await client(MultipleParametersService).hello1('a'), 'Hello a'),
  async client => assert.equal(await client(MultipleParametersService).hello3('a', 'b', 'c'), 'Hello a b c'),
  async client => {
    const service = client(MultipleParametersService)
    const answer = await service.hello11('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k')
    assert.equal(answer, 'Hello a b c d e f g h i j k')
  },
  async client =>
    assert.equal(await client(MultipleParametersService).ambiguousTuple('a', ['x', 'y']), 'Hello tuple'),
  async client => {
    const call = client(MultipleParametersService).ambiguousText('a', null)
    await assert.rejects(call, { code: 'ERR_AMBIGUOUS_METHOD' })
  },
  async client => {
    const answer = await client(MultipleParametersService).getLocation({ latitude: -27, longitude: 153 })
    assert.deepEqual(answer, { latitude: 153, longitude: -27 })
  },
  async client => {
    const payloads = { payload1: DataStream.fromText('p1'), payload2: DataStream.fromText('p2') }
    const answer = await client(ComplexObjectService).processStreams(payloads)
    assert.deepEqual(await Promise.all([textOf(answer.payload1), textOf(answer.payload2)]), ['p1', 'p2'])
  },
  client => processChildren(client, dictionaryKey),
  async client => {
    const value = { child1: { name: 'n' }, child2: { description: 'd' } }
    assert.deepEqual(await client(ComplexObjectService).processInheritance(value), value)
  },
  async client => assert.equal(await client(EchoService).countBytes(zeros(0)), 0),
  async client => assert.equal(await client(EchoService).countBytes(zeros(1)), 1),
  async client => assert.equal(await client(EchoService).countBytes(patternStream(tenMiB)), tenMiB),
  async client => {
    const streams = Array.from({ length: 128 }, (_, length) => zeros(length))
    assert.equal(await client(ReadDataStreamService).sendData(streams), 8128n)
  },
  async client => assert.ok(await isPattern(await client(BenchService).echoStream(patternStream(300_000)))),
  async client => {
    const stream = await client(ReturnSomeDataStreamService).someDataStream()
    assert.equal(await textOf(stream), 'some data stream')
  },
  async client => assert.ok(await isPattern(await client(BenchService).download(tenMiB))),
  async client => assert.deepEqual(await client(ListService).getList(), ['a', 'b', 'c']),
  async client => assert.equal(await client(CountingService).increment(), 1),
  async client => assert.equal(await client(CountingService).getCurrentValue(), 1),
  client =>
    assert.rejects(client(EchoService).crash(), (error: unknown) => {
      assert.ok(error instanceof HalibutError)
      assert.equal(error.code, 'ERR_SERVICE_INVOCATION')
      assert.equal(error.details.remoteMessage, 'Attempted to divide by zero.')
      return true
    }),
  async client => assert.equal(await client(EchoService).sayHello('x'), 'x...'),
  client => assert.rejects(client(UnknownService).nope('x'), { code: 'ERR_SERVICE_NOT_FOUND' }),
  client => assert.rejects(client(WithUnknownMethod).notThere('x'), { code: 'ERR_METHOD_NOT_FOUND' }),
]

async function processChildren(client: Connect, key: string): Promise<void> {
  const { child1, child2 } = await client(ComplexObjectService).processChildren({
    child1: {
      childPayload1: DataStream.fromText('a'),
      childPayload2: DataStream.fromText('b'),
      listOfStreams: [DataStream.fromText('l1'), DataStream.fromText('l2')],
      dictionaryPayload: new Map([[key, 'v']]),
    },
    child2: {
      enumPayload: 'RequestValue2',
      complexPayloadSet: [
        { enumValue: 'RequestValue1', payload: DataStream.fromText('s1') },
        { enumValue: 'RequestValue3', payload: DataStream.fromText('s3') },
      ],
    },
  })
  const texts = [child1.childPayload1, child1.childPayload2, ...child1.listOfStreams].map(textOf)
  assert.deepEqual(await Promise.all(texts), ['a', 'b', 'l1', 'l2'])
  assert.deepEqual([...child1.dictionaryPayload], [[key, 'v']])
  assert.equal(child2.enumPayload, 'RequestValue2')
  assert.deepEqual(
    await Promise.all(
      child2.complexPayloadSet.map(async pair => [pair.enumValue, await textOf(pair.payload)]),
    ),
    [
      ['RequestValue1', 's1'],
      ['RequestValue3', 's3'],
    ],
  )
}

/**
 * The calls of one connection of a recording: those of the list above, then `SayHello` with the names that are found
 * there, since which of the calls at the same time took which connection was chance.
 */
export function callsOn(entries: readonly Entry[], isFirst: boolean): RecordedCall[] {
  const requests = entries.flatMap(entry => {
    const message = entry.kind === 'message' ? messageOf(entry.document) : null
    return message !== null && isRequest(message) ? [message] : []
  })
  const key = /"DictionaryPayload":\{"([^"]+)"/.exec(JSON.stringify(requests))?.[1]
  const listed = isFirst ? recordedCalls(key ?? '') : []
  const hellos = requests.slice(listed.length).map((request): RecordedCall => {
    assert.equal(`${request.service}.${request.method}`, 'IEchoService.SayHello')
    const [name] = Array.isArray(request.params) ? request.params : []
    return async client => assert.equal(await client(EchoService).sayHello(String(name)), `${name}...`)
  })
  return [...listed, ...hellos]
}
