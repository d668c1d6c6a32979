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
  /** `bool`. Not sent: false. */
  bool: values.bool,
  /** `int` and smaller, as a number. No parameter of a .NET method can be one: use `int64` or `double` there. */
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
  /** `TimeSpan`, in milliseconds. A parameter of a .NET method cannot be one. */
  timeSpan: values.timeSpan,
  /** `Uri`, as text. */
  uri: values.uri,
  /** `byte[]`, within the message. Large content belongs into a data stream. */
  bytes: values.bytes,
  /** `DataStream`: bytes beside the message, of any length. */
  dataStream,
  /** `T?`, and any class where null differs from empty: `nullable(text)` is a string or null. */
  nullable,
  /** `List<T>`, as an array. */
  list,
  /** `T[]`, as an array. */
  array,
  /** `HashSet<T>`, as an array without an order. */
  set,
  /** `Dictionary<K, V>`, as a Map. Keys are text, GUIDs, whole numbers or enums. */
  dictionary,
  /** `Tuple<…>` of one to seven values, as an array. */
  tuple,
  /** An enum, as the name of its value. */
  enumeration,
  /** A class, as an object. */
  record,
  /** An interface or abstract class: one of several records. */
  oneOf,
} as const
