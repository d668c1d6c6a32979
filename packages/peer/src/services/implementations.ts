import { open, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { DataStream, type HostedService, host } from '@tentacle/halibut'
import {
  BenchService,
  ComplexObjectService,
  CountingService,
  EchoService,
  ListService,
  LockService,
  MultipleParametersService,
  ReadDataStreamService,
  ReturnSomeDataStreamService,
} from './contracts.ts'
import { patternStream } from './pattern.ts'

/** How long `LongRunningOperation` takes; the .NET test service takes the same time. */
const longOperationMs = 10_000

/** What the peer hosts. Each list has a counter of its own. */
export function hostedServices({ longRunningMs = longOperationMs } = {}): HostedService[] {
  return [
    echoService(longRunningMs),
    multipleParametersService(),
    complexObjectService(),
    host(
      ReadDataStreamService,
      {
        sendData: async streams => {
          let total = 0n
          for (const stream of streams) total += BigInt(await countBytes(stream))
          return total
        },
      },
      { liveStreams: ['sendData'] },
    ),
    host(ReturnSomeDataStreamService, { someDataStream: () => DataStream.fromText('some data stream') }),
    countingService(),
    host(LockService, {
      waitForFileToBeDeleted: (file, signalFile, { signal }) => waitUntilGone(file, signalFile, signal),
    }),
    host(ListService, { getList: () => ['a', 'b', 'c'] }),
    benchService(),
  ]
}

function echoService(longRunningMs: number): HostedService {
  return host(EchoService, {
    sayHello: name => `${name}...`,
    longRunningOperation: async ({ signal }) => {
      await delay(longRunningMs, undefined, { signal })
      return 16
    },
    crash: () => {
      throw new Error('Attempted to divide by zero.')
    },
    countBytes: countBytes,
  })
}

function multipleParametersService(): HostedService {
  const hello = (...words: readonly string[]) => ['Hello', ...words].join(' ')
  return host(MultipleParametersService, {
    methodReturningVoid: () => undefined,
    addLong: (a, b) => BigInt.asIntN(64, a + b),
    addDouble: (a, b) => a + b,
    addDecimal: (a, b) => a + b,
    hello0: () => hello(),
    hello1: a => hello(a),
    hello2: (a, b) => hello(a, b),
    hello3: (a, b, c) => hello(a, b, c),
    hello4: (a, b, c, d) => hello(a, b, c, d),
    hello5: (a, b, c, d, e) => hello(a, b, c, d, e),
    hello6: (a, b, c, d, e, f) => hello(a, b, c, d, e, f),
    hello7: (a, b, c, d, e, f, g) => hello(a, b, c, d, e, f, g),
    hello8: (a, b, c, d, e, f, g, h) => hello(a, b, c, d, e, f, g, h),
    hello9: (a, b, c, d, e, f, g, h, i) => hello(a, b, c, d, e, f, g, h, i),
    hello10: (a, b, c, d, e, f, g, h, i, j) => hello(a, b, c, d, e, f, g, h, i, j),
    hello11: (a, b, c, d, e, f, g, h, i, j, k) => hello(a, b, c, d, e, f, g, h, i, j, k),
    ambiguousText: () => 'Hello string',
    ambiguousTuple: () => 'Hello tuple',
    getLocation: ({ latitude, longitude }) => ({ latitude: longitude, longitude: latitude }),
  })
}

function complexObjectService(): HostedService {
  return host(ComplexObjectService, {
    processStreams: ({ payload1, payload2 }) => ({ payload1: again(payload1), payload2: again(payload2) }),
    processChildren: ({ child1, child2 }) => ({
      child1: {
        childPayload1: again(child1.childPayload1),
        childPayload2: again(child1.childPayload2),
        listOfStreams: child1.listOfStreams.map(again),
        dictionaryPayload: child1.dictionaryPayload,
      },
      child2: {
        enumPayload: child2.enumPayload,
        complexPayloadSet: child2.complexPayloadSet.map(({ enumValue, payload }) => ({
          enumValue,
          payload: again(payload),
        })),
      },
    }),
    processInheritance: value => value,
  })
}

function countingService(): HostedService {
  let value = 0
  return host(CountingService, {
    increment: () => ++value,
    getCurrentValue: () => value,
  })
}

/** Bytes that are only counted need not wait in a file. */
function benchService(): HostedService {
  return host(
    BenchService,
    {
      echo: value => value,
      noop: () => undefined,
      count: countBytes,
      download: length => patternStream(length),
      echoStream: again,
    },
    { liveStreams: ['count'] },
  )
}

/** A stream of its own with what was received. It is read while the answer is written. */
function again(stream: DataStream): DataStream {
  return DataStream.from(stream.length, () => stream.read())
}

/** How many bytes really come; not what the stream says. */
async function countBytes(stream: DataStream): Promise<number> {
  let count = 0
  for await (const part of stream.read()) count += part.length
  return count
}

/** How often the file is looked for. Watching it would miss files on network drives. */
const lookEveryMs = 20

/** Makes `signalFile`, unless it is there, so that the caller knows that the call runs; then waits for `file` to go. */
async function waitUntilGone(file: string, signalFile: string, signal: AbortSignal): Promise<void> {
  await (await open(signalFile, 'a')).close()
  while (await exists(file)) await delay(lookEveryMs, undefined, { signal })
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch {
    return false
  }
}
