import type { Random } from './random.ts'
import type { Mutator } from './target.ts'

/** Numbers at which lengths and counters go wrong. */
const borders = [
  0, 1, 4, 5, 127, 128, 255, 256, 0x3fff, 0x4000, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000,
  0xffff_fffe, 0xffff_ffff,
]

function flipBit(input: Uint8Array, random: Random): Uint8Array {
  const result = Uint8Array.from(input)
  const at = random.below(result.length)
  result[at] = (result[at] ?? 0) ^ (1 << random.below(8))
  return result
}

function setByte(input: Uint8Array, random: Random): Uint8Array {
  const result = Uint8Array.from(input)
  result[random.below(result.length)] = random.oneIn(3)
    ? random.pick([0, 1, 0x7f, 0x80, 0xff])
    : random.next()
  return result
}

function truncate(input: Uint8Array, random: Random): Uint8Array {
  return input.slice(0, random.below(input.length))
}

function remove(input: Uint8Array, random: Random): Uint8Array {
  const at = random.below(input.length)
  const size = 1 + random.below(Math.min(64, input.length - at))
  return Buffer.concat([input.subarray(0, at), input.subarray(at + size)])
}

function repeat(input: Uint8Array, random: Random): Uint8Array {
  const at = random.below(input.length)
  const part = input.subarray(at, at + 1 + random.below(Math.min(256, input.length - at)))
  const times = random.oneIn(20) ? 1 + random.below(200) : 1
  return Buffer.concat([
    input.subarray(0, at),
    ...Array.from({ length: times }, () => part),
    input.subarray(at),
  ])
}

function insert(input: Uint8Array, random: Random): Uint8Array {
  const at = random.below(input.length + 1)
  return Buffer.concat([input.subarray(0, at), random.bytes(1 + random.below(16)), input.subarray(at)])
}

/** The beginning of one input and the end of another. */
function splice(input: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  return Buffer.concat([
    input.subarray(0, random.below(input.length + 1)),
    other.subarray(random.below(other.length + 1)),
  ])
}

/** Puts a number where a length of 16, 32 or 64 bits may be, or changes the one that is there a little. */
function editNumber(input: Uint8Array, random: Random): Uint8Array {
  const size = random.pick([2, 4, 4, 8])
  if (input.length < size) return flipBit(input, random)
  const result = Buffer.from(input)
  const at = random.below(result.length - size + 1)
  const width = Math.min(size, 4)
  const old = random.oneIn(4) ? result.readUIntBE(at, width) : result.readUIntLE(at, width)
  const value = random.oneIn(2) ? random.pick(borders) : old + random.below(33) - 16
  const wrapped = ((value % 256 ** width) + 256 ** width) % 256 ** width
  if (random.oneIn(4)) result.writeUIntBE(wrapped, at, width)
  else result.writeUIntLE(wrapped, at, width)
  if (size === 8) result.fill(random.oneIn(2) ? 0 : 0xff, at + 4, at + 8)
  return result
}

/** What can be done to any bytes. */
export const byteMutators: readonly Mutator[] = [
  flipBit,
  setByte,
  truncate,
  remove,
  repeat,
  insert,
  splice,
  editNumber,
]

/** Changes of a text that is given as bytes: one of `words` at some place, or another letter case. */
export function textMutators(words: readonly string[]): readonly Mutator[] {
  return [
    (input, random) => {
      const at = random.below(input.length + 1)
      const end = random.oneIn(2) ? at : at + random.below(8)
      return Buffer.concat([input.subarray(0, at), Buffer.from(random.pick(words)), input.subarray(end)])
    },
    (input, random) => {
      const text = Buffer.from(input).toString('latin1')
      return Buffer.from(random.oneIn(2) ? text.toUpperCase() : text.toLowerCase(), 'latin1')
    },
  ]
}

/** Texts of one word over and over: what looks at each place as far as it can takes the square of their length. */
export function longTexts(words: readonly string[], before = '', after = 'x'): Buffer[] {
  return words.map(word => Buffer.from(`${before}${word.repeat(Math.ceil(100_000 / word.length))}${after}`))
}
