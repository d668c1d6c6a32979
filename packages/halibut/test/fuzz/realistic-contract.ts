import type { AnyCodec } from '../../src/contract/codec.ts'
import { DataStream, defineService, method, types } from '../../src/index.ts'

const {
  array,
  bool,
  bytes,
  count,
  dataStream,
  dateTime,
  dateTimeOffset,
  decimal,
  dictionary,
  double,
  enumeration,
  guid,
  int32,
  int64,
  list,
  nullable,
  oneOf,
  record,
  set,
  text,
  timeSpan,
  tuple,
  uri,
} = types

const Isolation = enumeration({ NoIsolation: 0, FullIsolation: 1 }, 'Tests.Isolation, Tests')
const Source = enumeration({ StdOut: 0, StdErr: 1, Debug: 2 }, 'Tests.Source, Tests')

const ScriptFile = record({
  dotnet: 'Tests.ScriptFile, Tests',
  fields: { name: text, contents: dataStream, encryptionPassword: nullable(text) },
})

const Local = record({ dotnet: 'Tests.LocalShell, Tests', fields: { shell: text } })
const Cluster = record({
  dotnet: 'Tests.Cluster, Tests',
  fields: { image: text, feed: nullable(uri), pods: int32 },
})

/** As a server starts a script. */
const Command = record({
  dotnet: 'Tests.Command, Tests',
  fields: {
    scriptBody: text,
    isolation: Isolation,
    mutexTimeout: timeSpan,
    arguments: array(text),
    files: list(ScriptFile),
    scripts: dictionary(Source, text),
    ticket: guid,
    durationToWait: nullable(timeSpan),
    context: oneOf('Tests.IContext, Tests', Local, Cluster),
  },
})

const Output = record({
  dotnet: 'Tests.Output, Tests',
  fields: { source: Source, occurred: dateTimeOffset, text },
})

/** As an agent tells how it goes. */
const Status = record({
  dotnet: 'Tests.Status, Tests',
  alsoReads: ['Tests.OldStatus, Tests'],
  fields: { logs: list(Output), nextLogSequence: count, exitCode: nullable(int32), state: Isolation },
})

/** Every other type that can be in a message. */
const Everything = record({
  dotnet: 'Tests.Everything, Tests',
  fields: {
    bool,
    bytes,
    count,
    decimal,
    double,
    int64,
    dateTime,
    uri,
    byNumber: dictionary(int32, bytes),
    byLong: dictionary(int64, nullable(double)),
    byCount: dictionary(count, bool),
    byGuid: dictionary(guid, dateTime),
    pair: nullable(tuple(text, int32)),
    names: set(text),
    table: list(array(int32)),
  },
})

/** A service with the shapes that a server and its agents use, and some of everything else. */
export const FuzzService = defineService('IFuzzService', {
  sayHello: method([text], text),
  startScript: method([Command], Status),
  getStatus: method([guid, count], Status),
  upload: method([text, dataStream], count),
  download: method([text], dataStream),
  everything: method([Everything], Everything),
  addLong: method([int64, int64], int64, { wireName: 'Add' }),
  addDouble: method([double, double], double, { wireName: 'Add' }),
  pairs: method([list(tuple(text, int64)), dictionary(text, text)], set(guid)),
  nothing: method([], 'void'),
})

export type MethodKey = keyof (typeof FuzzService)['methods']

export const methodKeys = Object.keys(FuzzService.methods) as MethodKey[]

/** The codecs of every argument and result of the service, each once. */
export const allCodecs: readonly AnyCodec[] = [
  ...new Set(
    Object.values(FuzzService.methods).flatMap(({ parameters, result }): AnyCodec[] =>
      result === 'void' ? [...parameters] : [...parameters, result],
    ),
  ),
]

const someDate = new Date('2026-01-02T03:04:05.678Z')
const someGuid = '00112233-4455-6677-8899-aabbccddeeff'

/** Arguments for each method. Data streams are made anew, since they are sent once. */
export function argumentsFor(key: MethodKey): unknown[] {
  switch (key) {
    case 'sayHello':
    case 'download':
      return ['Grüße 🚀']
    case 'startScript':
      return [
        {
          scriptBody: 'echo hello',
          isolation: 'FullIsolation',
          mutexTimeout: 3_600_000,
          arguments: ['a', ''],
          files: [{ name: 'a.txt', contents: DataStream.fromText('some text'), encryptionPassword: null }],
          scripts: new Map([['StdErr', 'echo']]),
          ticket: someGuid,
          durationToWait: 500.5,
          context: { image: 'base', feed: null, pods: 3 },
        },
      ]
    case 'getStatus':
      return [someGuid, 5]
    case 'upload':
      return ['/tmp/a', DataStream.fromText('content')]
    case 'everything':
      return [everything]
    case 'addLong':
      return [1n, 2n]
    case 'addDouble':
      return [1.5, 2]
    case 'pairs':
      return [[['a', 1n]], new Map([['k', 'v']])]
    case 'nothing':
      return []
  }
}

const status = {
  logs: [{ source: 'StdErr', occurred: someDate, text: 'line' }],
  nextLogSequence: 1,
  exitCode: null,
  state: 'NoIsolation',
} as const

const everything = {
  bool: true,
  bytes: Buffer.from('bytes'),
  count: 2 ** 40,
  decimal: 1.5,
  double: -0.25,
  int64: 2n ** 62n,
  dateTime: someDate,
  uri: 'https://host/',
  byNumber: new Map([[-1, Buffer.from('x')]]),
  byLong: new Map([[2n ** 60n, null]]),
  byCount: new Map([[7, false]]),
  byGuid: new Map([[someGuid, someDate]]),
  pair: ['a', 1] as [string, number],
  names: ['b', 'c'],
  table: [[1, 2], []],
}

/** What each method answers. */
export const results = {
  sayHello: () => 'hello',
  startScript: () => status,
  getStatus: () => status,
  upload: () => 7,
  download: () => DataStream.fromText('content'),
  everything: () => everything,
  addLong: () => 3n,
  addDouble: () => 3.5,
  pairs: () => [someGuid],
  nothing: () => undefined,
} as const satisfies Record<MethodKey, () => unknown>
