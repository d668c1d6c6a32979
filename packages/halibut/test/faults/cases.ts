import { type Direction, directions, type Fault } from '@tentacle/testkit'
import type { Mode } from '../runtimes.ts'
import { type Expectation, expectationOf, type Place } from './expectations.ts'
import type { Step, Steps } from './positions.ts'

/** One fault at one position. */
export interface FaultCase {
  readonly name: string
  readonly mode: Mode
  readonly direction: Direction
  readonly fault: Fault
  /** Whether only the first connection is hit, or the later ones as well, at their first byte, until the call has failed. */
  readonly hits: 'first connection' | 'every connection'
  readonly expected: Expectation
}

const kinds: readonly Fault['kind'][] = ['delay', 'trickle', 'stall', 'cut', 'half-close', 'reset']

/** Faults after which nothing more passes in at least one direction. */
export const destructive = kinds.slice(2)

/** Long enough to reach into the steps that follow, short enough for a test of hundreds of cases. */
const harmedBytes = 1000

interface Position {
  readonly step: string | undefined
  readonly place: Place
  readonly afterBytes: number
}

function positions(steps: readonly Step[]): Position[] {
  return [
    { step: undefined, place: 'after', afterBytes: 0 },
    ...steps.flatMap(({ name, start, end }): Position[] => [
      { step: name, place: 'middle', afterBytes: Math.floor((start + end) / 2) },
      { step: name, place: 'after', afterBytes: end },
    ]),
  ]
}

const fault = (kind: Fault['kind'], afterBytes: number): Fault => {
  if (kind === 'delay') return { kind, afterBytes, forBytes: harmedBytes, delayMs: 3 }
  return kind === 'trickle' ? { kind, afterBytes, forBytes: harmedBytes } : { kind, afterBytes }
}

const where = ({ step, place }: Position) =>
  step ? `${place === 'middle' ? 'in' : 'after'} ${step}` : 'at byte 0'

/** Every step × every fault, on the first connection of a conversation in one mode. */
export function conversationCases(mode: Mode, steps: Steps): FaultCase[] {
  return directions.flatMap(direction =>
    positions(steps[direction]).flatMap(position =>
      kinds.map(kind => ({
        name: `${kind} ${where(position)}, ${direction}, ${mode}`,
        mode,
        direction,
        fault: fault(kind, position.afterBytes),
        hits: 'first connection' as const,
        expected: expectationOf(mode, direction, position.step, position.place, kind),
      })),
    ),
  )
}

/** Every step before a request is sent × every fault that ends a connection, on the first connection, and no other works. */
export function connectingCases(mode: Mode, steps: Steps): FaultCase[] {
  return directions.flatMap(direction =>
    positions(beforeRequests(steps[direction])).flatMap(position =>
      destructive
        .filter(
          kind => expectationOf(mode, direction, position.step, position.place, kind).kind === 'answered',
        )
        .map(kind => ({
          name: `${kind} ${where(position)} of every connection, ${direction}, ${mode}`,
          mode,
          direction,
          fault: fault(kind, position.afterBytes),
          hits: 'every connection' as const,
          expected: { kind: 'answered' as const },
        })),
    ),
  )
}

/** The first word that belongs to a call is a request or a response. */
function beforeRequests(steps: readonly Step[]): readonly Step[] {
  return steps.slice(
    0,
    steps.findIndex(({ name }) => name === 'request' || name === 'response'),
  )
}

/** Every step of a poller without work × every fault; the call comes after the fault has struck. */
export function idleCases(steps: Steps): FaultCase[] {
  return directions.flatMap(direction =>
    positions(steps[direction])
      .filter(({ step }) => step === 'MX-SERVER' || /null|NEXT|PROCEED/.test(step ?? ''))
      .flatMap(position =>
        kinds.map(kind => ({
          name: `${kind} ${where(position)}, ${direction}, polling without work`,
          mode: 'polling' as const,
          direction,
          fault: fault(kind, position.afterBytes),
          hits: 'first connection' as const,
          expected: destructive.includes(kind)
            ? ({ kind: 'either', call: 'swap' } as const)
            : ({ kind: 'answered' } as const),
        })),
      ),
  )
}

/** A stream that no buffer holds × every fault that ends a connection, in the middle of it. */
export function largeStreamCases(mode: Mode, streamBytes: number): FaultCase[] {
  return directions.flatMap(direction => {
    const isRequest = (direction === 'up') === (mode === 'listening')
    return destructive.map(kind => ({
      name: `${kind} in a stream of ${streamBytes} bytes, ${direction}, ${mode}`,
      mode,
      direction,
      fault: fault(kind, Math.floor(streamBytes / 2)),
      hits: 'first connection' as const,
      expected: {
        kind: 'lost' as const,
        call: 'swap' as const,
        runs: isRequest ? (0 as const) : (1 as const),
      },
    }))
  })
}
