/**
 * Values of a BSON document, read into memory. Integers of either size are numbers (bigint beyond the safe range),
 * floating-point numbers are boxed: on the wire a whole double and an integer are different things, and the choice
 * of an overload depends on it.
 */
export type BsonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | BsonDouble
  | BsonDate
  | BsonBinary
  | BsonDocument
  | readonly BsonValue[]

/** A floating-point number, which may be whole. */
export class BsonDouble {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** A moment, to the millisecond. */
export class BsonDate {
  /** Milliseconds since 1970 UTC. */
  readonly epochMs: number

  constructor(epochMs: number) {
    this.epochMs = epochMs
  }
}

/** The kinds of binary values that .NET writes. */
export const binarySubtype = { generic: 0, uuid: 4 } as const

/** Bytes with the kind that tells a GUID from plain content. */
export class BsonBinary {
  readonly subtype: number
  readonly bytes: Buffer

  constructor(subtype: number, bytes: Buffer) {
    this.subtype = subtype
    this.bytes = bytes
  }
}

/**
 * Members in the order of the wire. Names are matched exactly first, then without regard to case, as .NET does; of several
 * with the same name the last one counts. Two arrays rather than a map: most documents have few members, and a page
 * of a log has thousands of documents.
 */
export class BsonDocument {
  readonly names: readonly string[]
  readonly values: readonly BsonValue[]

  constructor(names: readonly string[], values: readonly BsonValue[]) {
    this.names = names
    this.values = values
  }

  /** The members by their names, for those who need all of them. */
  get members(): ReadonlyMap<string, BsonValue> {
    return new Map(this.names.map((name, index) => [name, this.values[index] ?? null]))
  }

  get(name: string): BsonValue | undefined {
    const { names } = this
    for (let at = names.length - 1; at >= 0; at--) {
      if (names[at] === name) return this.values[at]
    }
    const wanted = name.toLowerCase()
    const like = (candidate: string) => candidate.length === name.length && candidate.toLowerCase() === wanted
    const found = names.find(like)
    return found === undefined ? undefined : this.exact(found)
  }

  /** The member of exactly this name. */
  exact(name: string): BsonValue | undefined {
    return this.values[this.names.lastIndexOf(name)]
  }

  /** The text of `$type`, which counts only as the first member; some writers number their objects before it. */
  get typeText(): string | undefined {
    const first = this.names[0] === '$id' ? this.names.find(name => name !== '$id') : this.names[0]
    const type = first === '$type' ? this.exact(first) : undefined
    return typeof type === 'string' ? type : undefined
  }
}

/** What a value is, in words, for messages about unexpected ones. */
export function describeBson(value: BsonValue | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'string') return 'a string'
  if (typeof value === 'boolean') return 'a boolean'
  if (typeof value === 'number' || typeof value === 'bigint') return 'an integer'
  if (value instanceof BsonDouble) return 'a floating-point number'
  if (value instanceof BsonDate) return 'a date'
  if (value instanceof BsonBinary) return 'binary data'
  return value instanceof BsonDocument ? 'an object' : 'an array'
}
