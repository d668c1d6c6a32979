import assert from 'node:assert/strict'
import { DataStream } from '@tentacle/halibut'
import {
  BenchService,
  ComplexObjectService,
  EchoService,
  ReadDataStreamService,
  ReturnSomeDataStreamService,
} from '../services/contracts.ts'
import { isPattern, patternStream } from '../services/pattern.ts'
import type { Check } from './check.ts'

const tenMiB = 10 * 1024 * 1024

async function textOf(stream: DataStream | undefined): Promise<string> {
  assert.ok(stream !== undefined, 'a data stream is missing')
  return (await stream.bytes()).toString('utf8')
}

function countBytesCheck(length: number): Check {
  return {
    test: `count-bytes-${length}`,
    run: async remote =>
      assert.equal(await remote.client(EchoService).countBytes(patternStream(length)), length),
  }
}

/** Data streams in both directions, alone, many together, and inside objects. */
export const streamChecks: readonly Check[] = [
  countBytesCheck(0),
  countBytesCheck(1),
  countBytesCheck(1024 * 1024 + 15),
  countBytesCheck(tenMiB),
  {
    test: 'send-128-streams',
    async run(remote) {
      const streams = Array.from({ length: 128 }, (_, length) => patternStream(length))
      assert.equal(await remote.client(ReadDataStreamService).sendData(streams), 8128n)
    },
  },
  {
    test: 'count-10-mib',
    run: async remote => assert.equal(await remote.client(BenchService).count(patternStream(tenMiB)), tenMiB),
  },
  {
    test: 'echo-stream',
    async run(remote) {
      const echoed = await remote.client(BenchService).echoStream(patternStream(300_000))
      assert.equal(echoed.length, 300_000)
      assert.ok(await isPattern(echoed), 'other bytes came back')
    },
  },
  {
    test: 'some-data-stream',
    async run(remote) {
      const stream = await remote.client(ReturnSomeDataStreamService).someDataStream()
      assert.equal(await textOf(stream), 'some data stream')
    },
  },
  {
    test: 'download-10-mib',
    async run(remote) {
      const stream = await remote.client(BenchService).download(tenMiB)
      let count = 0
      for await (const part of stream.read()) count += part.length
      assert.equal(count, tenMiB)
    },
  },
  {
    test: 'object-with-streams',
    async run(remote) {
      const answer = await remote
        .client(ComplexObjectService)
        .processStreams({ payload1: DataStream.fromText('p1'), payload2: DataStream.fromText('p2') })
      assert.equal(await textOf(answer.payload1), 'p1')
      assert.equal(await textOf(answer.payload2), 'p2')
    },
  },
  {
    test: 'object-with-children',
    async run(remote) {
      const key = 'ffac66c4-255f-43ef-be39-641ef4c13f53'
      const { child1, child2 } = await remote.client(ComplexObjectService).processChildren({
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
      assert.equal(await textOf(child1.childPayload1), 'a')
      assert.equal(await textOf(child1.childPayload2), 'b')
      assert.deepEqual(await Promise.all(child1.listOfStreams.map(textOf)), ['l1', 'l2'])
      assert.deepEqual([...child1.dictionaryPayload], [[key, 'v']])
      assert.equal(child2.enumPayload, 'RequestValue2')
      const set = await Promise.all(
        child2.complexPayloadSet.map(async pair => [pair.enumValue, await textOf(pair.payload)].join(' ')),
      )
      assert.deepEqual(set.sort(), ['RequestValue1 s1', 'RequestValue3 s3'])
    },
  },
  {
    test: 'object-with-inheritance',
    async run(remote) {
      const value = { child1: { name: 'n' }, child2: { description: 'd' } }
      assert.deepEqual(await remote.client(ComplexObjectService).processInheritance(value), value)
    },
  },
]
