import { enumeration, nullable } from './choices.ts'
import { array, dictionary, list, set, tuple } from './collections.ts'
import { dataStream, oneOf, record } from './records.ts'
import * as values from './value-types.ts'

/**
 * The words in which a service contract is written: one codec for each .NET type that can stand in a message
 * (docs/wire/halibut.md, "Values").
 *
 * @example
 * const Point = types.record({ dotnet: 'Maps.Point, Maps', fields: { latitude: types.int32, longitude: types.int32 } })
 */
export const types = {
  /** `string`. A null is read as the empty text; use `nullable(text)` where the difference matters. */
  text: values.text,
  /** `bool` */
  bool: values.bool,
  /** `int` and smaller, as a number. */
  int32: values.int32,
  /** `long`, as a bigint. */
  int64: values.int64,
  /** `long`, as a number: for counts and sizes, which stay below 2^53. */
  count: values.count,
  /** `double` and `float` */
  double: values.double,
  /** `decimal`, which loses digits on the wire: it travels as a double. */
  decimal: values.decimal,
  /** `Guid`, as lower-case text with dashes. */
  guid: values.guid,
  /** `DateTime`, to the millisecond. */
  dateTime: values.dateTime,
  /** `DateTimeOffset`, to the millisecond; the offset does not travel. */
  dateTimeOffset: values.dateTimeOffset,
  /** `TimeSpan`, in milliseconds. */
  timeSpan: values.timeSpan,
  /** `Uri`, as text. */
  uri: values.uri,
  /** `byte[]`, within the message. Large content belongs into a data stream. */
  bytes: values.bytes,
  /** `DataStream` */
  dataStream,
  nullable,
  list,
  array,
  set,
  dictionary,
  tuple,
  enumeration,
  record,
  oneOf,
} as const
