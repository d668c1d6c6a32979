import { emptyGuid, type Guid, isGuid, readGuid } from '../bytes/guid.ts'
import { HalibutError } from '../errors.ts'
import {
  BsonBinary,
  BsonDate,
  BsonDocument,
  BsonDouble,
  type BsonValue,
  binarySubtype,
} from '../frame/bson-value.ts'
import type { BsonWriter, MemberName } from '../frame/bson-writer.ts'
import { type Codec, type Fit, type KeyForm, TypeTagCheck, unexpected } from './codec.ts'
import { formatTimeSpan, parseTimeSpan } from './time-span.ts'
import { arrayOf, isSameType, systemType, type TypeName } from './type-name.ts'

interface ScalarParts<T> {
  readonly type: string
  readonly assembly?: string
  readonly absent: T
  readonly key?: KeyForm<T>
  write(out: BsonWriter, name: MemberName, value: T): void
  read(value: BsonValue): T | undefined
  fit(value: BsonValue): Fit
}

/** A type that has no `$type` in any slot: .NET writes these bare, and so loses which of them it was. */
function scalar<T>(parts: ScalarParts<T>): Codec<T> {
  const typeName = systemType(parts.type, [], parts.assembly)
  const { absent, key } = parts
  return {
    typeName,
    ...(key && { key }),
    accepts: type => isSameType(type, typeName),
    write: (out, name, value) => parts.write(out, name, value),
    writeTagged: (out, name, value) => parts.write(out, name, value),
    read(value) {
      if (value === undefined || value === null) return absent
      const result = parts.read(unwrapped(value))
      if (result === undefined) throw unexpected(parts.type, value)
      return result
    },
    fit: value => parts.fit(value),
  }
}

/** Some writers wrap a bare value as `{ $type, $value }`; .NET reads that too. */
function unwrapped(value: BsonValue): BsonValue {
  return value instanceof BsonDocument ? (value.exact('$value') ?? value) : value
}

function isInteger(value: BsonValue): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** The number that a numeric value stands for. */
function toNumber(value: BsonValue): number | undefined {
  if (isInteger(value)) return Number(value)
  if (value instanceof BsonDouble) return value.value
  if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value)
  return undefined
}

function toInteger(value: BsonValue, smallest: number, largest: number): number | undefined {
  const number = toNumber(value)
  return number !== undefined && Number.isInteger(number) && number >= smallest && number <= largest
    ? number
    : undefined
}

function checkNumber(value: number, isValid: boolean, type: string): number {
  if (!isValid) throw new TypeError(`${String(value)} is not a value of the type ${type}.`)
  return value
}

const int32Limits = [-0x8000_0000, 0x7fff_ffff] as const
const safeLimits = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] as const

/** Whole numbers are written in decimal digits; any other text is no key. */
function wholeNumberKey<T>(type: string, parse: (digits: string) => T | undefined): KeyForm<T> {
  return {
    write: String,
    read(text) {
      const key = /^-?\d{1,19}$/.test(text) ? parse(text) : undefined
      if (key === undefined) throw noKey(type, text)
      return key
    },
  }
}

function noKey(type: string, text: string): HalibutError {
  return new HalibutError(
    'ERR_PROTOCOL',
    `The message has the key ${JSON.stringify(text.slice(0, 80))} in a dictionary whose keys are ${type}.`,
  )
}

function isInt32(value: number): boolean {
  return Number.isInteger(value) && value >= int32Limits[0] && value <= int32Limits[1]
}

/** `string`. Numbers are read as text too, as .NET does. */
export const text: Codec<string> = scalar<string>({
  type: 'System.String',
  absent: '',
  key: { write: value => value, read: value => value },
  write: (out, name, value) => out.string(name, value),
  read: value => (typeof value === 'string' ? value : isInteger(value) ? String(value) : undefined),
  fit: value => (typeof value === 'string' || value === null ? 'exact' : 'none'),
})

/** `bool`: nothing else is read as one. */
export const bool: Codec<boolean> = scalar<boolean>({
  type: 'System.Boolean',
  absent: false,
  write: (out, name, value) => out.boolean(name, value),
  read: value => (typeof value === 'boolean' ? value : undefined),
  fit: value => (typeof value === 'boolean' ? 'exact' : 'none'),
})

/** `int`, `short`, `byte` and the like. Whole doubles and digits in text are read as well, as .NET does. */
export const int32: Codec<number> = scalar<number>({
  type: 'System.Int32',
  absent: 0,
  key: wholeNumberKey('System.Int32', digits => toInteger(digits, ...int32Limits)),
  write: (out, name, value) => out.int32(name, checkNumber(value, isInt32(value), 'int32')),
  read: value => toInteger(value, ...int32Limits),
  fit: value => (typeof value === 'number' && isInt32(value) ? 'loose' : 'none'),
})

/** `long` in full: a bigint. */
export const int64: Codec<bigint> = scalar<bigint>({
  type: 'System.Int64',
  absent: 0n,
  key: wholeNumberKey('System.Int64', digits => {
    const value = BigInt(digits)
    return BigInt.asIntN(64, value) === value ? value : undefined
  }),
  write: (out, name, value) => out.int64(name, value),
  read(value) {
    if (isInteger(value)) return BigInt(value)
    const number = toInteger(value, ...safeLimits)
    return number === undefined ? undefined : BigInt(number)
  },
  fit: value => (isInteger(value) ? 'exact' : 'none'),
})

/** `long` where 2^53 is enough: a number. Larger values of the other side are `ERR_PROTOCOL`. */
export const count: Codec<number> = scalar<number>({
  type: 'System.Int64',
  absent: 0,
  key: wholeNumberKey('System.Int64', digits => toInteger(digits, ...safeLimits)),
  write: (out, name, value) => out.int64(name, checkNumber(value, Number.isSafeInteger(value), 'count')),
  read: value => toInteger(value, ...safeLimits),
  fit: value => (typeof value === 'number' ? 'exact' : 'none'),
})

function floating(type: string, exact: Fit): Codec<number> {
  return scalar<number>({
    type,
    absent: 0,
    write: (out, name, value) => out.double(name, checkNumber(value, typeof value === 'number', type)),
    read: toNumber,
    fit: value => (value instanceof BsonDouble ? exact : isInteger(value) ? 'loose' : 'none'),
  })
}

/** `double` and `float`. Infinities and NaN travel. */
export const double: Codec<number> = floating('System.Double', 'exact')

/** A decimal travels as a double, and .NET then gives it to a `double` parameter only. */
export const decimal: Codec<number> = floating('System.Decimal', 'loose')

/** `Guid`. Upper case is accepted and becomes lower case. */
export const guid: Codec<Guid> = scalar<Guid>({
  type: 'System.Guid',
  absent: emptyGuid,
  key: {
    write: value => checkGuid(value),
    read(value) {
      const key = toGuid(value)
      if (key === undefined) throw noKey('System.Guid', value)
      return key
    },
  },
  write: (out, name, value) => out.guid(name, checkGuid(value)),
  read: toGuid,
  fit: value =>
    isUuid(value) ? 'exact' : typeof value === 'string' && isGuid(value.toLowerCase()) ? 'loose' : 'none',
})

function isUuid(value: BsonValue): value is BsonBinary {
  return value instanceof BsonBinary && value.subtype === binarySubtype.uuid && value.bytes.length === 16
}

/** The GUID of a value: binary in the usual case, text from hand-made messages. */
export function toGuid(value: BsonValue): Guid | undefined {
  if (isUuid(value)) return readGuid(value.bytes)
  if (typeof value !== 'string') return undefined
  const lower = value.toLowerCase()
  return isGuid(lower) ? lower : undefined
}

function checkGuid(value: string): Guid {
  const lower = value.toLowerCase()
  if (!isGuid(lower)) throw new TypeError(`'${value}' is not a GUID.`)
  return lower
}

/** .NET's smallest date, which is what a date is that nobody set. */
const minimumDateMs = -62_135_596_800_000

function date(type: string): Codec<Date> {
  return scalar<Date>({
    type,
    absent: new Date(minimumDateMs),
    write(out, name, value) {
      const epochMs = value.getTime()
      out.date(name, checkNumber(epochMs, Number.isFinite(epochMs), type))
    },
    read(value) {
      const epochMs =
        value instanceof BsonDate ? value.epochMs : typeof value === 'string' ? Date.parse(value) : Number.NaN
      // 64 bits hold dates that neither side has.
      const date = new Date(epochMs)
      return Number.isNaN(date.getTime()) ? undefined : date
    },
    fit: value => (value instanceof BsonDate ? (type === 'System.DateTime' ? 'exact' : 'loose') : 'none'),
  })
}

/** `DateTime`, taken for UTC. Text in the form of ISO 8601 is read as well. */
export const dateTime: Codec<Date> = date('System.DateTime')
/** `DateTimeOffset`: the moment alone travels, its offset does not. */
export const dateTimeOffset: Codec<Date> = date('System.DateTimeOffset')

/** `TimeSpan` as milliseconds; its ticks of 100 ns are the digits behind the point. */
export const timeSpan: Codec<number> = scalar<number>({
  type: 'System.TimeSpan',
  absent: 0,
  write: (out, name, value) => out.string(name, formatTimeSpan(value)),
  read: value => (typeof value === 'string' ? parseTimeSpan(value) : undefined),
  fit: value => (typeof value === 'string' && parseTimeSpan(value) !== undefined ? 'loose' : 'none'),
})

/** `Uri` as text, which is not checked here. */
export const uri: Codec<string> = scalar<string>({
  type: 'System.Uri',
  assembly: 'System',
  absent: '',
  write: (out, name, value) => out.string(name, value),
  read: value => (typeof value === 'string' ? value : undefined),
  fit: value => (typeof value === 'string' ? 'loose' : value === null ? 'exact' : 'none'),
})

const bytesType: TypeName = arrayOf(systemType('System.Byte'))
const bytesTag = new TypeTagCheck(bytesType)

/** Bytes within the document. In an `object` slot they are wrapped, or .NET would not know them from a GUID. */
export const bytes: Codec<Uint8Array> = {
  typeName: bytesType,
  accepts: type => isSameType(type, bytesType),
  write: (out, name, value) => out.bytes(name, value),
  writeTagged(out, name, value) {
    out.openDocument(name)
    out.string('$type', bytesTag.text)
    out.bytes('$value', value)
    out.close()
  },
  read(value) {
    if (value === undefined || value === null) return new Uint8Array(0)
    if (value instanceof BsonDocument) bytesTag.check(value)
    const inner = unwrapped(value)
    if (inner instanceof BsonBinary) return inner.bytes
    if (typeof inner === 'string') return Buffer.from(inner, 'base64')
    throw unexpected('System.Byte[]', value)
  },
  fit: value => bytesTag.fit(value, other => other instanceof BsonBinary),
}
