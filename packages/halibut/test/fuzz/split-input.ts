import { TestConnection } from '../packets.ts'
import type { Random } from './random.ts'
import type { Mutator } from './target.ts'

/**
 * An input whose bytes arrive in pieces: one byte that says how many cuts there are (at most 15), two bytes for each
 * of them, then the bytes themselves. So where packets end is part of what is tried.
 */
export interface SplitInput {
  readonly cuts: readonly number[]
  readonly payload: Uint8Array
}

const maximumCuts = 15

export function parseSplit(input: Uint8Array): SplitInput {
  const count = (input[0] ?? 0) % (maximumCuts + 1)
  const payload = input.subarray(1 + 2 * count)
  const cuts: number[] = []
  for (let i = 0; i < count; i++)
    cuts.push(((input[1 + 2 * i] ?? 0) | ((input[2 + 2 * i] ?? 0) << 8)) % (payload.length + 1))
  return { cuts: cuts.sort((a, b) => a - b), payload }
}

export function formatSplit({ cuts, payload }: SplitInput): Uint8Array {
  const head = new Uint8Array(1 + 2 * cuts.length)
  head[0] = cuts.length
  for (const [index, cut] of cuts.entries()) {
    head[1 + 2 * index] = cut & 0xff
    head[2 + 2 * index] = (cut >> 8) & 0xff
  }
  return Buffer.concat([head, payload])
}

/** An input that arrives at once, and the same in two pieces. */
export function splitSeeds(payload: Uint8Array): Uint8Array[] {
  const half = Math.min(0xffff, payload.length >> 1)
  return [formatSplit({ cuts: [], payload }), formatSplit({ cuts: [half], payload })]
}

/** Moves, adds and removes cuts. */
export function moveCuts(input: Uint8Array, random: Random): Uint8Array {
  const { payload } = parseSplit(input)
  const count = random.below(maximumCuts + 1)
  const from = random.oneIn(2) ? 0 : random.below(payload.length + 1)
  const within = random.oneIn(2) ? Math.min(32, payload.length) : payload.length
  const cuts = Array.from({ length: count }, () =>
    Math.min(0xffff, payload.length, from + random.below(within + 1)),
  )
  return formatSplit({ cuts: cuts.sort((a, b) => a - b), payload })
}

/** Changes the bytes and leaves the cuts. */
export function ofPayload(mutate: Mutator): Mutator {
  return (input, random, other) => {
    const { cuts, payload } = parseSplit(input)
    return formatSplit({ cuts, payload: mutate(payload, random, parseSplit(other).payload) })
  }
}

export function piecesOf({ cuts, payload }: SplitInput): Uint8Array[] {
  const borders = [0, ...cuts, payload.length]
  return borders.slice(1).map((end, index) => payload.subarray(borders[index], end))
}

/** Lets the pieces arrive one after the other while `read` reads, then the end of the connection. */
export async function readPieces<T>(
  pieces: readonly Uint8Array[],
  read: (connection: TestConnection) => Promise<T>,
): Promise<T> {
  const connection = new TestConnection()
  let isSettled = false
  const reading = read(connection).finally(() => {
    isSettled = true
  })
  // What went wrong is thrown at the end; until then it must not count as unheard.
  reading.catch(() => {})
  try {
    for (const piece of pieces) if (!isSettled) await connection.arrive(piece)
    connection.end()
    return await reading
  } finally {
    connection.stream.destroy()
  }
}
