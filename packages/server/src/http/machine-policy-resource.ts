import { type Static, Type } from 'typebox'
import { chooseSlug } from '../catalog/slug.ts'
import type { HealthCheckScript, MachinePolicy } from '../model/machine-policy.ts'
import { Maybe, NamedResource, Nullable, Words } from '../web/schema.ts'
import { parseTimeSpan, wireTimeSpan } from '../web/wire-time.ts'
import { namedHeadOf } from './collection.ts'
import { checkName, collectProblems, type Problems } from './input-checks.ts'

const runTypes = ['InheritFromDefault', 'Inline', 'OnlyConnectivity'] as const
const Script = Type.Object({ RunType: Type.String(), ScriptBody: Nullable(Type.String()) })
const ScriptInput = Maybe(Type.Object({ RunType: Maybe(Words(runTypes)), ScriptBody: Maybe(Type.String()) }))

export const MachinePolicyResource = NamedResource({
  Description: Type.String(),
  IsDefault: Type.Boolean(),
  MachineHealthCheckPolicy: Type.Object({
    HealthCheckType: Type.String(),
    HealthCheckInterval: Nullable(Type.String()),
    HealthCheckCron: Nullable(Type.String()),
    HealthCheckCronTimezone: Type.String(),
    PowerShellHealthCheckPolicy: Script,
    BashHealthCheckPolicy: Script,
  }),
  MachineConnectivityPolicy: Type.Object({ MachineConnectivityBehavior: Type.String() }),
  MachineCleanupPolicy: Type.Object({
    DeleteMachinesBehavior: Type.String(),
    DeleteMachinesElapsedTimeSpan: Type.String(),
  }),
  MachineUpdatePolicy: Type.Object({
    CalamariUpdateBehavior: Type.String(),
    TentacleUpdateBehavior: Type.String(),
    KubernetesAgentUpdateBehavior: Type.String(),
    TentacleUpdateAccountId: Nullable(Type.String()),
  }),
  MachineRpcCallRetryPolicy: Type.Object({
    Enabled: Type.Boolean(),
    RetryDuration: Type.String(),
    HealthCheckRetryDuration: Type.String(),
  }),
  MachinePackageCacheRetentionPolicy: Type.Object({
    Strategy: Type.String(),
    QuantityOfPackagesToKeep: Nullable(Type.Integer()),
    PackageUnit: Nullable(Type.String()),
    QuantityOfVersionsToKeep: Nullable(Type.Integer()),
    VersionUnit: Nullable(Type.String()),
  }),
  PollingRequestQueueTimeout: Type.String(),
  PollingRequestMaximumMessageProcessingTimeout: Type.String(),
  ConnectionRetrySleepInterval: Type.String(),
  ConnectionRetryTimeLimit: Type.String(),
  ConnectionConnectTimeout: Type.String(),
  ConnectionRetryCountLimit: Type.Integer(),
})

const MaybeText = Maybe(Type.String())

export const MachinePolicyInput = Type.Object({
  Name: MaybeText,
  Slug: MaybeText,
  Description: MaybeText,
  IsDefault: Maybe(Type.Boolean()),
  MachineHealthCheckPolicy: Maybe(
    Type.Object({
      HealthCheckType: Maybe(Words(['RunScript', 'OnlyConnectivity'])),
      HealthCheckInterval: MaybeText,
      HealthCheckCron: MaybeText,
      HealthCheckCronTimezone: MaybeText,
      PowerShellHealthCheckPolicy: ScriptInput,
      BashHealthCheckPolicy: ScriptInput,
    }),
  ),
  MachineConnectivityPolicy: Maybe(
    Type.Object({
      MachineConnectivityBehavior: Maybe(Words(['ExpectedToBeOnline', 'MayBeOfflineAndCanBeSkipped'])),
    }),
  ),
  MachineCleanupPolicy: Maybe(
    Type.Object({
      DeleteMachinesBehavior: Maybe(Words(['DoNotDelete', 'DeleteUnavailableMachines'])),
      DeleteMachinesElapsedTimeSpan: MaybeText,
    }),
  ),
  MachineUpdatePolicy: Maybe(
    Type.Object({
      CalamariUpdateBehavior: Maybe(Words(['UpdateOnDeployment', 'UpdateOnNewMachine', 'UpdateAlways'])),
      TentacleUpdateBehavior: Maybe(Words(['NeverUpdate', 'Update'])),
      KubernetesAgentUpdateBehavior: Maybe(Words(['NeverUpdate', 'Update', 'Block'])),
      TentacleUpdateAccountId: MaybeText,
    }),
  ),
  MachineRpcCallRetryPolicy: Maybe(
    Type.Object({
      Enabled: Maybe(Type.Boolean()),
      RetryDuration: MaybeText,
      HealthCheckRetryDuration: MaybeText,
    }),
  ),
  MachinePackageCacheRetentionPolicy: Maybe(
    Type.Object({
      Strategy: Maybe(Words(['Default', 'Quantities'])),
      QuantityOfPackagesToKeep: Maybe(Type.Integer()),
      PackageUnit: MaybeText,
      QuantityOfVersionsToKeep: Maybe(Type.Integer()),
      VersionUnit: MaybeText,
    }),
  ),
  PollingRequestQueueTimeout: MaybeText,
  PollingRequestMaximumMessageProcessingTimeout: MaybeText,
  ConnectionRetrySleepInterval: MaybeText,
  ConnectionRetryTimeLimit: MaybeText,
  ConnectionConnectTimeout: MaybeText,
  ConnectionRetryCountLimit: Maybe(Type.Integer({ minimum: 0 })),
})

type PolicyContents = Omit<MachinePolicy, 'id' | 'revision' | 'lastModifiedOn' | 'lastModifiedBy' | 'spaceId'>

function toScript(script: HealthCheckScript): Static<typeof Script> {
  return { RunType: script.runType, ScriptBody: script.scriptBody }
}

/** The fields of a policy, stored or not. */
export function toPolicyFields(policy: Omit<PolicyContents, 'name' | 'slug'>) {
  const { healthCheck, update, packageCacheRetention: cache } = policy
  return {
    Description: policy.description,
    IsDefault: policy.isDefault,
    MachineHealthCheckPolicy: {
      HealthCheckType: healthCheck.type,
      HealthCheckInterval: healthCheck.intervalMs === null ? null : wireTimeSpan(healthCheck.intervalMs),
      HealthCheckCron: healthCheck.cron,
      HealthCheckCronTimezone: healthCheck.cronTimezone,
      PowerShellHealthCheckPolicy: toScript(healthCheck.powerShell),
      BashHealthCheckPolicy: toScript(healthCheck.bash),
    },
    MachineConnectivityPolicy: { MachineConnectivityBehavior: policy.connectivity },
    MachineCleanupPolicy: {
      DeleteMachinesBehavior: policy.cleanup.behavior,
      DeleteMachinesElapsedTimeSpan: wireTimeSpan(policy.cleanup.elapsedMs),
    },
    MachineUpdatePolicy: {
      CalamariUpdateBehavior: update.calamari,
      TentacleUpdateBehavior: update.tentacle,
      KubernetesAgentUpdateBehavior: update.kubernetesAgent,
      TentacleUpdateAccountId: update.tentacleUpdateAccountId,
    },
    MachineRpcCallRetryPolicy: {
      Enabled: policy.rpcCallRetry.enabled,
      RetryDuration: wireTimeSpan(policy.rpcCallRetry.durationMs),
      HealthCheckRetryDuration: wireTimeSpan(policy.rpcCallRetry.healthCheckDurationMs),
    },
    MachinePackageCacheRetentionPolicy: {
      Strategy: cache.strategy,
      QuantityOfPackagesToKeep: cache.quantityOfPackagesToKeep,
      PackageUnit: cache.packageUnit,
      QuantityOfVersionsToKeep: cache.quantityOfVersionsToKeep,
      VersionUnit: cache.versionUnit,
    },
    PollingRequestQueueTimeout: wireTimeSpan(policy.pollingRequestQueueTimeoutMs),
    PollingRequestMaximumMessageProcessingTimeout: wireTimeSpan(
      policy.pollingRequestMaximumMessageProcessingTimeoutMs,
    ),
    ConnectionRetrySleepInterval: wireTimeSpan(policy.connectionRetrySleepIntervalMs),
    ConnectionRetryTimeLimit: wireTimeSpan(policy.connectionRetryTimeLimitMs),
    ConnectionConnectTimeout: wireTimeSpan(policy.connectionConnectTimeoutMs),
    ConnectionRetryCountLimit: policy.connectionRetryCountLimit,
  }
}

/** A policy as the REST API shows it. */
export function toPolicyResource(policy: MachinePolicy): Static<typeof MachinePolicyResource> {
  const self = `/api/${policy.spaceId}/machinepolicies/${policy.id}`
  return {
    ...namedHeadOf(policy, self, { Machines: `${self}/machines`, Workers: `${self}/workers` }),
    ...toPolicyFields(policy),
  }
}

function readScript(
  input: Static<typeof ScriptInput> | undefined,
  before: HealthCheckScript,
): HealthCheckScript {
  return { runType: input?.RunType ?? before.runType, scriptBody: input?.ScriptBody ?? before.scriptBody }
}

/** Reads what a client says of a policy; what it leaves out stays as it was. */
export function readPolicy(
  input: Static<typeof MachinePolicyInput>,
  before: Omit<PolicyContents, 'name' | 'slug'> & { readonly name?: string; readonly slug?: string },
): PolicyContents {
  const problems: Problems = collectProblems()
  const name = checkName(input.Name ?? before.name, 'a machine policy', problems)
  const span = (text: string | null | undefined, otherwise: number, field: string): number => {
    const ms = text == null ? otherwise : parseTimeSpan(text)
    if (ms === undefined || ms < 0)
      problems.add(`${field} is '${text}', which is not a time span such as 00:05:00.`)
    return ms ?? otherwise
  }
  const { MachineHealthCheckPolicy: health, MachineUpdatePolicy: update } = input
  const {
    MachinePackageCacheRetentionPolicy: cache,
    MachineRpcCallRetryPolicy: retry,
    MachineCleanupPolicy: cleanup,
  } = input
  const contents: PolicyContents = {
    name,
    slug: chooseSlug(input.Slug, before.slug, name),
    description: input.Description ?? before.description,
    isDefault: input.IsDefault ?? before.isDefault,
    healthCheck: {
      type: health?.HealthCheckType ?? before.healthCheck.type,
      // Null says "not by the clock" here, unlike elsewhere.
      intervalMs:
        health?.HealthCheckInterval === null
          ? null
          : span(
              health?.HealthCheckInterval,
              before.healthCheck.intervalMs ?? 3_600_000,
              'HealthCheckInterval',
            ),
      cron: health == null ? before.healthCheck.cron : (health.HealthCheckCron ?? null),
      cronTimezone: health?.HealthCheckCronTimezone ?? before.healthCheck.cronTimezone,
      powerShell: readScript(health?.PowerShellHealthCheckPolicy, before.healthCheck.powerShell),
      bash: readScript(health?.BashHealthCheckPolicy, before.healthCheck.bash),
    },
    connectivity: input.MachineConnectivityPolicy?.MachineConnectivityBehavior ?? before.connectivity,
    cleanup: {
      behavior: cleanup?.DeleteMachinesBehavior ?? before.cleanup.behavior,
      elapsedMs: span(
        cleanup?.DeleteMachinesElapsedTimeSpan,
        before.cleanup.elapsedMs,
        'DeleteMachinesElapsedTimeSpan',
      ),
    },
    update: {
      calamari: update?.CalamariUpdateBehavior ?? before.update.calamari,
      tentacle: update?.TentacleUpdateBehavior ?? before.update.tentacle,
      kubernetesAgent: update?.KubernetesAgentUpdateBehavior ?? before.update.kubernetesAgent,
      tentacleUpdateAccountId: update?.TentacleUpdateAccountId ?? null,
    },
    rpcCallRetry: {
      enabled: retry?.Enabled ?? before.rpcCallRetry.enabled,
      durationMs: span(retry?.RetryDuration, before.rpcCallRetry.durationMs, 'RetryDuration'),
      healthCheckDurationMs: span(
        retry?.HealthCheckRetryDuration,
        before.rpcCallRetry.healthCheckDurationMs,
        'HealthCheckRetryDuration',
      ),
    },
    packageCacheRetention: {
      strategy: cache?.Strategy ?? before.packageCacheRetention.strategy,
      quantityOfPackagesToKeep:
        cache?.QuantityOfPackagesToKeep ?? before.packageCacheRetention.quantityOfPackagesToKeep,
      packageUnit: cache?.PackageUnit ?? before.packageCacheRetention.packageUnit,
      quantityOfVersionsToKeep:
        cache?.QuantityOfVersionsToKeep ?? before.packageCacheRetention.quantityOfVersionsToKeep,
      versionUnit: cache?.VersionUnit ?? before.packageCacheRetention.versionUnit,
    },
    pollingRequestQueueTimeoutMs: span(
      input.PollingRequestQueueTimeout,
      before.pollingRequestQueueTimeoutMs,
      'PollingRequestQueueTimeout',
    ),
    pollingRequestMaximumMessageProcessingTimeoutMs: span(
      input.PollingRequestMaximumMessageProcessingTimeout,
      before.pollingRequestMaximumMessageProcessingTimeoutMs,
      'PollingRequestMaximumMessageProcessingTimeout',
    ),
    connectionRetrySleepIntervalMs: span(
      input.ConnectionRetrySleepInterval,
      before.connectionRetrySleepIntervalMs,
      'ConnectionRetrySleepInterval',
    ),
    connectionRetryTimeLimitMs: span(
      input.ConnectionRetryTimeLimit,
      before.connectionRetryTimeLimitMs,
      'ConnectionRetryTimeLimit',
    ),
    connectionConnectTimeoutMs: span(
      input.ConnectionConnectTimeout,
      before.connectionConnectTimeoutMs,
      'ConnectionConnectTimeout',
    ),
    connectionRetryCountLimit: input.ConnectionRetryCountLimit ?? before.connectionRetryCountLimit,
  }
  problems.throwIfAny()
  return contents
}
