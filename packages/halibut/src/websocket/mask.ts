import { randomFillSync } from 'node:crypto'
import { endianness } from 'node:os'

const isLittleEndian = endianness() === 'LE'

/**
 * Masks or unmasks bytes in place: each is combined by exclusive or with one of the four bytes of the key, in turn
 * (docs/wire/halibut.md, "Polling over WebSockets").
 *
 * @param phase how many bytes of the same frame were masked before
 */
export function applyMask(bytes: Uint8Array, key: Uint8Array, phase = 0): void {
  let at = 0
  const byteWise = (end: number) => {
    for (; at < end; at++) bytes[at] = (bytes[at] ?? 0) ^ (key[(phase + at) & 3] ?? 0)
  }
  if (bytes.length >= 32) {
    byteWise((4 - (bytes.byteOffset & 3)) & 3)
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, (bytes.length - at) >>> 2)
    const word = wordOf(key, phase + at)
    for (let index = 0; index < words.length; index++) words[index] = (words[index] ?? 0) ^ word
    at += words.length * 4
  }
  byteWise(bytes.length)
}

/** The key as one number, as it lies in memory when its first byte is the one at `phase`. */
function wordOf(key: Uint8Array, phase: number): number {
  let word = 0
  for (let index = 0; index < 4; index++) {
    const shift = (isLittleEndian ? index : 3 - index) * 8
    word |= (key[(phase + index) & 3] ?? 0) << shift
  }
  return word
}

/** Random bytes are fetched for many frames at a time. */
const supply = Buffer.alloc(4096)
let supplyUsed = supply.length

/** Four bytes that nobody can foresee: the key for one frame. */
export function newMaskKey(): Uint8Array {
  if (supplyUsed === supply.length) {
    randomFillSync(supply)
    supplyUsed = 0
  }
  const key = Uint8Array.prototype.slice.call(supply, supplyUsed, supplyUsed + 4)
  supplyUsed += 4
  return key
}
