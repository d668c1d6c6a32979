import type { Direction, Fault } from '@tentacle/testkit'
import type { Mode } from '../runtimes.ts'

/** The calls of a conversation that a fault can hit. */
export type Victim = 'swap' | 'ping'

/** What must come of the call that a fault hits. Every other call must be answered. */
export type Expectation =
  /** Both calls are answered: the fault came before a request was sent, or after its response was read. */
  | { readonly kind: 'answered' }
  /** The call fails after its request was sent, and the service did or did not run it. */
  | { readonly kind: 'lost'; readonly call: Victim; readonly runs: 0 | 1 }
  /** The fault races with a decision of the other side: answered, or lost as above after at most one run. */
  | { readonly kind: 'either'; readonly call: Victim }

const answered: Expectation = { kind: 'answered' }
const lost = (call: Victim, runs: 0 | 1): Expectation => ({ kind: 'lost', call, runs })
const either = (call: Victim): Expectation => ({ kind: 'either', call })

/**
 * What a fault in the middle of a step and right after it leads to. A stall tells nobody, so that what follows can be
 * said for certain; the others are noticed, at about the time of the next word of the other side.
 */
interface Row {
  readonly middle: { readonly stalled: Expectation; readonly told: Expectation }
  readonly after: { readonly stalled: Expectation; readonly told: Expectation }
}

const row = (middle: Expectation, stalled: Expectation, told: Expectation = stalled): Row => ({
  middle: { stalled: middle, told: middle },
  after: { stalled, told },
})

/** What is said into a direction where nobody listens any more is lost, without anybody being told of it. */
const unheard = (call: Victim): Row => {
  const outcomes = { stalled: lost(call, 0), told: either(call) }
  return { middle: outcomes, after: outcomes }
}

const connecting = row(answered, answered)
const inRequest = row(lost('swap', 0), lost('swap', 0))
const inResponse = row(lost('swap', 1), lost('swap', 1))

/** A client that dials tries again until its request begins, so only what follows its identity can be lost. */
const listening: Readonly<Record<Direction, Readonly<Record<string, Row>>>> = {
  up: {
    ClientHello: connecting,
    'TLS of the dialler': connecting,
    MX: connecting,
    identity: row(answered, lost('swap', 0), either('swap')),
    request: inRequest,
    'stream head': inRequest,
    'stream content': inRequest,
    'stream trailer': row(lost('swap', 0), answered, either('swap')),
    NEXT: row(answered, lost('ping', 0), either('ping')),
    'second request': row(lost('ping', 0), answered, either('ping')),
  },
  down: {
    ServerHello: connecting,
    'TLS of the listener': connecting,
    'session tickets': connecting,
    'MX-SERVER': row(answered, lost('swap', 1), either('swap')),
    response: inResponse,
    'stream head': inResponse,
    'stream content': inResponse,
    'stream trailer': row(lost('swap', 1), answered, either('swap')),
    PROCEED: row(answered, lost('ping', 1), either('ping')),
    'second response': row(lost('ping', 1), answered, either('ping')),
  },
}

/**
 * A client that is polled gives its request to whoever said the right words; whether they hear it is not known. A
 * request that nobody came for waits for the next poller.
 */
const polling: Readonly<Record<Direction, Readonly<Record<string, Row>>>> = {
  up: {
    ClientHello: connecting,
    'TLS of the dialler': connecting,
    MX: connecting,
    identity: row(answered, lost('swap', 1), either('swap')),
    response: inResponse,
    'stream head': inResponse,
    'stream content': inResponse,
    'stream trailer': row(lost('swap', 1), answered, either('swap')),
    NEXT: row(answered, lost('ping', 1), either('ping')),
    'second response': row(lost('ping', 1), answered, either('ping')),
  },
  down: {
    ServerHello: connecting,
    'TLS of the listener': row(answered, lost('swap', 0), either('swap')),
    'session tickets': unheard('swap'),
    'MX-SERVER': unheard('swap'),
    request: inRequest,
    'stream head': inRequest,
    'stream content': inRequest,
    'stream trailer': row(lost('swap', 0), lost('ping', 0), either('swap')),
    PROCEED: unheard('ping'),
    'second request': row(lost('ping', 0), answered, either('ping')),
  },
}

/** Where in a step a fault strikes. */
export type Place = 'middle' | 'after'

/** What must come of a fault on the first connection. `step` undefined: before any byte passes. */
export function expectationOf(
  mode: Mode,
  direction: Direction,
  step: string | undefined,
  place: Place,
  kind: Fault['kind'],
): Expectation {
  if (kind === 'delay' || kind === 'trickle' || step === undefined) return answered
  const found = (mode === 'listening' ? listening : polling)[direction][step]
  if (!found) throw new Error(`Nothing is said of faults at ${step}.`)
  return found[place][kind === 'stall' ? 'stalled' : 'told']
}
