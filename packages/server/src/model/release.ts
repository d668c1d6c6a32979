import type { Instant, SpaceDocument } from './document.ts'

/** The version that a release uses for one package of an action. */
export interface SelectedPackage {
  readonly actionName: string
  /** Empty: the action's primary package. */
  readonly packageReferenceName: string
  readonly version: string
}

/** A project's process, variables and package versions, frozen under a version. */
export interface Release extends SpaceDocument {
  readonly projectId: string
  readonly channelId: string
  /** Unique in the project without regard to case. */
  readonly version: string
  readonly releaseNotes: string | null
  readonly assembled: Instant
  readonly selectedPackages: readonly SelectedPackage[]
  /** Id of a frozen DeploymentProcess. */
  readonly processSnapshotId: string
  /** Id of a frozen VariableSet. */
  readonly variableSetSnapshotId: string
  readonly ignoreChannelRules: boolean
}

/** A release on its way to an environment (and perhaps a tenant). Its progress is in its task. */
export interface Deployment extends SpaceDocument {
  readonly releaseId: string
  readonly projectId: string
  readonly channelId: string
  readonly environmentId: string
  readonly tenantId: string | null
  /** The task that carries it out. */
  readonly taskId: string
  readonly name: string
  readonly comments: string
  /** As they were when the deployment was asked for. */
  readonly processSnapshotId: string
  readonly variableSetSnapshotId: string
  /** Ids of actions that are left out. */
  readonly skipActions: readonly string[]
  /** Empty: every machine that fits. */
  readonly specificMachineIds: readonly string[]
  readonly excludedMachineIds: readonly string[]
  readonly forcePackageDownload: boolean
  readonly forcePackageRedeployment: boolean
  readonly useGuidedFailure: boolean
  /** Prompted variables: id of the variable → value. Sensitive ones are sealed. */
  readonly formValues: Readonly<Record<string, string | { readonly sealed: string }>>
  readonly queueTime: Instant | null
  readonly queueTimeExpiry: Instant | null
  readonly created: Instant
  readonly deployedBy: string
  readonly deployedById: string
  /** Filled while the task runs. */
  readonly deployedToMachineIds: readonly string[]
  readonly failureEncountered: boolean
}
