import { parseThumbprint } from '@tentacle/halibut'
import { type Static, Type } from 'typebox'
import { chooseSlug } from '../catalog/slug.ts'
import type { Store } from '../db/store.ts'
import { type AnyMachine, type Endpoint, type Machine, unknownHealth, type Worker } from '../model/machine.ts'
import { Maybe, Words } from '../web/schema.ts'
import { checkIds, checkName, checkTenantTags, collectProblems, type Problems } from './input-checks.ts'

const EndpointInput = Type.Object({
  CommunicationStyle: Type.String(),
  Uri: Maybe(Type.String()),
  Thumbprint: Maybe(Type.String()),
  ProxyId: Maybe(Type.String()),
  CertificateSignatureAlgorithm: Maybe(Type.String()),
  TentacleVersionDetails: Maybe(Type.Object({ UpgradeLocked: Maybe(Type.Boolean()) })),
})

const anyMachineInput = {
  Name: Maybe(Type.String()),
  Slug: Maybe(Type.String()),
  Endpoint: Maybe(EndpointInput),
  IsDisabled: Maybe(Type.Boolean()),
  MachinePolicyId: Maybe(Type.String()),
  SkipInitialHealthCheck: Maybe(Type.Boolean()),
}

/** What clients send; they also send their own defaults of fields that only the server sets, which are ignored. */
export const MachineInput = Type.Object({
  ...anyMachineInput,
  EnvironmentIds: Maybe(Type.Array(Type.String())),
  Roles: Maybe(Type.Array(Type.String())),
  TenantedDeploymentParticipation: Maybe(Words(['Untenanted', 'TenantedOrUntenanted', 'Tenanted'])),
  TenantIds: Maybe(Type.Array(Type.String())),
  TenantTags: Maybe(Type.Array(Type.String())),
})
export const WorkerInput = Type.Object({
  ...anyMachineInput,
  WorkerPoolIds: Maybe(Type.Array(Type.String())),
})

type AnyMachineInput = Pick<Static<typeof MachineInput>, keyof typeof anyMachineInput>

/** `https://Web01:10933` → `https://web01:10933/`; undefined for what cannot be dialled. */
function listeningUri(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.protocol !== 'https:' || url.hostname === '' || url.pathname !== '/') return undefined
  return `https://${url.hostname.toLowerCase()}:${url.port === '' ? '443' : url.port}/`
}

/** `poll://abc` → `poll://abc/`; undefined for what is no subscription. */
function pollingUri(text: string): string | undefined {
  const name = /^poll:\/\/([^/?#\s]+)\/?$/i.exec(text)?.[1]
  return name === undefined ? undefined : `poll://${name}/`
}

function thumbprintOf(text: string | null | undefined, problems: Problems): string {
  try {
    return parseThumbprint(text ?? '')
  } catch {
    problems.add(
      `Endpoint.Thumbprint is '${text ?? ''}'; it must be the 40 hexadecimal digits of the Tentacle's certificate.`,
    )
    return ''
  }
}

async function readEndpoint(
  { proxies }: Store,
  spaceId: string,
  input: Static<typeof EndpointInput>,
  before: Endpoint | undefined,
  problems: Problems,
): Promise<Endpoint> {
  const thumbprint = thumbprintOf(input.Thumbprint, problems)
  const shared = {
    thumbprint,
    // A version that was told by another Tentacle (with another certificate) says nothing about this one.
    tentacleVersion: before?.thumbprint === thumbprint ? before.tentacleVersion : null,
    upgradeLocked: input.TentacleVersionDetails?.UpgradeLocked ?? before?.upgradeLocked ?? false,
    certificateSignatureAlgorithm: input.CertificateSignatureAlgorithm ?? null,
  }
  const text = (input.Uri ?? '').trim()
  switch (input.CommunicationStyle) {
    case 'TentaclePassive': {
      const uri = listeningUri(text)
      if (uri === undefined)
        problems.add(
          `Endpoint.Uri is '${text}'; for a listening Tentacle it must be like https://host:10933/.`,
        )
      const [proxyId = null] = input.ProxyId
        ? await checkIds(proxies, spaceId, [input.ProxyId], 'proxy', problems)
        : []
      return { style: 'TentaclePassive', uri: uri ?? '', proxyId, ...shared }
    }
    case 'TentacleActive': {
      const uri = pollingUri(text)
      if (uri === undefined)
        problems.add(
          `Endpoint.Uri is '${text}'; for a polling Tentacle it must be like poll://subscription/.`,
        )
      return { style: 'TentacleActive', uri: uri ?? '', ...shared }
    }
    default:
      problems.add(
        `Endpoint.CommunicationStyle is '${input.CommunicationStyle}'; this server works with TentaclePassive and TentacleActive.`,
      )
      return { style: 'TentacleActive', uri: '', ...shared }
  }
}

async function readShared(
  store: Store,
  spaceId: string,
  input: AnyMachineInput,
  before: AnyMachine | undefined,
  problems: Problems,
) {
  const name = checkName(input.Name ?? before?.name, 'a machine', problems)
  const { MachinePolicyId } = input
  const [chosen] = MachinePolicyId
    ? await checkIds(store.machinePolicies, spaceId, [MachinePolicyId], 'machine policy', problems)
    : []
  const endpoint = input.Endpoint
    ? await readEndpoint(store, spaceId, input.Endpoint, before?.endpoint, problems)
    : (before?.endpoint ?? problems.refuse('Endpoint is required.'))
  const isSameTentacle =
    before !== undefined &&
    endpoint.uri === before.endpoint.uri &&
    endpoint.thumbprint === before.endpoint.thumbprint
  return {
    spaceId,
    name,
    slug: chooseSlug(input.Slug, before?.slug, name),
    endpoint,
    machinePolicyId:
      chosen ?? before?.machinePolicyId ?? (await store.machinePolicies.default(spaceId))?.id ?? null,
    isDisabled: input.IsDisabled ?? before?.isDisabled ?? false,
    // What was found out about another Tentacle does not hold for this one.
    health: isSameTentacle ? before.health : unknownHealth,
  }
}

function words(texts: readonly string[]): readonly string[] {
  const seen = new Map<string, string>()
  for (const text of texts.map(each => each.trim()).filter(each => each !== '')) {
    if (!seen.has(text.toLowerCase())) seen.set(text.toLowerCase(), text)
  }
  return [...seen.values()]
}

/** Checks what a client says of a deployment target. Throws `ERR_INVALID_INPUT` with everything that is wrong. */
export async function readMachine(
  store: Store,
  spaceId: string,
  input: Static<typeof MachineInput>,
  before?: Machine,
) {
  const problems = collectProblems()
  const shared = await readShared(store, spaceId, input, before, problems)
  const environmentIds = await checkIds(
    store.environments,
    spaceId,
    input.EnvironmentIds ?? before?.environmentIds ?? [],
    'environment',
    problems,
  )
  const roles = words(input.Roles ?? before?.roles ?? [])
  if ((input.EnvironmentIds ?? before?.environmentIds ?? []).length === 0)
    problems.add('A deployment target needs at least one environment.')
  if (roles.length === 0) problems.add('A deployment target needs at least one role (target tag).')
  const tenantIds = await checkIds(
    store.tenants,
    spaceId,
    input.TenantIds ?? before?.tenantIds ?? [],
    'tenant',
    problems,
  )
  const tenantTags = await checkTenantTags(
    store,
    spaceId,
    input.TenantTags ?? before?.tenantTags ?? [],
    problems,
  )
  problems.throwIfAny()
  return {
    kind: 'machine' as const,
    ...shared,
    environmentIds,
    roles,
    tenantedDeploymentParticipation:
      input.TenantedDeploymentParticipation ??
      before?.tenantedDeploymentParticipation ??
      ('Untenanted' as const),
    tenantIds,
    tenantTags,
  }
}

/** Checks what a client says of a worker. Throws `ERR_INVALID_INPUT` with everything that is wrong. */
export async function readWorker(
  store: Store,
  spaceId: string,
  input: Static<typeof WorkerInput>,
  before?: Worker,
) {
  const problems = collectProblems()
  const shared = await readShared(store, spaceId, input, before, problems)
  const wanted = input.WorkerPoolIds ?? before?.workerPoolIds ?? []
  if (wanted.length === 0) problems.add('A worker needs at least one worker pool.')
  const workerPoolIds = await checkIds(store.workerPools, spaceId, wanted, 'worker pool', problems)
  problems.throwIfAny()
  return { kind: 'worker' as const, ...shared, workerPoolIds }
}
