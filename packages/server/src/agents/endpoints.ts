import { type HttpProxy, parseThumbprint, type ServiceEndPoint } from '@tentacle/halibut'
import type { Store } from '../db/store.ts'
import { ServerError } from '../errors.ts'
import type { AnyMachine } from '../model/machine.ts'
import { defaultMachinePolicy, type MachinePolicy } from '../model/machine-policy.ts'
import type { SecretVault } from '../model/secret.ts'

/** The settings of a machine policy that have to do with calls. */
export type CallPolicy = Omit<
  MachinePolicy,
  'id' | 'revision' | 'lastModifiedOn' | 'lastModifiedBy' | 'spaceId' | 'name' | 'slug'
>

/** The policy that a machine follows: its own, the default one of its space, or the built-in values. */
export async function policyOf(store: Store, machine: AnyMachine): Promise<CallPolicy> {
  const own =
    machine.machinePolicyId === null ? undefined : await store.machinePolicies.get(machine.machinePolicyId)
  return own ?? (await store.machinePolicies.default(machine.spaceId)) ?? defaultMachinePolicy
}

/** The proxy with this id in the form that calls need. Throws `ERR_NOT_FOUND` when there is none. */
export async function proxyById(store: Store, vault: SecretVault, id: string): Promise<HttpProxy> {
  const proxy = await store.proxies.require(id)
  return {
    host: proxy.host,
    port: proxy.port,
    ...(proxy.username === null ? {} : { userName: proxy.username }),
    ...(proxy.password === null ? {} : { password: vault.open(proxy.password) }),
  }
}

/** Where and how a machine's Tentacle is called. */
export async function endpointOf(
  store: Store,
  vault: SecretVault,
  { endpoint }: AnyMachine,
  policy: CallPolicy,
): Promise<ServiceEndPoint> {
  const common = { baseUri: endpoint.uri, thumbprint: parseThumbprint(endpoint.thumbprint) }
  if (endpoint.style === 'TentacleActive') {
    return { ...common, pollingRequestQueueTimeoutMs: policy.pollingRequestQueueTimeoutMs }
  }
  return {
    ...common,
    proxy: endpoint.proxyId === null ? null : await proxyById(store, vault, endpoint.proxyId),
    retryListeningSleepIntervalMs: policy.connectionRetrySleepIntervalMs,
    retryCountLimit: policy.connectionRetryCountLimit,
    connectionErrorRetryTimeoutMs: policy.connectionRetryTimeLimitMs,
    connectTimeoutMs: policy.connectionConnectTimeoutMs,
  }
}

/** The form in which subscriptions are compared. */
export function subscriptionKey(uri: string): string {
  const lower = uri.trim().toLowerCase()
  return lower.endsWith('/') ? lower : `${lower}/`
}

/** The machine or worker with this id. Throws `ERR_NOT_FOUND` when there is none. */
export async function requireMachine(store: Store, id: string): Promise<AnyMachine> {
  const machine = (await store.machines.get(id)) ?? (await store.workers.get(id))
  if (machine !== undefined) return machine
  throw new ServerError(
    'ERR_NOT_FOUND',
    `There is no machine with the id '${id}'. It may have been deleted meanwhile.`,
  )
}
