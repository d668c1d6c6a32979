import { describeExitCode } from '@tentacle/contracts'
import type { JsonObject } from '../model/task.ts'
import type { ScriptEffect } from './script-output.ts'

/** A package that a look-up script found in the cache of its machine. */
export interface FoundPackage {
  readonly id: string
  readonly version: string
  readonly hash: string
  /** Full path on the machine. */
  readonly path: string
}

/** What the rest of the task wants to know of a script besides its exit code and its lines. */
export interface ScriptFacts {
  /** What the script itself says about its failure; empty: nothing. */
  readonly resultMessage: string
  /** True when it printed to stderr. */
  readonly wroteErrors: boolean
  readonly packages: readonly FoundPackage[]
  /** True when the wanted package itself was found, not only other versions. */
  readonly exactPackageFound: boolean
  /** What it told about its machine, by name. */
  readonly told: Readonly<Record<string, string>>
  /** True when it ended because it was canceled. */
  readonly canceled: boolean
}

export const noFacts: ScriptFacts = {
  resultMessage: '',
  wroteErrors: false,
  packages: [],
  exactPackageFound: false,
  told: {},
  canceled: false,
}

/** The facts after an effect. `mask` is applied to what people may see. */
export function addFact(
  facts: ScriptFacts,
  effect: ScriptEffect,
  mask: (text: string) => string,
): ScriptFacts {
  switch (effect.kind) {
    case 'resultMessage':
      return { ...facts, resultMessage: mask(effect.message) }
    case 'exactPackageFound':
      return { ...facts, exactPackageFound: true }
    case 'foundPackage': {
      const get = (name: string): string => effect.attributes.get(name) ?? ''
      const found = { id: get('id'), version: get('version'), hash: get('hash'), path: get('remotepath') }
      return { ...facts, packages: [...facts.packages, found] }
    }
    case 'fact':
      return { ...facts, told: { ...facts.told, [effect.name]: mask(effect.value) } }
    default:
      return facts
  }
}

/** The form in which facts are stored with their script run. */
export function storeFacts(facts: ScriptFacts): JsonObject {
  return { ...facts, packages: facts.packages.map(found => ({ ...found })) }
}

/** Reads facts as {@link storeFacts} wrote them. */
export function parseFacts(stored: JsonObject): ScriptFacts {
  return { ...noFacts, ...stored }
}

/** How a script ended. */
export interface ScriptOutcome {
  /** `canceled` also when it never started. */
  readonly status: 'complete' | 'canceled'
  readonly exitCode: number
  readonly facts: ScriptFacts
}

/** Why a script that is complete did not succeed, in a sentence for people; undefined: it did. */
export function failureOf(
  { exitCode, facts }: ScriptOutcome,
  options: { readonly failOnErrorOutput?: boolean } = {},
): string | undefined {
  if (exitCode === 0) {
    if (options.failOnErrorOutput !== true || !facts.wroteErrors) return undefined
    return 'The script wrote to its error output, and the step counts that as a failure.'
  }
  if (facts.resultMessage !== '') return facts.resultMessage
  const meaning = describeExitCode(exitCode)
  return meaning === undefined
    ? `The script ended with exit code ${exitCode}.`
    : `The script failed (${exitCode}): ${meaning}.`
}
