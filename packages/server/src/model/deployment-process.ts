import type { SpaceDocument } from './document.ts'
import type { SealedText } from './secret.ts'

/** Value of a step's or action's setting. Flags are the words `True` and `False` in any case. */
export type PropertyValue = string | SealedText
/** Settings by key, e.g. `Octopus.Action.Script.ScriptBody`: docs/wire/server-api.md lists them. */
export type Properties = Readonly<Record<string, PropertyValue>>

/** A package that an action uses. */
export interface PackageReference {
  readonly id: string
  /** Empty: the primary package. */
  readonly name: string
  readonly packageId: string
  readonly feedId: string
  /** `Server`, `ExecutionTarget`, `NotAcquired` or an expression. */
  readonly acquisitionLocation: string
  /** Fixed version, or null: chosen at release creation. */
  readonly version: string | null
  readonly properties: Readonly<Record<string, string>>
}

/** One thing to do. */
export interface DeploymentAction {
  readonly id: string
  readonly name: string
  readonly slug: string
  /** `Octopus.TentaclePackage`, `Octopus.Script`, … */
  readonly actionType: string
  readonly notes: string | null
  readonly isDisabled: boolean
  readonly isRequired: boolean
  readonly canBeUsedForProjectVersioning: boolean
  readonly workerPoolId: string | null
  readonly workerPoolVariable: string | null
  readonly container: { readonly image: string | null; readonly feedId: string | null }
  /** Ids of the environments to which the action is limited; empty: all. */
  readonly environments: readonly string[]
  readonly excludedEnvironments: readonly string[]
  readonly channels: readonly string[]
  readonly tenantTags: readonly string[]
  readonly condition: 'Success' | 'Variable'
  readonly properties: Properties
  readonly packages: readonly PackageReference[]
}

/** One stage of a process; several actions in a step run one after another on each target. */
export interface DeploymentStep {
  readonly id: string
  readonly name: string
  readonly slug: string
  readonly condition: 'Success' | 'Failure' | 'Always' | 'Variable'
  readonly startTrigger: 'StartAfterPrevious' | 'StartWithPrevious'
  readonly packageRequirement: 'LetOctopusDecide' | 'BeforePackageAcquisition' | 'AfterPackageAcquisition'
  /** `Octopus.Action.TargetRoles` is the comma list of roles; absent: no targets. */
  readonly properties: Properties
  readonly actions: readonly DeploymentAction[]
}

/** The steps of a project. The revision is what clients see as the version. */
export interface DeploymentProcess extends SpaceDocument {
  readonly projectId: string
  /** True for the copy that a release keeps: never changed. */
  readonly isFrozen: boolean
  readonly steps: readonly DeploymentStep[]
}
