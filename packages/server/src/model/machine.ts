import type { Instant, Named, SpaceDocument } from './document.ts'

/** What both ways to reach a Tentacle have in common. */
interface TentacleEndpoint {
  /** SHA-1 of the Tentacle's certificate: 40 upper-case hex digits. */
  readonly thumbprint: string
  /** The version that the Tentacle told at the last contact; null before the first. */
  readonly tentacleVersion: string | null
  /** True: the Tentacle is not upgraded from here. */
  readonly upgradeLocked: boolean
  readonly certificateSignatureAlgorithm: string | null
}

/** The server calls the Tentacle. */
export interface ListeningEndpoint extends TentacleEndpoint {
  readonly style: 'TentaclePassive'
  /** `https://host:10933/`: lower case, with the closing slash. */
  readonly uri: string
  readonly proxyId: string | null
}

/** The Tentacle calls the server and fetches its work. */
export interface PollingEndpoint extends TentacleEndpoint {
  readonly style: 'TentacleActive'
  /** `poll://subscription/` */
  readonly uri: string
}

export type Endpoint = ListeningEndpoint | PollingEndpoint
export type CommunicationStyle = Endpoint['style']

export type HealthStatus = 'Healthy' | 'HasWarnings' | 'Unhealthy' | 'Unavailable' | 'Unknown'

/** A line of the last health check, as the connection page shows it. */
export interface ConnectionLogLine {
  readonly category: string
  readonly occurredAt: Instant
  readonly messageText: string
}

/** What the last health check found. */
export interface MachineHealth {
  readonly status: HealthStatus
  /** One sentence for people. */
  readonly summary: string
  /** Null before the first check. */
  readonly checkedAt: Instant | null
  readonly log: readonly ConnectionLogLine[]
  /** What the check script told of the machine; null where it did not. */
  readonly operatingSystem: string | null
  readonly operatingSystemVersion: string | null
  readonly shellName: string | null
  readonly shellVersion: string | null
  readonly architecture: string | null
}

/** What deployment targets and workers have in common. */
interface MachineBase extends SpaceDocument, Named {
  readonly endpoint: Endpoint
  /** Null: the space's default policy. */
  readonly machinePolicyId: string | null
  readonly isDisabled: boolean
  readonly health: MachineHealth
}

export type TenantedDeploymentParticipation = 'Untenanted' | 'TenantedOrUntenanted' | 'Tenanted'

/** A deployment target. */
export interface Machine extends MachineBase {
  readonly kind: 'machine'
  readonly environmentIds: readonly string[]
  /** Free text ("target tags"), compared without regard to case. */
  readonly roles: readonly string[]
  readonly tenantedDeploymentParticipation: TenantedDeploymentParticipation
  readonly tenantIds: readonly string[]
  /** Canonical form, `Tag set/Tag`. */
  readonly tenantTags: readonly string[]
}

/** A machine that runs steps on the server's behalf. */
export interface Worker extends MachineBase {
  readonly kind: 'worker'
  readonly workerPoolIds: readonly string[]
}

/** Whatever has a Tentacle. */
export type AnyMachine = Machine | Worker

/** The health of a machine that was never looked at. */
export const unknownHealth: MachineHealth = {
  status: 'Unknown',
  summary: 'No health check has run on this machine yet.',
  checkedAt: null,
  log: [],
  operatingSystem: null,
  operatingSystemVersion: null,
  shellName: null,
  shellVersion: null,
  architecture: null,
}
