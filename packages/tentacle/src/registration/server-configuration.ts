import { TentacleError } from '../errors.ts'
import type { ApiClient } from '../web-api/api-client.ts'
import { expandLink } from '../web-api/links.ts'
import { asResource, linkOf, type Resource, textOf, textsOf } from '../web-api/resource.ts'
import { findByThumbprint, type Lookups } from './lookups.ts'
import { chooseSpace, openDefaultSpace, openSpace } from './repository.ts'

/** A thing of the server that is referred to. */
interface Named {
  readonly Id: string
  readonly Name: string
}

/** Settings that only the server knows, by the dotted names under which `show-configuration` shows them. */
export type ServerConfiguration = ReadonlyMap<string, unknown>

/**
 * Reads back what the server has stored for the agent with this thumbprint (docs/wire/tentacle-registration.md 5).
 *
 * @returns undefined if the server does not know it.
 * @throws TentacleError `ERR_REFUSED` if it knows it more than once.
 */
export async function readServerConfiguration(
  api: ApiClient,
  thumbprint: string,
  space: string | undefined,
): Promise<ServerConfiguration | undefined> {
  await openDefaultSpace(api)
  const { links } = await openSpace(api, await chooseSpace(api, space))
  const lookups: Lookups = { api, links }
  const targets = await findByThumbprint(lookups, 'Machines', thumbprint)
  const workers = await findByThumbprint(lookups, 'Workers', thumbprint)
  if (targets.length + workers.length > 1) {
    throw new TentacleError(
      'ERR_REFUSED',
      `The server knows this agent ${targets.length + workers.length} times, so there is no one configuration to show.`,
    )
  }
  const [target] = targets
  if (target !== undefined) return await targetConfiguration(lookups, target)
  const [worker] = workers
  return worker === undefined ? undefined : await workerConfiguration(lookups, worker)
}

async function targetConfiguration(lookups: Lookups, target: Resource): Promise<ServerConfiguration> {
  const environments = await named(lookups, 'Environments', textsOf(target, 'EnvironmentIds'))
  const tenants = await named(lookups, 'Tenants', textsOf(target, 'TenantIds'))
  return new Map<string, unknown>([
    ['Tentacle.Environments', environments],
    ['Tentacle.Roles', textsOf(target, 'Roles')],
    ['Tentacle.Tenants', tenants],
    ['Tentacle.TenantTags', textsOf(target, 'TenantTags')],
    ...(await commonConfiguration(lookups, target)),
  ])
}

async function workerConfiguration(lookups: Lookups, worker: Resource): Promise<ServerConfiguration> {
  const pools = await named(lookups, 'WorkerPools', textsOf(worker, 'WorkerPoolIds'))
  return new Map<string, unknown>([
    ['Tentacle.WorkerPools', pools],
    ...(await commonConfiguration(lookups, worker)),
  ])
}

async function commonConfiguration({ api, links }: Lookups, machine: Resource): Promise<[string, unknown][]> {
  const link = expandLink(linkOf(links, 'MachinePolicies'), { id: textOf(machine, 'MachinePolicyId') })
  const policy = asResource(await api.get(link), link)
  const endpoint = asResource(machine.Endpoint, 'Endpoint')
  return [
    ['Tentacle.DisplayName', textOf(machine, 'Name')],
    ['Tentacle.MachinePolicy', { Id: textOf(policy, 'Id'), Name: textOf(policy, 'Name') }],
    ['Tentacle.Communication.PublicHostName', textOf(endpoint, 'Uri')],
  ]
}

async function named({ api, links }: Lookups, link: string, ids: readonly string[]): Promise<Named[]> {
  const items = await api.all(expandLink(linkOf(links, link)))
  return ids.map(id => ({ Id: id, Name: textOf(items.find(item => item.Id === id) ?? {}, 'Name') }))
}
