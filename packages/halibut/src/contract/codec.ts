import { HalibutError } from '../errors.ts'
import type { BsonValue } from '../frame/bson-value.ts'
import { BsonDocument, describeBson } from '../frame/bson-value.ts'
import type { BsonWriter, MemberName } from '../frame/bson-writer.ts'
import type { DataStream } from './data-stream.ts'
import { formatTypeName, isSameType, parseTypeName, type TypeName } from './type-name.ts'

/** Collects what goes with a message that is being written. */
export interface WriteContext {
  /** Every data stream of the message, in the order of the document. */
  readonly streams: DataStream[]
}

/** Collects what goes with a message that is being read. */
export interface ReadContext {
  /** Every data stream of the message, in the order of the document. Their bytes follow the message. */
  readonly streams: DataStream[]
}

/**
 * How well a received argument fits a parameter. `exact`: .NET would take it as it is. `loose`: .NET would not, but
 * the meaning is clear (an integer for a parameter of type `double`); used only where nothing fits exactly.
 */
export type Fit = 'exact' | 'loose' | 'none'

/** How values of a type are written as keys of a dictionary. */
export interface KeyForm<T> {
  write(value: T): string
  read(text: string): T
}

/**
 * How values of one .NET type are written and read (docs/wire/halibut.md, "Values"). Make codecs with `types`; the
 * members of this interface are for this library.
 */
export interface Codec<T> {
  /** The .NET type, as it is written into `$type` and generic arguments. */
  readonly typeName: TypeName
  /** Present on types that may be the key of a dictionary. */
  readonly key?: KeyForm<T>
  /** Whether `type` is this type, or one that is read as this type. */
  accepts(type: TypeName): boolean
  /** Writes a member whose declared type is this type: without `$type`. */
  write(out: BsonWriter, name: MemberName, value: T, context: WriteContext): void
  /** Writes a value into a slot that is declared as `object`: with `$type` where .NET needs it. */
  writeTagged(out: BsonWriter, name: MemberName, value: T, context: WriteContext): void
  /** Reads a value of either form. `undefined` is a member that was not sent. */
  read(value: BsonValue | undefined, context: ReadContext): T
  /** How well a received argument fits a parameter of this type; overloads are chosen by it. */
  fit(value: BsonValue): Fit
}

/** Any codec. Codecs are compared by what they do, so every codec is one of these. */
export type AnyCodec = Codec<unknown>

/** The type of the values of a codec. */
export type ValueOf<C> = C extends Codec<infer T> ? T : never

/**
 * An object that is needed here and is null or was not sent. .NET reads such a message, and the method fails on it: the
 * caller's mistake, and no reason to end the connection.
 */
export class MissingObjectError extends HalibutError {
  constructor(message: string) {
    super('ERR_PROTOCOL', message)
  }
}

/** The error for a value on the wire that a codec cannot read. */
export function unexpected(wanted: string, value: BsonValue | undefined): HalibutError {
  const message = `The message has ${describeBson(value)} where ${wanted} belongs.`
  return value === undefined || value === null
    ? new MissingObjectError(message)
    : new HalibutError('ERR_PROTOCOL', message)
}

/**
 * The error for a `$type` that the contract does not name. The type is refused before anything of it is read: a
 * message decides nothing about which types exist.
 */
export function unknownType(text: string, wanted: string): HalibutError {
  return new HalibutError(
    'ERR_UNKNOWN_TYPE',
    `The message names the type '${text}' where ${wanted} belongs. Only types of the service contract are read.`,
    { details: { type: text } },
  )
}

/**
 * Checks the `$type` of an object against a codec. The texts that were accepted are remembered, since peers repeat a
 * few forever; others are not, since a peer could send any number of them.
 */
export class TypeTagCheck {
  readonly text: string
  readonly #accepted = new Set<string>()
  readonly #accepts: (type: TypeName) => boolean

  constructor(own: TypeName, accepts: (type: TypeName) => boolean = type => isSameType(type, own)) {
    this.text = formatTypeName(own)
    this.#accepts = accepts
    this.#accepted.add(this.text)
  }

  isAccepted(text: string): boolean {
    if (this.#accepted.has(text)) return true
    if (!this.#accepts(parseTypeName(text))) return false
    if (this.#accepted.size < 16) this.#accepted.add(text)
    return true
  }

  /** @throws HalibutError `ERR_UNKNOWN_TYPE` when the object has a `$type` of another type. */
  check(document: BsonDocument): void {
    const text = document.typeText
    if (text !== undefined && !this.isAccepted(text)) throw unknownType(text, this.text)
  }

  /** How an argument fits a parameter that takes objects with this `$type`; `isShape` tells by the value alone. */
  fit(value: BsonValue, isShape: (value: BsonValue) => boolean): Fit {
    if (value === null) return 'exact'
    if (value instanceof BsonDocument) {
      const text = value.typeText
      if (text === this.text) return 'exact'
      if (text !== undefined) return this.isAccepted(text) ? 'exact' : 'none'
    }
    return isShape(value) ? 'loose' : 'none'
  }
}
