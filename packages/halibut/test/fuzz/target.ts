import { HalibutError, type HalibutErrorCode } from '../../src/errors.ts'
import type { Random } from './random.ts'

/** What a reader made of an input. */
export type Outcome = 'accepted' | 'refused'

/** Makes a new input of an old one. `other` is another input of the same corpus. */
export type Mutator = (input: Uint8Array, random: Random, other: Uint8Array) => Uint8Array

/** A reader under test. */
export interface FuzzTarget {
  /** The folder of its seeds and its name on the command line. */
  readonly name: string
  /** One line for `--list`. */
  readonly about: string
  /** How many new inputs are tried each time the tests run. */
  readonly testInputs: number
  /** Longer inputs are cut. */
  readonly maximumBytes: number
  /** Good inputs to begin with, beside the files in the folder of the target. */
  readonly seeds: () => Iterable<Uint8Array> | Promise<Iterable<Uint8Array>>
  /** Changes that know how the inputs are built. Those that know bytes only are always used as well. */
  readonly mutators: readonly Mutator[]
  /**
   * Gives the input to the reader. Throws whenever the reader does what it must not: another error than its
   * documented ones, a value that does not come back equal after it was written, something left open.
   */
  readonly run: (input: Uint8Array) => Promise<Outcome>
  /** Ends what `run` has started. May throw what can be checked only at the end. */
  readonly close?: () => Promise<void>
}

/** Runs a reader that may refuse its input with these codes; everything else that it throws is a bug. */
export async function refusing(
  codes: readonly HalibutErrorCode[],
  read: () => void | Promise<void>,
): Promise<Outcome> {
  try {
    await read()
    return 'accepted'
  } catch (error) {
    if (error instanceof HalibutError && codes.includes(error.code)) return 'refused'
    throw error
  }
}

/** The outcome, and the value if there is one: to compare two ways of reading the same bytes. */
export async function attempt<T>(
  codes: readonly HalibutErrorCode[],
  read: () => T | Promise<T>,
): Promise<{ readonly value: T } | undefined> {
  let result: { readonly value: T } | undefined
  await refusing(codes, async () => {
    result = { value: await read() }
  })
  return result
}
