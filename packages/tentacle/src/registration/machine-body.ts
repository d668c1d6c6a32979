import type { Resource } from '../web-api/resource.ts'

/** How the server reaches the agent, as it is stored with the machine. */
export type AgentEndpoint =
  | {
      readonly style: 'TentaclePassive'
      readonly uri: string
      readonly thumbprint: string
      readonly proxyId: string | null
    }
  | { readonly style: 'TentacleActive'; readonly uri: string; readonly thumbprint: string }

/** What a target or worker has besides its endpoint. */
export interface MachineFacts {
  readonly name: string
  readonly spaceId: string | undefined
  readonly endpoint: AgentEndpoint
  /** Undefined: the server's default, or what an existing machine has. */
  readonly machinePolicyId: string | undefined
  /** `EnvironmentIds`, `Roles` and so on of a target, `WorkerPoolIds` of a worker. */
  readonly assignment: Resource
}

/** A machine to be made: members and their order as the original sends them (docs/wire/tentacle-registration.md 4). */
export function newMachineBody(facts: MachineFacts): Resource {
  return {
    ...facts.assignment,
    Name: facts.name,
    SpaceId: facts.spaceId ?? null,
    Thumbprint: null,
    Uri: null,
    IsDisabled: false,
    MachinePolicyId: facts.machinePolicyId ?? null,
    Status: 'Online',
    HealthStatus: 'Healthy',
    HasLatestCalamari: false,
    StatusSummary: null,
    IsInProcess: false,
    Endpoint: endpointBody(facts.endpoint),
    OperatingSystem: null,
    OperatingSystemVersion: null,
    ShellName: null,
    ShellVersion: null,
    Architecture: null,
    Slug: null,
    SkipInitialHealthCheck: false,
    Links: {},
  }
}

/** An existing machine with what registering changes; all that the server sent goes back. */
export function changedMachineBody(existing: Resource, facts: MachineFacts): Resource {
  const defaults = newMachineBody(facts)
  return {
    Id: existing.Id,
    ...defaults,
    ...existing,
    ...facts.assignment,
    Name: facts.name,
    MachinePolicyId: facts.machinePolicyId ?? existing.MachinePolicyId ?? null,
    Endpoint: defaults.Endpoint,
  }
}

function endpointBody(endpoint: AgentEndpoint): Resource {
  return {
    CommunicationStyle: endpoint.style,
    ...(endpoint.style === 'TentaclePassive' ? { ProxyId: endpoint.proxyId } : {}),
    Thumbprint: endpoint.thumbprint,
    Uri: endpoint.uri,
    TentacleVersionDetails: null,
    CertificateSignatureAlgorithm: null,
    Id: null,
    LastModifiedOn: null,
    LastModifiedBy: null,
    Links: {},
  }
}
