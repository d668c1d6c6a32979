import { defineService, method, types, type ValueOf } from '@tentacle/halibut'

/*
 * The services of the .NET library's own test-suite, under the names that they have there, so that peers written in
 * any language can be tried against each other.
 */

const { text, int32, int64, double, decimal, dataStream } = types

function testType(name: string): string {
  return `Halibut.TestUtils.Contracts.${name}, Halibut.TestUtils.Contracts`
}

export const EchoService = defineService('IEchoService', {
  /** Answers the name and `...`. */
  sayHello: method([text], text),
  /** Answers 16 after ten seconds. */
  longRunningOperation: method([], int32),
  /** Always throws. */
  crash: method([], types.bool),
  countBytes: method([dataStream], int32),
})

export interface MapLocation extends ValueOf<typeof MapLocation> {}
export const MapLocation = types.record({
  dotnet: testType('MapLocation'),
  fields: { latitude: int32, longitude: int32 },
})

const hello = { wireName: 'Hello' }
const ambiguous = { wireName: 'Ambiguous' }

/** Overloads by number and by type of the arguments. */
export const MultipleParametersService = defineService('IMultipleParametersTestService', {
  methodReturningVoid: method([int64, int64], 'void'),
  addLong: method([int64, int64], int64, { wireName: 'Add' }),
  addDouble: method([double, double], double, { wireName: 'Add' }),
  addDecimal: method([decimal, decimal], decimal, { wireName: 'Add' }),
  hello0: method([], text, hello),
  hello1: method([text], text, hello),
  hello2: method([text, text], text, hello),
  hello3: method([text, text, text], text, hello),
  hello4: method([text, text, text, text], text, hello),
  hello5: method([text, text, text, text, text], text, hello),
  hello6: method([text, text, text, text, text, text], text, hello),
  hello7: method([text, text, text, text, text, text, text], text, hello),
  hello8: method([text, text, text, text, text, text, text, text], text, hello),
  hello9: method([text, text, text, text, text, text, text, text, text], text, hello),
  hello10: method([text, text, text, text, text, text, text, text, text, text], text, hello),
  hello11: method([text, text, text, text, text, text, text, text, text, text, text], text, hello),
  /** Null as the second argument fits this one and the next: that call must be refused. */
  ambiguousText: method([text, types.nullable(text)], text, ambiguous),
  ambiguousTuple: method([text, types.nullable(types.tuple(text, text))], text, ambiguous),
  /** Answers the location with latitude and longitude exchanged. */
  getLocation: method([MapLocation], MapLocation),
})

export interface MultipleDataStreams extends ValueOf<typeof MultipleDataStreams> {}
export const MultipleDataStreams = types.record({
  dotnet: testType('ComplexObjectMultipleDataStreams'),
  fields: { payload1: dataStream, payload2: dataStream },
})

const ComplexEnum = types.enumeration(
  { RequestValue1: 0, RequestValue2: 1, RequestValue3: 2 },
  testType('ComplexEnum'),
)

const ComplexPair = types.record({
  dotnet: testType('ComplexPair`1[[Halibut.DataStream, Halibut]]'),
  fields: { enumValue: ComplexEnum, payload: dataStream },
})

export interface MultipleChildren extends ValueOf<typeof MultipleChildren> {}
export const MultipleChildren = types.record({
  dotnet: testType('ComplexObjectMultipleChildren'),
  fields: {
    child1: types.record({
      dotnet: testType('ComplexChild1'),
      fields: {
        childPayload1: dataStream,
        childPayload2: dataStream,
        listOfStreams: types.list(dataStream),
        dictionaryPayload: types.dictionary(types.guid, text),
      },
    }),
    child2: types.record({
      dotnet: testType('ComplexChild2'),
      fields: { enumPayload: ComplexEnum, complexPayloadSet: types.set(ComplexPair) },
    }),
  },
})

export interface WithInheritance extends ValueOf<typeof WithInheritance> {}
export const WithInheritance = types.record({
  dotnet: testType('ComplexObjectWithInheritance'),
  fields: {
    child1: types.oneOf(
      testType('IComplexChild'),
      types.record({ dotnet: testType('ComplexInheritedChild1'), fields: { name: text } }),
    ),
    child2: types.oneOf(
      testType('ComplexChildBase'),
      types.record({ dotnet: testType('ComplexInheritedChild2'), fields: { description: text } }),
    ),
  },
})

const process = { wireName: 'Process' }

/** Answers what it got, with data streams of its own. */
export const ComplexObjectService = defineService('IComplexObjectService', {
  processStreams: method([MultipleDataStreams], MultipleDataStreams, process),
  processChildren: method([MultipleChildren], MultipleChildren, process),
  processInheritance: method([WithInheritance], WithInheritance, process),
})

export const ReadDataStreamService = defineService('IReadDataStreamService', {
  /** Answers how many bytes all of the streams have. */
  sendData: method([types.array(dataStream)], int64),
})

export const ReturnSomeDataStreamService = defineService('IReturnSomeDataStreamService', {
  someDataStream: method([], dataStream),
})

export const CountingService = defineService('ICountingService', {
  increment: method([], int32),
  getCurrentValue: method([], int32),
})

export const LockService = defineService('ILockService', {
  /** Makes the second file, then waits until the first one is gone. */
  waitForFileToBeDeleted: method([text, text], 'void'),
})

export const ListService = defineService('IListService', {
  getList: method([], types.list(text)),
})

/** Not of the .NET test-suite: the smallest calls there are, to measure with. */
export const BenchService = defineService('IBenchService', {
  echo: method([types.nullable(text)], types.nullable(text)),
  noop: method([], 'void'),
  /** Reads a stream and answers its length. */
  count: method([dataStream], types.count),
  /** A stream of this many bytes. */
  download: method([types.count], dataStream),
  echoStream: method([dataStream], dataStream),
})
