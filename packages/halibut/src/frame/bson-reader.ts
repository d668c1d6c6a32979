import { HalibutError } from '../errors.ts'
import { BsonBinary, BsonDate, BsonDocument, BsonDouble, type BsonValue } from './bson-value.ts'

/** .NET's reader gives up at 64 containers inside each other; a limit also keeps hostile input off our stack. */
const defaultMaximumDepth = 64

/** A value costs up to 300 bytes in memory and 2 in the message: what is small on the wire must not fill the memory. */
const defaultMaximumValues = 2_000_000

/** Names that were read lately, by a hash: nearly all are those of a few contracts, and most stand there thousands of times. */
const seenNames: (string | undefined)[] = new Array(256).fill(undefined)
const maxSeenLength = 64

/** Documents with more members than this are no elements of a list. */
const maxSharedNames = 16
const noNames: readonly string[] = []

/** The smallest BSON document: its length and the closing zero. */
const emptyDocumentBytes = 5

/**
 * Reads one BSON document that fills `bytes` exactly.
 *
 * @param maximumDepth how many objects and arrays may stand in each other
 * @param maximumValues how many values there may be, in all objects and arrays together
 * @throws HalibutError `ERR_PROTOCOL` with the offset at which the bytes stop making sense; `ERR_MESSAGE_TOO_LARGE`
 *   for too many values
 */
export function readBson(
  bytes: Buffer,
  maximumDepth: number = defaultMaximumDepth,
  maximumValues: number = defaultMaximumValues,
): BsonDocument {
  const reader = new BsonReader(bytes, maximumDepth, maximumValues)
  const document = reader.document(0)
  if (reader.at !== bytes.length)
    throw malformed(reader.at, `${bytes.length - reader.at} bytes follow the document`)
  return document
}

class BsonReader {
  at = 0
  readonly #bytes: Buffer
  readonly #maximumDepth: number
  readonly #maximumValues: number
  #values = 0
  /** Of the last document at each depth: the elements of a list have the same, and share them. */
  readonly #lastNames: (readonly string[])[] = []

  constructor(bytes: Buffer, maximumDepth: number, maximumValues: number) {
    this.#bytes = bytes
    this.#maximumDepth = maximumDepth
    this.#maximumValues = maximumValues
  }

  document(depth: number): BsonDocument {
    const end = this.#begin(depth)
    const expected = this.#lastNames[depth] ?? noNames
    const values: BsonValue[] = new Array(expected.length)
    let names: string[] | undefined
    let count = 0
    for (let type = this.#byte(); type !== 0; type = this.#byte(), count++) {
      const name = this.#name()
      if (names === undefined && name !== expected[count]) names = expected.slice(0, count)
      names?.push(name)
      values[count] = this.#value(type, depth)
    }
    this.#end(end)
    values.length = count
    const all = names ?? (count === expected.length ? expected : expected.slice(0, count))
    if (count <= maxSharedNames) this.#lastNames[depth] = all
    return new BsonDocument(all, values)
  }

  #array(depth: number): BsonValue[] {
    const end = this.#begin(depth)
    const elements: BsonValue[] = []
    for (let type = this.#byte(); type !== 0; type = this.#byte()) {
      this.#skipName()
      elements.push(this.#value(type, depth))
    }
    this.#end(end)
    return elements
  }

  #value(type: number, depth: number): BsonValue {
    if (++this.#values > this.#maximumValues) throw tooManyValues(this.#maximumValues)
    switch (type) {
      case 0x01:
        return new BsonDouble(this.#bytes.readDoubleLE(this.#take(8)))
      case 0x02:
      case 0x0e: // symbol
        return this.#string()
      case 0x03:
        return this.document(depth + 1)
      case 0x04:
        return this.#array(depth + 1)
      case 0x05:
        return this.#binary()
      case 0x06: // undefined
      case 0x0a:
        return null
      case 0x08:
        return this.#byte() !== 0
      case 0x09:
        return new BsonDate(Number(this.#int64()))
      case 0x10:
        return this.#bytes.readInt32LE(this.#take(4))
      case 0x12:
        return this.#int64()
      default:
        throw malformed(this.at, `type ${type} is not one that Halibut uses`)
    }
  }

  #begin(depth: number): number {
    if (depth >= this.#maximumDepth)
      throw malformed(this.at, `more than ${this.#maximumDepth} objects and arrays are inside each other`)
    const start = this.at
    const size = this.#bytes.readInt32LE(this.#take(4))
    if (size < emptyDocumentBytes || start + size > this.#bytes.length) {
      throw malformed(
        start,
        `a document of ${size} bytes does not fit into the ${this.#bytes.length - start} that are there`,
      )
    }
    return start + size
  }

  #end(expected: number): void {
    if (this.at !== expected) throw malformed(this.at, `the document should end at ${expected}`)
  }

  #string(): string {
    const size = this.#bytes.readInt32LE(this.#take(4))
    if (size < 1) throw malformed(this.at, `a string of ${size} bytes`)
    const start = this.#take(size)
    if (this.#bytes[start + size - 1] !== 0) throw malformed(this.at, 'a string without its closing zero')
    return this.#bytes.toString('utf8', start, start + size - 1)
  }

  #binary(): BsonBinary {
    const size = this.#bytes.readInt32LE(this.#take(4))
    const subtype = this.#byte()
    if (size < 0) throw malformed(this.at, `binary data of ${size} bytes`)
    const start = this.#take(size)
    return new BsonBinary(subtype, this.#bytes.subarray(start, start + size))
  }

  #int64(): number | bigint {
    const at = this.#take(8)
    const low = this.#bytes.readUInt32LE(at)
    const high = this.#bytes.readInt32LE(at + 4)
    if (high >= -0x20_0000 && high < 0x20_0000) return high * 0x1_0000_0000 + low
    return this.#bytes.readBigInt64LE(at)
  }

  #name(): string {
    const start = this.at
    let hash = 0
    for (let byte = this.#byte(); byte !== 0; byte = this.#byte()) hash = (hash * 31 + byte) | 0
    const slot = hash & (seenNames.length - 1)
    const seen = seenNames[slot]
    if (seen !== undefined && this.#isAt(start, seen)) return seen
    const name = this.#bytes.toString('utf8', start, this.at - 1)
    if (name.length <= maxSeenLength) seenNames[slot] = name
    return name
  }

  /** Whether a name of ASCII characters stands at `start`, and nothing else before its zero. */
  #isAt(start: number, name: string): boolean {
    if (this.at - 1 - start !== name.length) return false
    for (let i = 0; i < name.length; i++) {
      if (this.#bytes[start + i] !== name.charCodeAt(i)) return false
    }
    return true
  }

  #skipName(): void {
    while (this.#byte() !== 0);
  }

  #byte(): number {
    const value = this.#bytes[this.at]
    if (value === undefined) throw malformed(this.at, 'the bytes end inside a document')
    this.at++
    return value
  }

  /** Moves past `size` bytes and returns where they start. */
  #take(size: number): number {
    const start = this.at
    if (start + size > this.#bytes.length) throw malformed(start, 'the bytes end inside a document')
    this.at += size
    return start
  }
}

function malformed(offset: number, what: string): HalibutError {
  return new HalibutError(
    'ERR_PROTOCOL',
    `The message is not a BSON document: at offset ${offset}, ${what}.`,
    {
      details: { offset },
    },
  )
}

function tooManyValues(maximumValues: number): HalibutError {
  return new HalibutError(
    'ERR_MESSAGE_TOO_LARGE',
    `A message with more than ${maximumValues} values arrived. Raise limits.maximumValuesPerMessage if it was meant.`,
    { details: { maximumValuesPerMessage: maximumValues } },
  )
}
