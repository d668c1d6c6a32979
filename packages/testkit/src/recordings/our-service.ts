import { createHash } from 'node:crypto'
import { DataStream, defineService, type HostedService, host, method, types } from '@tentacle/halibut'
import { contentOf } from './recording.ts'

/*
 * The service of the recordings of our own two sides: something of every value, error and data stream. A change here
 * needs new recordings (record-ours.ts).
 */

const { text, int64, double, dataStream } = types

function recordedType(name: string): string {
  return `Recorded.${name}, Recorded`
}

const Kind = types.enumeration({ Small: 0, Large: 7 }, recordedType('Kind'))

const Circle = types.record({ dotnet: recordedType('Circle'), fields: { radius: double } })
const Square = types.record({ dotnet: recordedType('Square'), fields: { side: types.int32 } })
const Shape = types.oneOf(recordedType('IShape'), Circle, Square)

const Labelled = types.record({
  dotnet: recordedType('Labelled`1[[System.String, mscorlib]]'),
  fields: { label: text, kind: Kind },
})

export const Everything = types.record({
  dotnet: recordedType('Everything'),
  fields: {
    flag: types.bool,
    int: types.int32,
    long: int64,
    count: types.count,
    fraction: double,
    money: types.decimal,
    name: text,
    nothing: types.nullable(text),
    guid: types.guid,
    at: types.dateTime,
    atOffset: types.dateTimeOffset,
    lasts: types.timeSpan,
    link: types.uri,
    raw: types.bytes,
    kind: Kind,
    shape: Shape,
    shapes: types.list(Shape),
    words: types.array(text),
    labels: types.set(Labelled),
    byGuid: types.dictionary(types.guid, text),
    byKind: types.dictionary(Kind, int64),
    pair: types.tuple(text, int64),
  },
})

export const StreamBox = types.record({
  dotnet: recordedType('StreamBox'),
  fields: { label: text, first: dataStream, more: types.list(dataStream) },
})

const add = { wireName: 'Add' }
const ambiguous = { wireName: 'Ambiguous' }

export const RecordedService = defineService('IRecordedService', {
  sayHello: method([text], text),
  doNothing: method([], 'void'),
  addLong: method([int64, int64], int64, add),
  addDouble: method([double, double], double, add),
  isLater: method([types.dateTime, types.dateTime], types.bool),
  sameGuid: method([types.guid], types.guid),
  sameTime: method([types.dateTime], types.dateTime),
  reverseBytes: method([types.bytes], types.bytes),
  reverseList: method([types.list(text)], types.list(text)),
  swapPair: method([types.tuple(text, text)], types.tuple(text, text)),
  sameTable: method([types.dictionary(text, int64)], types.dictionary(text, int64)),
  sameOrNull: method([types.nullable(text)], types.nullable(text)),
  everything: method([Everything], Everything),
  /** Throws, with a stack that is the same everywhere. */
  divideByZero: method([], int64),
  /** Null fits both. */
  ambiguousText: method([types.nullable(text)], text, ambiguous),
  ambiguousList: method([types.nullable(types.list(text))], text, ambiguous),
  /** Answers the text that it got: one of more than 64 KiB, see {@link longText}. */
  echo: method([text], text),
  countBytes: method([dataStream], types.count),
  /** The same on a stream that is not stored. */
  countLive: method([dataStream], types.count),
  makeStream: method([types.count], dataStream),
  echoBox: method([StreamBox], StreamBox),
  /** The last call: a polling service says END after its answer. */
  farewell: method([], text),
})

/** What nobody hosts. */
export const UnknownService = defineService('INobodyHasThis', { nope: method([text], text) })

/** A method that the service does not have. */
export const WithUnknownMethod = defineService('IRecordedService', { notThere: method([text], text) })

/** Hosts the service. @param onFarewell called before the last call is answered */
export function hostRecorded(onFarewell: () => void = () => {}): HostedService {
  return host(
    RecordedService,
    {
      sayHello: name => `${name}...`,
      doNothing: () => undefined,
      addLong: (a, b) => a + b,
      addDouble: (a, b) => a + b,
      isLater: (a, b) => a > b,
      sameGuid: value => value,
      sameTime: value => value,
      reverseBytes: value => Buffer.from(value).reverse(),
      reverseList: value => value.toReversed(),
      swapPair: ([a, b]) => [b, a],
      sameTable: value => value,
      sameOrNull: value => value,
      everything: value => value,
      divideByZero: () => {
        const error = new RangeError('Attempted to divide by zero.')
        error.stack = `${String(error)}\n    at divide (recorded.ts:1:1)`
        throw error
      },
      ambiguousText: () => 'text',
      ambiguousList: () => 'list',
      echo: value => value,
      countBytes: async stream => (await stream.bytes()).length,
      countLive: async stream => (await stream.bytes()).length,
      makeStream: length => DataStream.fromBytes(contentOf(length)),
      echoBox: ({ label, first, more }) => ({ label, first: again(first), more: more.map(again) }),
      farewell: () => {
        onFarewell()
        return 'Goodbye'
      },
    },
    { liveStreams: ['countLive'] },
  )
}

/** A stream of its own with what was received. */
function again(stream: DataStream): DataStream {
  return DataStream.from(stream.length, () => stream.read())
}

/** A text of six letters that deflate cannot make small, but always the same. */
export function longText(length: number): string {
  const parts: string[] = []
  for (let made = 0; made < length; made += 32) {
    const digest = createHash('sha256').update(String(made)).digest()
    parts.push(Array.from(digest, byte => 'abcdef'[byte % 6]).join(''))
  }
  return parts.join('').slice(0, length)
}
