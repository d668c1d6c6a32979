import { TentacleError } from '../errors.ts'
import type { ApiClient } from '../web-api/api-client.ts'
import { expandLink } from '../web-api/links.ts'
import { isValidationError } from '../web-api/refusal.ts'
import { asResource, findLink, linkOf, type Resource } from '../web-api/resource.ts'
import {
  checkTenantTags,
  environmentIds,
  findByName,
  idByName,
  idsByNameSlugOrId,
  type Lookups,
} from './lookups.ts'
import { type AgentEndpoint, changedMachineBody, type MachineFacts, newMachineBody } from './machine-body.ts'
import { chooseSpace, openDefaultSpace, openSpace, serverThumbprint } from './repository.ts'

/** What the agent shall be on the server. */
export type Registration = TargetRegistration | WorkerRegistration

interface CommonRegistration {
  readonly name: string
  readonly space: string | undefined
  /** Name of a machine policy; undefined for the server's default. */
  readonly policy: string | undefined
  /** Name of a proxy through which the server dials; listening agents only. */
  readonly proxy: string | undefined
  /** Whether to overwrite a machine of that name. */
  readonly force: boolean
  readonly endpoint: AgentEndpoint
}

export interface TargetRegistration extends CommonRegistration {
  readonly kind: 'target'
  readonly environments: readonly string[]
  readonly roles: readonly string[]
  readonly tenants: readonly string[]
  readonly tenantTags: readonly string[]
  readonly tenantedDeploymentParticipation: string
}

export interface WorkerRegistration extends CommonRegistration {
  readonly kind: 'worker'
  readonly workerPools: readonly string[]
}

/**
 * Makes or overwrites the machine. Requests and their order are those of the original (docs/wire/tentacle-registration.md
 * 3); nothing is written before every name has been found.
 *
 * @returns the thumbprint of the server, which is to be trusted.
 * @throws TentacleError `ERR_REFUSED` for names that do not exist or are taken, and for what the server finds wrong.
 */
export async function register(api: ApiClient, registration: Registration): Promise<string> {
  await openDefaultSpace(api)
  const space = await chooseSpace(api, registration.space)
  const thumbprint = await serverThumbprint(api)
  const { spaceId, links } = await openSpace(api, space)
  const lookups: Lookups = { api, links }
  const collection = registration.kind === 'target' ? 'Machines' : 'Workers'

  const existing = await findByName(lookups, collection, registration.name)
  const endpoint = await withProxy(lookups, registration)
  if (existing !== undefined && !registration.force) throw nameTaken(registration)
  const machinePolicyId =
    registration.policy === undefined
      ? undefined
      : await idByName(lookups, 'MachinePolicies', 'machine policy', registration.policy)
  const assignment = await assignmentOf(lookups, registration)
  const facts: MachineFacts = { name: registration.name, spaceId, endpoint, machinePolicyId, assignment }
  await write(api, linkOf(links, collection), existing, facts)
  return thumbprint
}

async function withProxy(lookups: Lookups, { endpoint, proxy }: Registration): Promise<AgentEndpoint> {
  if (proxy === undefined || endpoint.style !== 'TentaclePassive') return endpoint
  return { ...endpoint, proxyId: await idByName(lookups, 'Proxies', 'proxy', proxy) }
}

async function assignmentOf(lookups: Lookups, registration: Registration): Promise<Resource> {
  if (registration.kind === 'worker') {
    return {
      WorkerPoolIds: await idsByNameSlugOrId(lookups, 'WorkerPools', 'worker pool', registration.workerPools),
    }
  }
  const { tenants, tenantTags } = registration
  if (tenantTags.length > 0) await checkTenantTags(lookups, tenantTags)
  const environments = await environmentIds(lookups, registration.environments)
  return {
    EnvironmentIds: environments,
    Roles: registration.roles,
    TenantedDeploymentParticipation: registration.tenantedDeploymentParticipation,
    TenantIds: tenants.length === 0 ? [] : await idsByNameSlugOrId(lookups, 'Tenants', 'tenant', tenants),
    TenantTags: tenantTags,
  }
}

async function write(
  api: ApiClient,
  collection: string,
  existing: Resource | undefined,
  facts: MachineFacts,
): Promise<void> {
  try {
    const path = existing === undefined ? expandLink(collection) : linkOf(existing, 'Self')
    const answer =
      existing === undefined
        ? await api.post(path, newMachineBody(facts))
        : await api.put(path, changedMachineBody(existing, facts))
    const self = findLink(asResource(answer ?? {}, path), 'Self')
    if (self !== undefined) await api.get(self)
  } catch (error) {
    if (isValidationError(error)) throw new TentacleError('ERR_REFUSED', error.message, { cause: error })
    throw error
  }
}

function nameTaken({ kind, name }: Registration): TentacleError {
  const what = kind === 'target' ? 'machine' : 'worker'
  return new TentacleError(
    'ERR_REFUSED',
    `The server has a ${what} called '${name}' already. Choose another --name, or overwrite it with --force.`,
  )
}
