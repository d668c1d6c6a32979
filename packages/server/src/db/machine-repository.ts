import { sql } from 'kysely'
import type {
  AnyMachine,
  CommunicationStyle,
  HealthStatus,
  Machine,
  MachineHealth,
  Worker,
} from '../model/machine.ts'
import type { Database } from './database.ts'
import {
  type Condition,
  columnIsOneOf,
  createDocumentRepository,
  type DocumentRepository,
  type Found,
  type ListQuery,
  listHoldsOneOf,
  type TableDefinition,
} from './document-repository.ts'

/** Filters that machines and workers share. */
export interface AnyMachineQuery extends Omit<ListQuery, 'where'> {
  /** In the form of the model: 40 upper-case hex digits. */
  readonly thumbprint?: string
  readonly isDisabled?: boolean
  readonly healthStatuses?: readonly HealthStatus[]
  readonly commStyles?: readonly CommunicationStyle[]
  readonly shellNames?: readonly string[]
  readonly machinePolicyId?: string
}

/** Filters of deployment targets. Lists mean "any of these". */
export interface MachineQuery extends AnyMachineQuery {
  readonly environmentIds?: readonly string[]
  readonly roles?: readonly string[]
  readonly tenantIds?: readonly string[]
  readonly tenantTags?: readonly string[]
}

/** Filters of workers. */
export interface WorkerQuery extends AnyMachineQuery {
  readonly workerPoolIds?: readonly string[]
}

/** Machines or workers, of all spaces. */
interface AnyMachineRepository<T extends AnyMachine, Q> extends DocumentRepository<T> {
  find(query: Q): Promise<Found<T>>
  /** The machines that have this certificate; more than one when machines were cloned. */
  byThumbprint(thumbprint: string): Promise<readonly T[]>
  /** The machines behind an address, in practice those of a `poll://` subscription. */
  byUri(uri: string): Promise<readonly T[]>
  /** Stores the outcome of a health check and what the Tentacle told of its version. */
  recordHealth(id: string, health: MachineHealth, tentacleVersion?: string | null): Promise<T | undefined>
}

export interface MachineRepository extends AnyMachineRepository<Machine, MachineQuery> {
  /** All roles in use in the space, sorted. */
  rolesInUse(spaceId: string): Promise<readonly string[]>
}
export type WorkerRepository = AnyMachineRepository<Worker, WorkerQuery>

const columns: NonNullable<TableDefinition<AnyMachine>['columns']> = {
  thumbprint: machine => machine.endpoint.thumbprint,
  uri: machine => machine.endpoint.uri,
  style: machine => machine.endpoint.style,
  machine_policy_id: machine => machine.machinePolicyId,
  is_disabled: machine => (machine.isDisabled ? 1 : 0),
  health_status: machine => machine.health.status,
  shell_name: machine => machine.health.shellName,
}

function sharedConditions(query: AnyMachineQuery): Condition[] {
  const where: Condition[] = []
  if (query.thumbprint !== undefined) where.push(sql`thumbprint = ${query.thumbprint}`)
  if (query.isDisabled !== undefined) where.push(sql`is_disabled = ${query.isDisabled ? 1 : 0}`)
  if (query.healthStatuses !== undefined) where.push(columnIsOneOf('health_status', query.healthStatuses))
  if (query.commStyles !== undefined) where.push(columnIsOneOf('style', query.commStyles))
  if (query.machinePolicyId !== undefined) where.push(sql`machine_policy_id = ${query.machinePolicyId}`)
  if (query.shellNames !== undefined) where.push(columnIsOneOf('shell_name', query.shellNames))
  return where
}

function createAnyMachineRepository<T extends AnyMachine, Q extends AnyMachineQuery>(
  documents: DocumentRepository<T>,
  conditions: (query: Q) => Condition[],
): AnyMachineRepository<T, Q> {
  return {
    ...documents,
    find: query => documents.list({ ...query, where: [...sharedConditions(query), ...conditions(query)] }),
    byThumbprint: async thumbprint =>
      (await documents.list({ where: [sql`thumbprint = ${thumbprint}`] })).items,
    byUri: async uri => (await documents.list({ where: [sql`uri = ${uri}`] })).items,
    recordHealth: (id, health, tentacleVersion) =>
      documents.change(id, machine => ({
        ...machine,
        health,
        endpoint: {
          ...machine.endpoint,
          tentacleVersion: tentacleVersion ?? machine.endpoint.tentacleVersion,
        },
      })),
  }
}

/** Opens the deployment targets over the database or a transaction. */
export function createMachineRepository(db: Database, now: () => Date): MachineRepository {
  const documents = createDocumentRepository<Machine>(
    db,
    {
      table: 'machines',
      prefix: 'Machines',
      what: 'machine',
      name: machine => machine.name,
      spaceId: machine => machine.spaceId,
      columns,
    },
    now,
  )
  const repository = createAnyMachineRepository<Machine, MachineQuery>(documents, query => {
    const where: Condition[] = []
    if (query.environmentIds !== undefined)
      where.push(listHoldsOneOf('$.environmentIds', query.environmentIds))
    if (query.roles !== undefined) where.push(listHoldsOneOf('$.roles', query.roles))
    if (query.tenantIds !== undefined) where.push(listHoldsOneOf('$.tenantIds', query.tenantIds))
    if (query.tenantTags !== undefined) where.push(listHoldsOneOf('$.tenantTags', query.tenantTags))
    return where
  })
  return {
    ...repository,
    async rolesInUse(spaceId) {
      const { rows } = await sql<{ role: string }>`select distinct item.value as role
        from machines, json_each(machines.json, '$.roles') item
        where space_id = ${spaceId} order by item.value collate nocase`.execute(db)
      return rows.map(row => row.role)
    },
  }
}

/** Opens the workers over the database or a transaction. */
export function createWorkerRepository(db: Database, now: () => Date): WorkerRepository {
  const documents = createDocumentRepository<Worker>(
    db,
    {
      table: 'workers',
      prefix: 'Workers',
      what: 'worker',
      name: worker => worker.name,
      spaceId: worker => worker.spaceId,
      columns,
    },
    now,
  )
  return createAnyMachineRepository<Worker, WorkerQuery>(documents, query =>
    query.workerPoolIds === undefined ? [] : [listHoldsOneOf('$.workerPoolIds', query.workerPoolIds)],
  )
}
