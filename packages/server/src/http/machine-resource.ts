import { type Static, Type } from 'typebox'
import type { AnyMachine, Endpoint, HealthStatus, Machine, Worker } from '../model/machine.ts'
import { Links, NamedResource, Nullable } from '../web/schema.ts'
import { wireInstantOrNull } from '../web/wire-time.ts'
import { namedHeadOf } from './collection.ts'

const VersionDetails = Type.Object({
  UpgradeLocked: Type.Boolean(),
  Version: Nullable(Type.String()),
  UpgradeSuggested: Type.Boolean(),
  UpgradeRequired: Type.Boolean(),
  UpgradeAvailable: Type.Boolean(),
})

const EndpointResource = Type.Object({
  CommunicationStyle: Type.String(),
  ProxyId: Type.Optional(Nullable(Type.String())),
  Thumbprint: Type.String(),
  Uri: Type.String(),
  TentacleVersionDetails: Nullable(VersionDetails),
  CertificateSignatureAlgorithm: Nullable(Type.String()),
  Id: Type.Null(),
  LastModifiedOn: Type.Null(),
  LastModifiedBy: Type.Null(),
  Links,
})

const anyMachineFields = {
  Endpoint: EndpointResource,
  /** Copies of the endpoint's, for old clients. */
  Thumbprint: Type.String(),
  Uri: Type.String(),
  IsDisabled: Type.Boolean(),
  MachinePolicyId: Nullable(Type.String()),
  HealthStatus: Type.String(),
  /** The older form of HealthStatus. */
  Status: Type.String(),
  StatusSummary: Type.String(),
  /** Ours, so that a list of machines needs no further question for each. */
  LastChecked: Nullable(Type.String()),
  HasLatestCalamari: Type.Boolean(),
  IsInProcess: Type.Boolean(),
  SkipInitialHealthCheck: Type.Boolean(),
  OperatingSystem: Type.String(),
  OperatingSystemVersion: Nullable(Type.String()),
  ShellName: Type.String(),
  ShellVersion: Type.String(),
  Architecture: Nullable(Type.String()),
}

export const MachineResource = NamedResource({
  ...anyMachineFields,
  EnvironmentIds: Type.Array(Type.String()),
  Roles: Type.Array(Type.String()),
  TenantedDeploymentParticipation: Type.String(),
  TenantIds: Type.Array(Type.String()),
  TenantTags: Type.Array(Type.String()),
})
export const WorkerResource = NamedResource({ ...anyMachineFields, WorkerPoolIds: Type.Array(Type.String()) })

const legacyStatus: Readonly<Record<HealthStatus, string>> = {
  Healthy: 'Online',
  HasWarnings: 'Online',
  Unhealthy: 'Offline',
  Unavailable: 'Offline',
  Unknown: 'Unknown',
}

/** An endpoint as the REST API shows it. */
export function toEndpointResource(endpoint: Endpoint): Static<typeof EndpointResource> {
  const { tentacleVersion, upgradeLocked } = endpoint
  return {
    CommunicationStyle: endpoint.style,
    ...(endpoint.style === 'TentaclePassive' ? { ProxyId: endpoint.proxyId } : {}),
    Thumbprint: endpoint.thumbprint,
    Uri: endpoint.uri,
    // Null before the first contact: clients take an object as "its version is known".
    TentacleVersionDetails:
      tentacleVersion === null && !upgradeLocked
        ? null
        : {
            UpgradeLocked: upgradeLocked,
            Version: tentacleVersion,
            UpgradeSuggested: false,
            UpgradeRequired: false,
            UpgradeAvailable: false,
          },
    CertificateSignatureAlgorithm: endpoint.certificateSignatureAlgorithm,
    Id: null,
    LastModifiedOn: null,
    LastModifiedBy: null,
    Links: {},
  }
}

function anyMachineFieldsOf(machine: AnyMachine) {
  const { health } = machine
  return {
    Endpoint: toEndpointResource(machine.endpoint),
    Thumbprint: machine.endpoint.thumbprint,
    Uri: machine.endpoint.uri,
    IsDisabled: machine.isDisabled,
    MachinePolicyId: machine.machinePolicyId,
    HealthStatus: health.status,
    Status: machine.isDisabled ? 'Disabled' : legacyStatus[health.status],
    StatusSummary: health.summary,
    LastChecked: wireInstantOrNull(health.checkedAt),
    HasLatestCalamari: false,
    IsInProcess: false,
    SkipInitialHealthCheck: false,
    OperatingSystem: health.operatingSystem ?? 'Unknown',
    OperatingSystemVersion: health.operatingSystemVersion,
    ShellName: health.shellName ?? 'Unknown',
    ShellVersion: health.shellVersion ?? 'Unknown',
    Architecture: health.architecture,
  }
}

/** Address of a machine or worker. */
export function machineAddress(machine: AnyMachine): string {
  return `/api/${machine.spaceId}/${machine.kind}s/${machine.id}`
}

/** A deployment target as the REST API shows it. */
export function toMachineResource(machine: Machine): Static<typeof MachineResource> {
  const self = machineAddress(machine)
  return {
    ...namedHeadOf(machine, self, {
      Connection: `${self}/connection`,
      TasksTemplate: `${self}/tasks{?skip,take,type}`,
    }),
    ...anyMachineFieldsOf(machine),
    EnvironmentIds: [...machine.environmentIds],
    Roles: [...machine.roles],
    TenantedDeploymentParticipation: machine.tenantedDeploymentParticipation,
    TenantIds: [...machine.tenantIds],
    TenantTags: [...machine.tenantTags],
  }
}

/** A worker as the REST API shows it. */
export function toWorkerResource(worker: Worker): Static<typeof WorkerResource> {
  const self = machineAddress(worker)
  return {
    ...namedHeadOf(worker, self, {
      Connection: `${self}/connection`,
      TasksTemplate: `${self}/tasks{?skip,take,type}`,
    }),
    ...anyMachineFieldsOf(worker),
    WorkerPoolIds: [...worker.workerPoolIds],
  }
}
