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

const smallIndexes: readonly string[] = Array.from({ length: 256 }, (_, index) => String(index))

/** The name of an array's element: its index in decimal digits. */
export function indexName(index: number): string {
  return smallIndexes[index] ?? String(index)
}

/** Kept from one document to the next up to this size, so that small messages need no new memory to grow in. */
const keptBytes = 64 * 1024
let spare: Buffer | undefined

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

  constructor() {
    this.#buffer = spare ?? Buffer.allocUnsafeSlow(keptBytes)
    spare = undefined
  }

  string(name: string, value: string): void {
    if (typeof value !== 'string') throw new TypeError(`A value of the type ${typeof value} is not a text.`)
    this.#head(type.string, name, value.length * 3 + 5)
    const length = this.#buffer.write(value, this.#at + 4)
    this.#buffer.writeInt32LE(length + 1, this.#at)
    this.#at += 4 + length
    this.#buffer[this.#at++] = 0
  }

  int32(name: string, value: number): void {
    this.#head(type.int32, name, 4)
    this.#at = this.#buffer.writeInt32LE(value, this.#at)
  }

  int64(name: string, value: number | bigint): void {
    this.#head(type.int64, name, 8)
    this.#int64(value)
  }

  double(name: string, value: number): void {
    this.#head(type.double, name, 8)
    this.#at = this.#buffer.writeDoubleLE(value, this.#at)
  }

  boolean(name: string, value: boolean): void {
    this.#head(type.boolean, name, 1)
    this.#buffer[this.#at++] = value ? 1 : 0
  }

  nothing(name: string): void {
    this.#head(type.nothing, name, 0)
  }

  /** @param epochMs whole milliseconds since 1970 UTC */
  date(name: string, epochMs: number): void {
    this.#head(type.date, name, 8)
    this.#int64(epochMs)
  }

  bytes(name: string, value: Uint8Array): void {
    this.#head(type.binary, name, value.length + 5)
    this.#at = this.#buffer.writeInt32LE(value.length, this.#at)
    this.#buffer[this.#at++] = binarySubtype.generic
    this.#buffer.set(value, this.#at)
    this.#at += value.length
  }

  guid(name: string, value: Guid): void {
    this.#head(type.binary, name, 21)
    this.#at = this.#buffer.writeInt32LE(16, this.#at)
    this.#buffer[this.#at++] = binarySubtype.uuid
    writeGuid(this.#buffer, this.#at, value)
    this.#at += 16
  }

  /** Writes a document that is BSON already. */
  rawDocument(name: string, document: Uint8Array): void {
    this.#head(type.document, name, document.length)
    this.#buffer.set(document, this.#at)
    this.#at += document.length
  }

  openDocument(name: string): void {
    this.#open(type.document, name)
  }

  openArray(name: string): void {
    this.#open(type.array, name)
  }

  /** Ends the document or array that was opened last. */
  close(): void {
    const start = this.#starts.pop()
    if (start === undefined) throw new TypeError('There is no open document to close.')
    this.#reserve(1)
    this.#buffer[this.#at++] = 0
    this.#buffer.writeInt32LE(this.#at - start, start)
  }

  /**
   * Ends the root document. The result is `reservedBytes` free bytes and the document. The writer cannot be used
   * afterwards.
   */
  finish(): Buffer {
    this.close()
    if (this.#starts.length > 0) throw new TypeError('A document or array is still open.')
    const all = this.#buffer.subarray(0, this.#at)
    if (this.#buffer.length > keptBytes) return all
    spare = this.#buffer
    return Buffer.from(all)
  }

  #open(code: number, name: string): void {
    this.#head(code, name, 4)
    this.#starts.push(this.#at)
    this.#at += 4
  }

  /** Type and name of a member; makes room for `size` bytes after them. */
  #head(code: number, name: string, size: number): void {
    this.#reserve(name.length * 3 + 2 + size)
    this.#buffer[this.#at++] = code
    if (name.includes('\0')) throw new TypeError('The name of a BSON member cannot contain a zero character.')
    this.#at += this.#buffer.write(name, this.#at)
    this.#buffer[this.#at++] = 0
  }

  #int64(value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.#at = this.#buffer.writeBigInt64LE(value, this.#at)
      return
    }
    const high = Math.floor(value / 0x1_0000_0000)
    this.#at = this.#buffer.writeUInt32LE(value - high * 0x1_0000_0000, this.#at)
    this.#at = this.#buffer.writeInt32LE(high, this.#at)
  }

  #reserve(size: number): void {
    const needed = this.#at + size
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, needed))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}
