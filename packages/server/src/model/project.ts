import type { Named, SpaceDocument } from './document.ts'

/** A drawer of the project list. */
export interface ProjectGroup extends SpaceDocument, Named {
  readonly description: string
}

/** How much is kept. */
export interface RetentionPeriod {
  readonly strategy: 'Default' | 'Forever' | 'Count'
  readonly unit: 'Days' | 'Items'
  readonly quantityToKeep: number
}

/** One stage of a lifecycle. */
export interface Phase {
  readonly id: string
  readonly name: string
  readonly automaticDeploymentTargets: readonly string[]
  readonly optionalDeploymentTargets: readonly string[]
  /** 0: all of them. */
  readonly minimumEnvironmentsBeforePromotion: number
  readonly isOptionalPhase: boolean
  readonly isPriorityPhase: boolean
  /** Null: the lifecycle's. */
  readonly releaseRetentionPolicy: RetentionPeriod | null
  readonly tentacleRetentionPolicy: RetentionPeriod | null
}

/** The order of environments that a release passes. Without phases every environment is open at any time. */
export interface Lifecycle extends SpaceDocument, Named {
  readonly description: string
  readonly isDefault: boolean
  readonly phases: readonly Phase[]
  readonly releaseRetentionPolicy: RetentionPeriod
  readonly tentacleRetentionPolicy: RetentionPeriod
}

/** An action, and one of its packages by the reference's name (empty: the primary one). */
export interface DeploymentActionPackage {
  readonly deploymentAction: string
  readonly packageReference: string
}

/** Something that is deployed: a process, variables, channels and releases. */
export interface Project extends SpaceDocument, Named {
  readonly description: string
  readonly isDisabled: boolean
  readonly projectGroupId: string
  readonly lifecycleId: string
  /** `variableset-Projects-N` */
  readonly variableSetId: string
  /** `deploymentprocess-Projects-N` */
  readonly deploymentProcessId: string
  readonly clonedFromProjectId: string | null
  readonly defaultToSkipIfAlreadyInstalled: boolean
  readonly tenantedDeploymentMode: TenantedDeploymentMode
  readonly defaultGuidedFailureMode: 'EnvironmentDefault' | 'Off' | 'On'
  readonly versioningStrategy: {
    readonly template: string | null
    readonly donorPackage: DeploymentActionPackage | null
  }
  readonly connectivityPolicy: ProjectConnectivityPolicy
  readonly releaseNotesTemplate: string | null
  readonly deploymentChangesTemplate: string | null
  readonly forcePackageDownload: boolean
}

export type TenantedDeploymentMode = 'Untenanted' | 'TenantedOrUntenanted' | 'Tenanted'

/** What a deployment does about machines that are not there. */
export interface ProjectConnectivityPolicy {
  readonly skipMachineBehavior: 'None' | 'SkipUnavailableMachines'
  readonly targetRoles: readonly string[]
  readonly allowDeploymentsToNoTargets: boolean
  readonly excludeUnhealthyTargets: boolean
}

/** Which package versions a channel takes for some actions. */
export interface ChannelRule {
  readonly id: string
  /** NuGet range, e.g. `[1.0,2.0)`; empty for any. */
  readonly versionRange: string
  /** Regular expression over the pre-release part; empty for any. */
  readonly tag: string
  readonly actionPackages: readonly DeploymentActionPackage[]
}

/** A line of releases of a project. */
export interface Channel extends SpaceDocument, Named {
  readonly description: string
  readonly projectId: string
  /** Null: the project's. */
  readonly lifecycleId: string | null
  readonly isDefault: boolean
  readonly rules: readonly ChannelRule[]
  readonly tenantTags: readonly string[]
}
