import { Type } from 'typebox'
import { ServerError } from '../errors.ts'
import type { AnyMachine } from '../model/machine.ts'
import type { App } from '../web/app-types.ts'
import { ById, Links, Nullable, QueryCount, QueryText } from '../web/schema.ts'
import { wireInstant, wireInstantOrNull } from '../web/wire-time.ts'
import { machineAddress, toEndpointResource } from './machine-resource.ts'
import type { HttpParts } from './parts.ts'

const ConnectionResource = Type.Object({
  Id: Type.String(),
  MachineId: Type.String(),
  Status: Type.String(),
  Logs: Type.Array(
    Type.Object({
      Category: Type.String(),
      OccurredAt: Type.String(),
      MessageText: Type.String(),
      Detail: Type.String(),
    }),
  ),
  CurrentTentacleVersion: Nullable(Type.String()),
  LastChecked: Nullable(Type.String()),
  Links,
})

const DiscoverQuery = Type.Object({
  host: QueryText,
  port: QueryCount,
  type: QueryText,
  proxyId: QueryText,
})

/** Both kinds of machines, as these routes see them. */
interface Kind {
  readonly path: 'machines' | 'workers'
  readonly view: 'MachineView' | 'WorkerView'
  readonly create: 'MachineCreate' | 'WorkerEdit'
  require(id: string, spaceId: string): Promise<AnyMachine>
}

/** Adds `GET …/{id}/connection` and `GET …/discover`, which machines and workers have alike. */
export function addMachinePartRoutes(app: App, { agents }: Pick<HttpParts, 'agents'>, kind: Kind): void {
  const base = `/api/:space/${kind.path}`

  app.get(
    `${base}/:id/connection`,
    { config: { permission: kind.view }, schema: { params: ById, response: { 200: ConnectionResource } } },
    async ({ params, space }) => {
      const machine = await kind.require(params.id, space.id)
      const lines = [...machine.health.log, ...agents.connectionLog(machine.id)]
      return {
        Id: `${machine.id}-connection`,
        MachineId: machine.id,
        Status: machine.health.status,
        Logs: lines
          .toSorted((a, b) => a.occurredAt.localeCompare(b.occurredAt))
          .map(line => ({
            Category: line.category,
            OccurredAt: wireInstant(line.occurredAt),
            MessageText: line.messageText,
            Detail: '',
          })),
        CurrentTentacleVersion: machine.endpoint.tentacleVersion,
        LastChecked: wireInstantOrNull(machine.health.checkedAt),
        Links: { Self: `${machineAddress(machine)}/connection`, Machine: machineAddress(machine) },
      }
    },
  )

  // A machine that is not stored yet: its name, and the certificate that answers at the address.
  app.get(
    `${base}/discover`,
    {
      config: { permission: kind.create },
      schema: { querystring: DiscoverQuery, response: { 200: Type.Record(Type.String(), Type.Unknown()) } },
    },
    async ({ query, space, raw }) => {
      const { host = '', port = 10_933, type = 'TentaclePassive', proxyId } = query
      if (type !== 'TentaclePassive') {
        throw new ServerError(
          'ERR_INVALID_INPUT',
          `A machine of the type '${type}' cannot be found by its address; only listening Tentacles (TentaclePassive) can.`,
        )
      }
      if (host.trim() === '')
        throw new ServerError('ERR_INVALID_INPUT', 'Say which host to look at: ?host=…&port=10933')
      const gone = new AbortController()
      const onClose = (): void => gone.abort()
      raw.once('close', onClose)
      try {
        const name = host.trim().toLowerCase()
        const thumbprint = await agents.discover({
          host: name,
          port,
          signal: gone.signal,
          ...(proxyId && { proxyId }),
        })
        const endpoint = toEndpointResource({
          style: 'TentaclePassive',
          uri: `https://${name}:${port}/`,
          proxyId: proxyId ?? null,
          thumbprint,
          tentacleVersion: null,
          upgradeLocked: false,
          certificateSignatureAlgorithm: null,
        })
        return {
          Id: null,
          Name: name,
          SpaceId: space.id,
          Thumbprint: thumbprint,
          Uri: endpoint.Uri,
          Endpoint: endpoint,
          IsDisabled: false,
          HealthStatus: 'Unknown',
          Status: 'Unknown',
          EnvironmentIds: [],
          Roles: [],
          TenantIds: [],
          TenantTags: [],
          WorkerPoolIds: [],
          TenantedDeploymentParticipation: 'Untenanted',
          HasLatestCalamari: false,
          IsInProcess: false,
          Links: {},
        }
      } finally {
        raw.off('close', onClose)
      }
    },
  )
}
