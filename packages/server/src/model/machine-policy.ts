import type { Named, SpaceDocument } from './document.ts'

/** What a health check runs on one family of systems. */
export interface HealthCheckScript {
  readonly runType: 'InheritFromDefault' | 'Inline' | 'OnlyConnectivity'
  /** Only with `Inline`. */
  readonly scriptBody: string | null
}

/** How machines are checked, called and cared for. All times in milliseconds. */
export interface MachinePolicy extends SpaceDocument, Named {
  readonly description: string
  readonly isDefault: boolean
  readonly healthCheck: {
    readonly type: 'RunScript' | 'OnlyConnectivity'
    /** Null: not by the clock. */
    readonly intervalMs: number | null
    readonly cron: string | null
    readonly cronTimezone: string
    readonly powerShell: HealthCheckScript
    readonly bash: HealthCheckScript
  }
  readonly connectivity: 'ExpectedToBeOnline' | 'MayBeOfflineAndCanBeSkipped'
  readonly cleanup: {
    readonly behavior: 'DoNotDelete' | 'DeleteUnavailableMachines'
    readonly elapsedMs: number
  }
  readonly update: {
    readonly calamari: 'UpdateOnDeployment' | 'UpdateOnNewMachine' | 'UpdateAlways'
    readonly tentacle: 'NeverUpdate' | 'Update'
    readonly kubernetesAgent: 'NeverUpdate' | 'Update' | 'Block'
    readonly tentacleUpdateAccountId: string | null
  }
  readonly rpcCallRetry: {
    readonly enabled: boolean
    readonly durationMs: number
    readonly healthCheckDurationMs: number
  }
  readonly packageCacheRetention: {
    readonly strategy: 'Default' | 'Quantities'
    readonly quantityOfPackagesToKeep: number | null
    readonly packageUnit: string | null
    readonly quantityOfVersionsToKeep: number | null
    readonly versionUnit: string | null
  }
  /** How long a call for a polling Tentacle waits until the Tentacle fetches it. */
  readonly pollingRequestQueueTimeoutMs: number
  readonly pollingRequestMaximumMessageProcessingTimeoutMs: number
  readonly connectionRetrySleepIntervalMs: number
  readonly connectionRetryTimeLimitMs: number
  readonly connectionConnectTimeoutMs: number
  readonly connectionRetryCountLimit: number
}

/** The values of a new policy: docs/wire/server-api.md, machine policies. */
export const defaultMachinePolicy: Omit<
  MachinePolicy,
  'id' | 'revision' | 'lastModifiedOn' | 'lastModifiedBy' | 'spaceId' | 'name' | 'slug'
> = {
  description: '',
  isDefault: false,
  healthCheck: {
    type: 'RunScript',
    intervalMs: 3_600_000,
    cron: null,
    cronTimezone: 'UTC',
    powerShell: { runType: 'InheritFromDefault', scriptBody: null },
    bash: { runType: 'InheritFromDefault', scriptBody: null },
  },
  connectivity: 'ExpectedToBeOnline',
  cleanup: { behavior: 'DoNotDelete', elapsedMs: 0 },
  update: {
    calamari: 'UpdateOnDeployment',
    tentacle: 'NeverUpdate',
    kubernetesAgent: 'NeverUpdate',
    tentacleUpdateAccountId: null,
  },
  rpcCallRetry: { enabled: true, durationMs: 150_000, healthCheckDurationMs: 150_000 },
  packageCacheRetention: {
    strategy: 'Default',
    quantityOfPackagesToKeep: null,
    packageUnit: null,
    quantityOfVersionsToKeep: null,
    versionUnit: null,
  },
  pollingRequestQueueTimeoutMs: 120_000,
  pollingRequestMaximumMessageProcessingTimeoutMs: 600_000,
  connectionRetrySleepIntervalMs: 1_000,
  connectionRetryTimeLimitMs: 300_000,
  connectionConnectTimeoutMs: 60_000,
  connectionRetryCountLimit: 5,
}
