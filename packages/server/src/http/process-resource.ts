import { randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { slugOf } from '../catalog/slug.ts'
import type {
  DeploymentAction,
  DeploymentProcess,
  DeploymentStep,
  PackageReference,
  Properties,
} from '../model/deployment-process.ts'
import { isSealed, type SecretVault } from '../model/secret.ts'
import { Maybe, Nullable, SpaceResource, Words } from '../web/schema.ts'
import { headOf } from './collection.ts'
import type { Problems } from './input-checks.ts'

const AnyProperties = Type.Record(Type.String(), Type.Unknown())
const Texts = Type.Array(Type.String())
const MaybeText = Maybe(Type.String())
const MaybeTexts = Maybe(Texts)
const MaybeFlag = Maybe(Type.Boolean())

const PackageReferenceResource = Type.Object({
  Id: Type.String(),
  Name: Type.String(),
  PackageId: Type.String(),
  FeedId: Type.String(),
  AcquisitionLocation: Type.String(),
  Version: Nullable(Type.String()),
  Properties: Type.Record(Type.String(), Type.String()),
})

const ActionResource = Type.Object({
  Id: Type.String(),
  Name: Type.String(),
  Slug: Type.String(),
  ActionType: Type.String(),
  Notes: Nullable(Type.String()),
  IsDisabled: Type.Boolean(),
  IsRequired: Type.Boolean(),
  CanBeUsedForProjectVersioning: Type.Boolean(),
  WorkerPoolId: Nullable(Type.String()),
  WorkerPoolVariable: Nullable(Type.String()),
  Container: Type.Object({ Image: Nullable(Type.String()), FeedId: Nullable(Type.String()) }),
  Environments: Texts,
  ExcludedEnvironments: Texts,
  Channels: Texts,
  TenantTags: Texts,
  Condition: Type.String(),
  Properties: AnyProperties,
  Packages: Type.Array(PackageReferenceResource),
  GitDependencies: Type.Array(Type.Unknown()),
  Links: Type.Record(Type.String(), Type.String()),
})

export const ProcessResource = SpaceResource({
  ProjectId: Type.String(),
  Version: Type.Integer(),
  LastSnapshotId: Nullable(Type.String()),
  Steps: Type.Array(
    Type.Object({
      Id: Type.String(),
      Name: Type.String(),
      Slug: Type.String(),
      Condition: Type.String(),
      StartTrigger: Type.String(),
      PackageRequirement: Type.String(),
      Properties: AnyProperties,
      Actions: Type.Array(ActionResource),
    }),
  ),
})

const PackageInput = Type.Object({
  Id: MaybeText,
  Name: MaybeText,
  PackageId: MaybeText,
  FeedId: MaybeText,
  AcquisitionLocation: MaybeText,
  Version: MaybeText,
  Properties: Maybe(AnyProperties),
})

const ActionInput = Type.Object({
  Id: MaybeText,
  Name: MaybeText,
  Slug: MaybeText,
  ActionType: MaybeText,
  Notes: MaybeText,
  IsDisabled: MaybeFlag,
  IsRequired: MaybeFlag,
  CanBeUsedForProjectVersioning: MaybeFlag,
  WorkerPoolId: MaybeText,
  WorkerPoolVariable: MaybeText,
  Container: Maybe(Type.Object({ Image: MaybeText, FeedId: MaybeText })),
  Environments: MaybeTexts,
  ExcludedEnvironments: MaybeTexts,
  Channels: MaybeTexts,
  TenantTags: MaybeTexts,
  Condition: Maybe(Words(['Success', 'Variable'])),
  Properties: Maybe(AnyProperties),
  Packages: Maybe(Type.Array(PackageInput)),
})

const StepInput = Type.Object({
  Id: MaybeText,
  Name: MaybeText,
  Slug: MaybeText,
  Condition: Maybe(Words(['Success', 'Failure', 'Always', 'Variable'])),
  StartTrigger: Maybe(Words(['StartAfterPrevious', 'StartWithPrevious'])),
  PackageRequirement: Maybe(
    Words(['LetOctopusDecide', 'BeforePackageAcquisition', 'AfterPackageAcquisition']),
  ),
  Properties: Maybe(AnyProperties),
  Actions: Maybe(Type.Array(ActionInput)),
})

export const ProcessInput = Type.Object({
  Version: Maybe(Type.Integer()),
  Steps: Maybe(Type.Array(StepInput)),
})

/** Settings as the REST API shows them: a text, or an object without the text for secrets. */
function toProperties(properties: Properties): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      isSealed(value) ? { HasValue: true, NewValue: null, Hint: null } : value,
    ]),
  )
}

function toAction(action: DeploymentAction): Static<typeof ActionResource> {
  return {
    Id: action.id,
    Name: action.name,
    Slug: action.slug,
    ActionType: action.actionType,
    Notes: action.notes,
    IsDisabled: action.isDisabled,
    IsRequired: action.isRequired,
    CanBeUsedForProjectVersioning: action.canBeUsedForProjectVersioning,
    WorkerPoolId: action.workerPoolId,
    WorkerPoolVariable: action.workerPoolVariable,
    Container: { Image: action.container.image, FeedId: action.container.feedId },
    Environments: [...action.environments],
    ExcludedEnvironments: [...action.excludedEnvironments],
    Channels: [...action.channels],
    TenantTags: [...action.tenantTags],
    Condition: action.condition,
    Properties: toProperties(action.properties),
    Packages: action.packages.map(reference => ({
      Id: reference.id,
      Name: reference.name,
      PackageId: reference.packageId,
      FeedId: reference.feedId,
      AcquisitionLocation: reference.acquisitionLocation,
      Version: reference.version,
      Properties: { ...reference.properties },
    })),
    GitDependencies: [],
    Links: {},
  }
}

/** A process as the REST API shows it. Its version counts from 0, our revisions from 1. */
export function toProcessResource(process: DeploymentProcess): Static<typeof ProcessResource> {
  const space = `/api/${process.spaceId}`
  const self = `${space}/deploymentprocesses/${process.id}`
  return {
    ...headOf(process, self, {
      Project: `${space}/projects/${process.projectId}`,
      Template: `${self}/template{?channel,releaseId}`,
    }),
    ProjectId: process.projectId,
    Version: process.revision - 1,
    LastSnapshotId: null,
    Steps: process.steps.map(step => ({
      Id: step.id,
      Name: step.name,
      Slug: step.slug,
      Condition: step.condition,
      StartTrigger: step.startTrigger,
      PackageRequirement: step.packageRequirement,
      Properties: toProperties(step.properties),
      Actions: step.actions.map(toAction),
    })),
  }
}

interface SecretInput {
  readonly text: string | null
  readonly isKept: boolean
}

/** The forms in which clients write a secret: `{HasValue, NewValue}`, or wrapped as `{IsSensitive, SensitiveValue}`. */
function secretOf(value: object): SecretInput {
  const inner =
    'SensitiveValue' in value && typeof value.SensitiveValue === 'object' && value.SensitiveValue !== null
      ? value.SensitiveValue
      : value
  const text = 'NewValue' in inner && typeof inner.NewValue === 'string' ? inner.NewValue : null
  return { text, isKept: !('HasValue' in inner) || inner.HasValue !== false }
}

function readProperties(
  input: Record<string, unknown> | null | undefined,
  before: Properties,
  vault: SecretVault,
): Properties {
  const properties: Record<string, Properties[string]> = {}
  for (const [name, value] of Object.entries(input ?? {})) {
    if (value === null || value === undefined) continue
    if (typeof value === 'boolean') properties[name] = value ? 'True' : 'False'
    else if (typeof value !== 'object') properties[name] = String(value)
    else if (
      'Value' in value &&
      typeof value.Value === 'string' &&
      !('IsSensitive' in value && value.IsSensitive === true)
    ) {
      properties[name] = value.Value
    } else {
      const { text, isKept } = secretOf(value)
      const known = before[name]
      if (text !== null && text !== '') properties[name] = vault.seal(text)
      else if (isKept && isSealed(known)) properties[name] = known
    }
  }
  return properties
}

function readPackage(
  input: Static<typeof PackageInput>,
  problems: Problems,
  where: string,
): PackageReference {
  const packageId = (input.PackageId ?? '').trim()
  if (packageId === '') problems.add(`A package of ${where} has no PackageId.`)
  const properties = Object.entries(input.Properties ?? {}).flatMap(([name, value]) =>
    value === null || typeof value === 'object' ? [] : [[name, String(value)] as const],
  )
  return {
    id: input.Id || randomUUID(),
    // The primary package has no name; some clients send null for it.
    name: input.Name ?? '',
    packageId,
    feedId: input.FeedId || 'feeds-builtin',
    acquisitionLocation: input.AcquisitionLocation || 'Server',
    version: input.Version || null,
    properties: Object.fromEntries(properties),
  }
}

interface ReadContext {
  readonly before: DeploymentProcess
  readonly vault: SecretVault
  readonly problems: Problems
}

function readAction(
  input: Static<typeof ActionInput>,
  stepName: string,
  { before, vault, problems }: ReadContext,
): DeploymentAction {
  const known = before.steps.flatMap(step => step.actions).find(action => action.id === input.Id)
  const name = (input.Name ?? known?.name ?? stepName).trim() || stepName
  const actionType = input.ActionType ?? known?.actionType ?? ''
  if (actionType === '') problems.add(`The action '${name}' has no ActionType.`)
  const packages = input.Packages ?? []
  const references = packages.map(item => readPackage(item, problems, `'${name}'`))
  if (new Set(references.map(reference => reference.name.toLowerCase())).size < references.length) {
    problems.add(`Two packages of '${name}' have the same name.`)
  }
  return {
    id: input.Id || randomUUID(),
    name,
    slug: input.Slug ? slugOf(input.Slug) : (known?.slug ?? slugOf(name)),
    actionType,
    notes: input.Notes ?? null,
    isDisabled: input.IsDisabled ?? false,
    isRequired: input.IsRequired ?? false,
    canBeUsedForProjectVersioning: input.CanBeUsedForProjectVersioning ?? false,
    workerPoolId: input.WorkerPoolId || null,
    workerPoolVariable: input.WorkerPoolVariable || null,
    container: { image: input.Container?.Image ?? null, feedId: input.Container?.FeedId ?? null },
    environments: input.Environments ?? [],
    excludedEnvironments: input.ExcludedEnvironments ?? [],
    channels: input.Channels ?? [],
    tenantTags: input.TenantTags ?? [],
    condition: input.Condition ?? 'Success',
    properties: readProperties(input.Properties, known?.properties ?? {}, vault),
    packages: references,
  }
}

/** Reads the steps of a process; steps and actions without an id get one. What is wrong is added to the problems. */
export function readSteps(
  input: readonly Static<typeof StepInput>[],
  context: ReadContext,
): readonly DeploymentStep[] {
  const { before, vault, problems } = context
  const names = new Set<string>()
  return input.map(step => {
    const known = before.steps.find(each => each.id === step.Id)
    const name = (step.Name ?? known?.name ?? '').trim()
    if (name === '') problems.add('Every step needs a name.')
    if (names.has(name.toLowerCase())) problems.add(`The step '${name}' is there twice.`)
    names.add(name.toLowerCase())
    const actions = (step.Actions ?? []).map(action => readAction(action, name, context))
    if (actions.length === 0) problems.add(`The step '${name}' has no action.`)
    return {
      id: step.Id || randomUUID(),
      name,
      slug: step.Slug ? slugOf(step.Slug) : (known?.slug ?? slugOf(name)),
      condition: step.Condition ?? 'Success',
      startTrigger: step.StartTrigger ?? 'StartAfterPrevious',
      packageRequirement: step.PackageRequirement ?? 'LetOctopusDecide',
      properties: readProperties(step.Properties, known?.properties ?? {}, vault),
      actions,
    }
  })
}
