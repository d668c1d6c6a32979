import { type Guid, writeGuid } from '../bytes/guid.ts'
import { binarySubtype } from './bson-value.ts'

const type = {
  double: 1,
  string: 2,
  document: 3,
  array: 4,
  binary: 5,
  boolean: 8,
  date: 9,
  nothing: 10,
  int32: 16,
  int64: 18,
} as const

/** The longest text or document. */
const maxSize = 0x7fff_ffff

/** The name of a member: text, or in an array the index of an element, which stands there in decimal digits. */
export type MemberName = string | number

/** Names up to this length are encoded here: a call of the runtime would take several times as long. */
const shortName = 32

/** Of the largest index that an array can have. */
const maxIndexDigits = 10

/** Kept from one document to the next up to this size, so that small messages need no new memory to grow in. */
const keptBytes = 64 * 1024
let spare: Buffer | undefined

/**
 * How large the last document was that exceeded that: the next one of its kind grows to there at once. A writer that
 * grows step by step leaves three times as much to the collector, and new memory costs more than what is written into it.
 */
let lastLargeBytes = 0
const maxExpectedBytes = 4 * 1024 * 1024

/** A part of a document that was compressed before, and is put in when the document is framed. */
export interface PackedPart {
  /** Where it belongs in what {@link BsonWriter.finish} gives. */
  readonly at: number
  /** How long it is in the document, not compressed. */
  readonly size: number
  /** Parts of a deflate stream, ended on a whole byte, that refer to nothing before them. */
  readonly deflated: readonly Buffer[]
}

/** What a {@link BsonWriter} leaves free before the document, so that a frame header fits without a copy. */
export const reservedBytes = 8

/**
 * Writes one BSON document member by member, in the order of the calls. Order, and int32 against int64 against
 * double, decide whether the .NET side can read a message at all, so nothing is left to guesses about values.
 */
export class BsonWriter {
  #buffer: Buffer
  #at = reservedBytes + 4
  readonly #starts: number[] = [reservedBytes]
  readonly #packed: PackedPart[] = []

  constructor() {
    this.#buffer = spare ?? Buffer.allocUnsafeSlow(keptBytes)
    spare = undefined
  }

  string(name: MemberName, value: string): void {
    if (typeof value !== 'string') throw new TypeError(`A value of the type ${typeof value} is not a text.`)
    this.#head(type.string, name, value.length * 3 + 5)
    const length = this.#buffer.write(value, this.#at + 4)
    this.#setSize(this.#at, length + 1)
    this.#at += 4 + length
    this.#buffer[this.#at++] = 0
  }

  int32(name: MemberName, value: number): void {
    if (value !== (value | 0)) throw outOfRange(value, 'int32')
    this.#head(type.int32, name, 4)
    this.#int32(value)
  }

  int64(name: MemberName, value: number | bigint): void {
    this.#head(type.int64, name, 8)
    this.#int64(value)
  }

  double(name: MemberName, value: number): void {
    this.#head(type.double, name, 8)
    this.#at = this.#buffer.writeDoubleLE(value, this.#at)
  }

  boolean(name: MemberName, value: boolean): void {
    this.#head(type.boolean, name, 1)
    this.#buffer[this.#at++] = value ? 1 : 0
  }

  nothing(name: MemberName): void {
    this.#head(type.nothing, name, 0)
  }

  /** @param epochMs whole milliseconds since 1970 UTC */
  date(name: MemberName, epochMs: number): void {
    this.#head(type.date, name, 8)
    this.#int64(epochMs)
  }

  bytes(name: MemberName, value: Uint8Array): void {
    this.#head(type.binary, name, value.length + 5)
    this.#setSize(this.#at, value.length)
    this.#at += 4
    this.#buffer[this.#at++] = binarySubtype.generic
    this.#buffer.set(value, this.#at)
    this.#at += value.length
  }

  guid(name: MemberName, value: Guid): void {
    this.#head(type.binary, name, 21)
    this.#int32(16)
    this.#buffer[this.#at++] = binarySubtype.uuid
    writeGuid(this.#buffer, this.#at, value)
    this.#at += 16
  }

  /** Writes a document that is BSON already. */
  rawDocument(name: MemberName, document: Uint8Array): void {
    this.#head(type.document, name, document.length)
    this.#buffer.set(document, this.#at)
    this.#at += document.length
  }

  openDocument(name: MemberName): void {
    this.#open(type.document, name)
  }

  openArray(name: MemberName): void {
    this.#open(type.array, name)
  }

  /** Writes an array whose elements are encoded and compressed already. */
  packedArray(name: MemberName, { size, deflated }: Omit<PackedPart, 'at'>): void {
    this.openArray(name)
    if (size > 0) this.#packed.push({ at: this.#at, size, deflated })
    this.close()
  }

  /** How much was written, without packed parts. */
  get size(): number {
    return this.#at - reservedBytes
  }

  /** What belongs into the document besides what was written, in order. */
  get packed(): readonly PackedPart[] {
    return this.#packed
  }

  /** Ends the document or array that was opened last. */
  close(): void {
    const start = this.#starts.pop()
    if (start === undefined) throw new TypeError('There is no open document to close.')
    this.#reserve(1)
    this.#buffer[this.#at++] = 0
    let size = this.#at - start
    for (const part of this.#packed) if (part.at > start) size += part.size
    this.#setSize(start, size)
  }

  /**
   * Ends the root document. The result is `reservedBytes` free bytes and the document. The writer cannot be used
   * afterwards.
   */
  finish(): Buffer {
    this.close()
    if (this.#starts.length > 0) throw new TypeError('A document or array is still open.')
    const all = this.#buffer.subarray(0, this.#at)
    if (this.#buffer.length > keptBytes) {
      lastLargeBytes = Math.min(this.#at, maxExpectedBytes)
      return all
    }
    spare = this.#buffer
    return Buffer.from(all)
  }

  #open(code: number, name: MemberName): void {
    this.#head(code, name, 4)
    this.#starts.push(this.#at)
    this.#at += 4
  }

  /** Type and name of a member; makes room for `size` bytes after them. */
  #head(code: number, name: MemberName, size: number): void {
    const length = typeof name === 'number' ? maxIndexDigits : name.length * 3
    this.#reserve(length + 2 + size)
    this.#buffer[this.#at++] = code
    if (typeof name === 'number') this.#index(name)
    else this.#name(name)
    this.#buffer[this.#at++] = 0
  }

  #name(name: string): void {
    if (name.length <= shortName && this.#asciiName(name)) return
    if (name.includes('\0')) throw nameWithZero()
    this.#at += this.#buffer.write(name, this.#at)
  }

  /** Answers false, having written nothing that counts, when there are other characters. */
  #asciiName(name: string): boolean {
    const buffer = this.#buffer
    const at = this.#at
    for (let i = 0; i < name.length; i++) {
      const code = name.charCodeAt(i)
      if (code === 0 || code >= 0x80) return false
      buffer[at + i] = code
    }
    this.#at = at + name.length
    return true
  }

  #index(index: number): void {
    let digits = 1
    for (let rest = index; rest >= 10; rest = Math.floor(rest / 10)) digits++
    const end = this.#at + digits
    for (let at = end - 1, rest = index; at >= this.#at; at--) {
      const next = Math.floor(rest / 10)
      this.#buffer[at] = 0x30 + rest - next * 10
      rest = next
    }
    this.#at = end
  }

  #int32(value: number): void {
    this.#setInt32(this.#at, value)
    this.#at += 4
  }

  /** A length: of a text, of bytes, or of a whole document. */
  #setSize(at: number, size: number): void {
    if (size > maxSize) throw outOfRange(size, 'length')
    this.#setInt32(at, size)
  }

  #setInt32(at: number, value: number): void {
    const buffer = this.#buffer
    buffer[at] = value
    buffer[at + 1] = value >> 8
    buffer[at + 2] = value >> 16
    buffer[at + 3] = value >> 24
  }

  #int64(value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.#at = this.#buffer.writeBigInt64LE(value, this.#at)
      return
    }
    const high = Math.floor(value / 0x1_0000_0000)
    if (high !== (high | 0)) throw outOfRange(value, 'int64')
    this.#int32(value - high * 0x1_0000_0000)
    this.#int32(high)
  }

  #reserve(size: number): void {
    const needed = this.#at + size
    if (needed <= this.#buffer.length) return
    // A little more than the last one, since messages of a kind differ a little.
    const expected = lastLargeBytes + (lastLargeBytes >> 3)
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, needed, expected))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}

function outOfRange(value: number, what: string): RangeError {
  return new RangeError(`${value} is out of the range of a BSON ${what}.`)
}

function nameWithZero(): TypeError {
  return new TypeError('The name of a BSON member cannot contain a zero character.')
}
