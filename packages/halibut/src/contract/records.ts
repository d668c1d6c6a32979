import { HalibutError, toError } from '../errors.ts'
import { BsonDocument, type BsonValue } from '../frame/bson-value.ts'
import type { BsonWriter, MemberName } from '../frame/bson-writer.ts'
import {
  type AnyCodec,
  type Codec,
  MissingObjectError,
  type ReadContext,
  TypeTagCheck,
  unexpected,
  unknownType,
  type ValueOf,
  type WriteContext,
} from './codec.ts'
import { DataStream } from './data-stream.ts'
import { isSameType, parseTypeName, type TypeName } from './type-name.ts'
import { toGuid } from './value-types.ts'

/** A member whose wire name is not its own name with a capital first letter. */
export interface Field<T> {
  /** Its name in .NET, in full. */
  readonly wireName: string
  /** What stands there. */
  readonly codec: Codec<T>
}

/** Names a member of a record on the wire, where that is not the key with a capital first letter. */
export function field<T>(wireName: string, codec: Codec<T>): Field<T> {
  return { wireName, codec }
}

/** The members of a record by their names here: a codec alone, or with its name on the wire. */
export type Fields = Readonly<Record<string, AnyCodec | Field<unknown>>>

type FieldValue<F> = F extends Field<infer T> ? T : ValueOf<F>

/** The type of the values of a record. */
export type RecordOf<F extends Fields> = { readonly [K in keyof F]: FieldValue<F[K]> }

/** How a .NET class is described. */
export interface RecordDescription<F extends Fields> {
  /** `Namespace.Type, Assembly` as it is written. */
  readonly dotnet: string
  /** More names under which the class is read. */
  readonly alsoReads?: readonly string[]
  /** The members in the order in which they are written. */
  readonly fields: F
}

/** A codec that knows which objects are its own: what `oneOf` chooses from. */
export interface RecordCodec<T> extends Codec<T> {
  /** Whether the object has every member of this record. */
  isShapeOf(value: unknown): boolean
  /** Whether this `$type` text names this record. */
  isNamed(type: string): boolean
}

interface Member {
  readonly key: string
  readonly wireName: string
  readonly codec: AnyCodec
}

function toMember(key: string, part: AnyCodec | Field<unknown>): Member {
  if ('wireName' in part) return { key, wireName: part.wireName, codec: part.codec }
  return { key, wireName: key.charAt(0).toUpperCase() + key.slice(1), codec: part }
}

/**
 * A .NET class with these members. Members that the class does not have are read over, members that were not sent
 * get .NET's default: null, zero, false, the empty text or collection.
 */
export function record<const F extends Fields>({
  dotnet,
  alsoReads = [],
  fields,
}: RecordDescription<F>): RecordCodec<RecordOf<F>> {
  const names = [dotnet, ...alsoReads].map(parseTypeName)
  const typeName = parseTypeName(dotnet)
  const accepts = (type: TypeName) => names.some(name => isSameType(name, type))
  const tag = new TypeTagCheck(typeName, accepts)
  const members = Object.entries(fields).map(([key, part]) => toMember(key, part))

  function writeMembers(out: BsonWriter, value: object, context: WriteContext): void {
    for (const { key, wireName, codec } of members) {
      try {
        codec.write(out, wireName, Reflect.get(value, key), context)
      } catch (error) {
        throw atMember(error, dotnet, wireName)
      }
    }
  }

  return {
    typeName,
    accepts,
    isNamed: type => tag.isAccepted(type),
    isShapeOf: value =>
      typeof value === 'object' && value !== null && members.every(({ key }) => key in value),
    write(out, name, value, context) {
      out.openDocument(name)
      writeMembers(out, value, context)
      out.close()
    },
    writeTagged(out, name, value, context) {
      out.openDocument(name)
      out.string('$type', tag.text)
      writeMembers(out, value, context)
      out.close()
    },
    read(value, context) {
      if (!(value instanceof BsonDocument)) throw unexpected(dotnet, value)
      tag.check(value)
      const result: Record<string, unknown> = {}
      for (const { key, wireName, codec } of members) {
        try {
          result[key] = codec.read(value.get(wireName), context)
        } catch (error) {
          throw atMember(error, dotnet, wireName)
        }
      }
      return result as RecordOf<F>
    },
    fit: value => tag.fit(value, other => other instanceof BsonDocument),
  }
}

/** Adds to an error at which member it happened. The innermost member is named first. */
function atMember(thrown: unknown, type: string, member: string): Error {
  const error = toError(thrown)
  const message = `${error.message} (${type.split(',')[0]}.${member})`
  if (error instanceof MissingObjectError) return new MissingObjectError(message)
  if (error instanceof HalibutError)
    return new HalibutError(error.code, message, { details: error.details, cause: error.cause })
  return new TypeError(message, { cause: error })
}

/**
 * A slot declared as an interface or abstract class: which of the records is there stands in `$type`, in every
 * slot. A value is written as the first record all of whose members it has.
 *
 * @param base the .NET name of the interface or class, `Namespace.Type, Assembly`
 */
export function oneOf<const R extends readonly RecordCodec<unknown>[]>(
  base: string,
  ...records: R
): Codec<ValueOf<R[number]>> {
  const typeName = parseTypeName(base)

  function write(out: BsonWriter, name: MemberName, value: unknown, context: WriteContext): void {
    const chosen = records.find(candidate => candidate.isShapeOf(value))
    if (!chosen)
      throw new TypeError(`The object has not all members of any of the types that ${base} stands for.`)
    chosen.writeTagged(out, name, value, context)
  }

  function named(value: BsonValue | undefined): RecordCodec<unknown> | undefined {
    const text = value instanceof BsonDocument ? value.typeText : undefined
    return text === undefined ? undefined : records.find(candidate => candidate.isNamed(text))
  }

  return {
    typeName,
    accepts: type => isSameType(type, typeName) || records.some(candidate => candidate.accepts(type)),
    write,
    writeTagged: write,
    read(value: BsonValue | undefined, context: ReadContext) {
      const chosen = named(value)
      if (chosen) return chosen.read(value, context) as ValueOf<R[number]>
      const text = value instanceof BsonDocument ? value.typeText : undefined
      throw text === undefined ? unexpected(base, value) : unknownType(text, base)
    },
    fit: value => (value === null || named(value) ? 'exact' : 'none'),
  }
}

const dataStreamType = parseTypeName('Halibut.DataStream, Halibut')
const dataStreamTag = new TypeTagCheck(dataStreamType)

function writeDataStream(out: BsonWriter, stream: DataStream, context: WriteContext): void {
  if (context.streams.includes(stream)) {
    throw new TypeError(
      'A data stream stands twice in one message. Make a second stream of the same content.',
    )
  }
  DataStream.contentOf(stream) // Fails here rather than when the message is half sent.
  context.streams.push(stream)
  out.guid('id', stream.id)
  out.int64('length', stream.length)
}

/** Bytes beside the message. In the message there is only their id and length. */
export const dataStream: Codec<DataStream> = {
  typeName: dataStreamType,
  accepts: type => isSameType(type, dataStreamType),
  write(out, name, stream, context) {
    out.openDocument(name)
    writeDataStream(out, stream, context)
    out.close()
  },
  writeTagged(out, name, stream, context) {
    out.openDocument(name)
    out.string('$type', dataStreamTag.text)
    writeDataStream(out, stream, context)
    out.close()
  },
  read(value, context) {
    if (!(value instanceof BsonDocument)) throw unexpected(dataStreamTag.text, value)
    dataStreamTag.check(value)
    const stream = toExpectedStream(value)
    if (!stream) throw unexpected('the id and length of a data stream', value)
    context.streams.push(stream)
    return stream
  },
  fit: value =>
    dataStreamTag.fit(value, other => other instanceof BsonDocument && toExpectedStream(other) !== undefined),
}

/** The stream that an object announces, or undefined when it is no data stream. */
export function toExpectedStream(document: BsonDocument): DataStream | undefined {
  const id = toGuid(document.get('id') ?? null)
  const length = document.get('length')
  if (id === undefined || typeof length !== 'number' || length < 0) return undefined
  return DataStream.expected(id, length)
}
