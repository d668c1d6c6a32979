import { randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { isSealed, type SecretVault } from '../model/secret.ts'
import type { ScopeKey, Variable, VariableScope, VariableSet, VariableType } from '../model/variable-set.ts'
import { Links, Maybe, Nullable, SpaceResource } from '../web/schema.ts'
import { headOf } from './collection.ts'
import type { Problems } from './input-checks.ts'

const Choice = Type.Object({ Id: Type.String(), Name: Type.String() })

export const ScopeValues = Type.Object({
  Environments: Type.Array(Choice),
  Machines: Type.Array(Choice),
  Actions: Type.Array(Choice),
  Roles: Type.Array(Choice),
  Channels: Type.Array(Choice),
  TenantTags: Type.Array(Choice),
  Processes: Type.Array(Type.Object({ Id: Type.String(), Name: Type.String(), ProcessType: Type.String() })),
})

const Prompt = Type.Object({
  Label: Nullable(Type.String()),
  Description: Nullable(Type.String()),
  Required: Type.Boolean(),
  DisplaySettings: Type.Record(Type.String(), Type.String()),
})
const Scope = Type.Record(Type.String(), Type.Array(Type.String()))

const VariableResource = Type.Object({
  Id: Type.String(),
  Name: Type.String(),
  Value: Nullable(Type.String()),
  Description: Type.String(),
  Type: Type.String(),
  IsSensitive: Type.Boolean(),
  IsEditable: Type.Boolean(),
  Prompt: Nullable(Prompt),
  Scope,
})

export const VariableSetResource = SpaceResource({
  OwnerId: Type.String(),
  Version: Type.Integer(),
  Variables: Type.Array(VariableResource),
  ScopeValues,
  Links,
})

const VariableInput = Type.Object({
  Id: Maybe(Type.String()),
  Name: Maybe(Type.String()),
  Value: Maybe(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
  Description: Maybe(Type.String()),
  Type: Maybe(Type.String()),
  IsSensitive: Maybe(Type.Boolean()),
  IsEditable: Maybe(Type.Boolean()),
  Prompt: Maybe(
    Type.Object({
      Label: Maybe(Type.String()),
      Description: Maybe(Type.String()),
      Required: Maybe(Type.Boolean()),
    }),
  ),
  Scope: Maybe(Type.Record(Type.String(), Type.Unknown())),
})

export const VariableSetInput = Type.Object({
  Version: Maybe(Type.Integer()),
  Variables: Maybe(Type.Array(VariableInput)),
})

const types: readonly VariableType[] = [
  'String',
  'Sensitive',
  'Certificate',
  'AmazonWebServicesAccount',
  'AzureAccount',
  'GoogleCloudAccount',
  'WorkerPool',
  'UsernamePasswordAccount',
  'GenericOidcAccount',
]
const scopeKeys: readonly ScopeKey[] = [
  'Environment',
  'Machine',
  'Role',
  'Action',
  'Channel',
  'TenantTag',
  'ProcessOwner',
]

function toVariable(variable: Variable): Static<typeof VariableResource> {
  return {
    Id: variable.id,
    Name: variable.name,
    // A secret never leaves by this way.
    Value: isSealed(variable.value) ? null : variable.value,
    Description: variable.description,
    Type: variable.type,
    IsSensitive: variable.type === 'Sensitive',
    IsEditable: variable.isEditable,
    Prompt: variable.prompt && {
      Label: variable.prompt.label,
      Description: variable.prompt.description,
      Required: variable.prompt.required,
      DisplaySettings: {},
    },
    Scope: Object.fromEntries(Object.entries(variable.scope).map(([key, ids]) => [key, [...ids]])),
  }
}

/** A variable set as the REST API shows it. Its version counts from 0, our revisions from 1. */
export function toVariableSetResource(
  set: VariableSet,
  scopeValues: Static<typeof ScopeValues>,
): Static<typeof VariableSetResource> {
  return {
    ...headOf(set, `/api/${set.spaceId}/variables/${set.id}`, {
      Project: `/api/${set.spaceId}/projects/${set.ownerId}`,
    }),
    OwnerId: set.ownerId,
    Version: set.revision - 1,
    Variables: set.variables.map(toVariable),
    ScopeValues: scopeValues,
  }
}

function readScope(
  input: Record<string, unknown> | null | undefined,
  name: string,
  problems: Problems,
): VariableScope {
  const scope: Partial<Record<ScopeKey, readonly string[]>> = {}
  for (const [key, value] of Object.entries(input ?? {})) {
    const known = scopeKeys.find(each => each.toLowerCase() === key.toLowerCase())
    const ids = (Array.isArray(value) ? value : [value]).filter(id => typeof id === 'string' && id !== '')
    if (known === undefined)
      problems.add(`The variable '${name}' has the scope '${key}'; known are ${scopeKeys.join(', ')}.`)
    else if (ids.length > 0) scope[known] = ids
  }
  return scope
}

function readType(
  { Type: type, IsSensitive: isSensitive }: Static<typeof VariableInput>,
  name: string,
  problems: Problems,
): VariableType {
  if (isSensitive === true) return 'Sensitive'
  const known = types.find(each => each.toLowerCase() === (type ?? 'String').toLowerCase())
  if (known === undefined)
    problems.add(`The variable '${name}' has the type '${type}'; known are ${types.join(', ')}.`)
  return known ?? 'String'
}

/** Reads the variables of a set. A secret whose value is left out keeps the one that is stored. */
export function readVariables(
  input: readonly Static<typeof VariableInput>[],
  before: VariableSet,
  vault: SecretVault,
  problems: Problems,
): readonly Variable[] {
  return input.map(item => {
    const known = before.variables.find(variable => variable.id === item.Id)
    const name = (item.Name ?? known?.name ?? '').trim()
    if (name === '') problems.add('Every variable needs a name.')
    const type = readType(item, name, problems)
    const text = item.Value == null ? null : String(item.Value)
    const kept = isSealed(known?.value) ? known.value : null
    return {
      id: item.Id || randomUUID(),
      name,
      value: type === 'Sensitive' ? (text === null ? kept : vault.seal(text)) : text,
      description: item.Description ?? '',
      type,
      isEditable: item.IsEditable ?? true,
      prompt: item.Prompt
        ? {
            label: item.Prompt.Label ?? null,
            description: item.Prompt.Description ?? null,
            required: item.Prompt.Required ?? false,
          }
        : null,
      scope: readScope(item.Scope, name, problems),
    }
  })
}
