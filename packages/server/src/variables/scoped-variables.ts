import type { SecretVault } from '../model/secret.ts'
import { isSealed } from '../model/secret.ts'
import type { ScopeKey, Variable } from '../model/variable-set.ts'
import type { RuntimeVariable } from './variable-list.ts'

/** Where a value is wanted. A dimension that is left out is not known there, and no value that names it fits. */
export interface ScopeContext {
  readonly environmentId?: string
  readonly machineId?: string
  /** Roles of the machine. */
  readonly machineRoles?: readonly string[]
  /** Roles that the step targets. */
  readonly stepRoles?: readonly string[]
  /** Id and name of the action. */
  readonly action?: readonly string[]
  readonly channelId?: string
  /** Canonical tags of the tenant. */
  readonly tenantTags?: readonly string[]
  /** Id of the process's owner: a project or a runbook. */
  readonly processOwner?: string
}

/** The chosen values, and what was chosen by chance. */
export interface ChosenVariables {
  readonly variables: readonly RuntimeVariable[]
  /** Names that have two values of the same rank; the first one was taken. */
  readonly ambiguous: readonly string[]
}

/** What a fitting dimension adds to the rank of a value: docs/wire/orchestration.md, scopes. */
const weights: Readonly<Record<ScopeKey, number>> = {
  Action: 10_000_000,
  Machine: 1_000_000,
  Role: 10_000,
  TenantTag: 1_000,
  Environment: 100,
  Channel: 10,
  ProcessOwner: 5,
}
/** A role that the step itself targets says more than any other role of the machine. */
const targetedRoleWeight = 100_000
/** A value that was typed in for this deployment stands above all scopes. */
const promptedWeight = 100_000_000

function holdsOneOf(allowed: readonly string[], actual: readonly (string | undefined)[]): boolean {
  const known = new Set(actual.flatMap(value => (value === undefined ? [] : [value.toLowerCase()])))
  return allowed.some(value => known.has(value.toLowerCase()))
}

/** The weight of one dimension, or undefined when the value does not fit there. */
function weightOf(key: ScopeKey, allowed: readonly string[], context: ScopeContext): number | undefined {
  const actual: Readonly<Record<ScopeKey, readonly (string | undefined)[]>> = {
    Action: context.action ?? [],
    Machine: [context.machineId],
    Role: context.machineRoles ?? [],
    TenantTag: context.tenantTags ?? [],
    Environment: [context.environmentId],
    Channel: [context.channelId],
    ProcessOwner: [context.processOwner],
  }
  if (!holdsOneOf(allowed, actual[key])) return undefined
  if (key !== 'Role') return weights[key]
  const targeted = (context.stepRoles ?? []).filter(role => holdsOneOf([role], actual.Role))
  return holdsOneOf(allowed, targeted) ? targetedRoleWeight : weights.Role
}

const scopeKeys: readonly ScopeKey[] = [
  'Action',
  'Machine',
  'Role',
  'TenantTag',
  'Environment',
  'Channel',
  'ProcessOwner',
]

/** The rank of a value: the higher one wins. Undefined: the value does not fit. */
export function rankOf({ scope }: Pick<Variable, 'scope'>, context: ScopeContext): number | undefined {
  let rank = 0
  for (const key of scopeKeys) {
    const allowed = scope[key] ?? []
    if (allowed.length === 0) continue
    const weight = weightOf(key, allowed, context)
    if (weight === undefined) return undefined
    rank += weight
  }
  return rank
}

/** Values that were typed in for a deployment, by the id of the variable. */
export type PromptedValues = Readonly<Record<string, string | { readonly sealed: string }>>

/**
 * Chooses for each name the value that fits best. Sensitive values are opened; nothing is evaluated: a value may
 * name another variable that is only known on the machine.
 */
export function chooseVariables(
  candidates: readonly Variable[],
  context: ScopeContext,
  vault: SecretVault,
  prompted: PromptedValues = {},
): ChosenVariables {
  const best = new Map<
    string,
    { readonly rank: number; readonly variable: RuntimeVariable; ambiguous: boolean }
  >()
  for (const candidate of candidates) {
    const fit = rankOf(candidate, context)
    if (fit === undefined) continue
    const typed = prompted[candidate.id]
    const value = typed ?? candidate.value
    const rank = typed === undefined ? fit : fit + promptedWeight
    const key = candidate.name.toLowerCase()
    const rival = best.get(key)
    if (rival !== undefined && rival.rank >= rank) {
      if (rival.rank === rank) rival.ambiguous = true
      continue
    }
    const variable = {
      name: candidate.name,
      value: isSealed(value) ? vault.open(value) : (value ?? ''),
      isSensitive: candidate.type === 'Sensitive' || isSealed(value),
    }
    best.set(key, { rank, variable, ambiguous: false })
  }
  const chosen = [...best.values()]
  return {
    variables: chosen.map(({ variable }) => variable),
    ambiguous: chosen.filter(({ ambiguous }) => ambiguous).map(({ variable }) => variable.name),
  }
}

/** Every sensitive value, whatever its scope: none of them may be shown anywhere in the project's logs. */
export function secretsOf(
  candidates: readonly Variable[],
  vault: SecretVault,
  prompted: PromptedValues = {},
): readonly string[] {
  const values = [...candidates.map(candidate => candidate.value), ...Object.values(prompted)]
  return values.filter(isSealed).map(value => vault.open(value))
}
