import type { Fault, FaultPlan } from '@tentacle/testkit'

/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return Math.floor(this.next() * below)
  }

  /** A whole number from `from` to `to`, small ones as likely as large ones of another magnitude. */
  magnitude(from: number, to: number): number {
    return Math.round(from * (to / from) ** this.next())
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)]
    if (picked === undefined) throw new Error('There is nothing to pick from.')
    return picked
  }
}

/** Kinds of faults; the more often one stands here, the more often it happens. */
const kinds: readonly Fault['kind'][] = [
  'delay',
  'delay',
  'trickle',
  'stall',
  'cut',
  'cut',
  'half-close',
  'reset',
  'reset',
]

/** Of ten connections so many have a fault sooner or later. */
const faultyShare = 0.6

/** What happens to a new connection: within its first bytes, its first mebibyte, or never. */
export function randomPlan(random: Random): FaultPlan {
  if (random.next() >= faultyShare) return {}
  const kind = random.pick(kinds)
  const afterBytes = random.magnitude(1, 1024 * 1024)
  const fault: Fault =
    kind === 'delay'
      ? { kind, afterBytes, forBytes: 64 * 1024, delayMs: 1 + random.below(20) }
      : kind === 'trickle'
        ? { kind, afterBytes, forBytes: 1000 }
        : { kind, afterBytes }
  return random.next() < 0.5 ? { up: fault } : { down: fault }
}
