import { type RawBuilder, sql } from 'kysely'
import { ServerError } from '../errors.ts'
import {
  type FinalTaskState,
  type ServerTask,
  type TaskDraft,
  type TaskState,
  taskNumber,
  taskStates,
} from '../model/task.ts'
import type { Database } from './database.ts'
import { type TaskRow, toTask } from './task-rows.ts'
import { inTransaction } from './transaction.ts'

/** Which tasks to list, newest first. Everything that is left out does not limit. */
export interface TaskQuery {
  /** Tasks of these spaces. */
  readonly spaceIds?: readonly string[]
  /** With `spaceIds`: also tasks of no space. */
  readonly includeSystem?: boolean
  readonly ids?: readonly string[]
  /** Kind, without regard to case. */
  readonly name?: string
  /** A part of the description, without regard to case. */
  readonly partialName?: string
  readonly states?: readonly TaskState[]
  readonly projectId?: string
  readonly environmentId?: string
  readonly machineId?: string
  readonly serverNode?: string
  readonly hasWarningsOrErrors?: boolean
  readonly skip?: number
  readonly take?: number
}

/** A page of tasks, how many there are, and how many in each state without regard to the states asked for. */
export interface FoundTasks {
  readonly items: readonly ServerTask[]
  readonly total: number
  readonly counts: Readonly<Record<TaskState, number>>
}

/** The stored tasks. What belongs to the claim and its lease is in the room `queue`. */
export interface TaskRepository {
  /** Takes the next id, for a document that must name its task before the task is there. */
  reserveId(): Promise<string>
  /** Stores a new task in the state Queued. */
  insert(draft: TaskDraft, options?: { readonly id?: string }): Promise<ServerTask>
  get(id: string): Promise<ServerTask | undefined>
  /** As get; throws `ERR_NOT_FOUND`. */
  require(id: string): Promise<ServerTask>
  list(query?: TaskQuery): Promise<FoundTasks>
  /** Unfinished tasks with the same tag that go first, the running one first of all. */
  queuedBehind(task: ServerTask): Promise<readonly ServerTask[]>
  /** Queued → Canceled, Executing → Cancelling; any other state stays. Gives the task as it is afterwards. */
  cancel(id: string): Promise<ServerTask>
  /** An operator's own verdict on a finished task; throws `ERR_CONFLICT` while it is not finished. */
  overrideState(id: string, state: FinalTaskState, reason: string): Promise<ServerTask>
  /** Notes that the task is about these machines. */
  addMachines(id: string, machineIds: readonly string[]): Promise<void>
  /** Ids of the machines that the task is about. */
  machines(id: string): Promise<readonly string[]>
}

function conditions(query: TaskQuery): RawBuilder<unknown> {
  const parts: RawBuilder<unknown>[] = [sql`1 = 1`]
  const isOneOf = (column: string, values: readonly (string | number)[]): RawBuilder<unknown> =>
    sql`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`
  if (query.spaceIds !== undefined) {
    const inSpaces = isOneOf('space_id', query.spaceIds)
    parts.push(query.includeSystem === true ? sql`(space_id is null or ${inSpaces})` : inSpaces)
  }
  if (query.ids !== undefined) {
    parts.push(
      isOneOf(
        'number',
        query.ids.map(taskNumber).filter(number => number !== undefined),
      ),
    )
  }
  if (query.name !== undefined) parts.push(sql`name = ${query.name} collate nocase`)
  if (query.partialName !== undefined)
    parts.push(sql`instr(lower(description), lower(${query.partialName})) > 0`)
  if (query.projectId !== undefined) parts.push(sql`project_id = ${query.projectId}`)
  if (query.environmentId !== undefined) parts.push(sql`environment_id = ${query.environmentId}`)
  if (query.serverNode !== undefined) parts.push(sql`server_node = ${query.serverNode}`)
  if (query.hasWarningsOrErrors !== undefined)
    parts.push(sql`has_warnings_or_errors = ${query.hasWarningsOrErrors}`)
  if (query.machineId !== undefined) {
    parts.push(sql`number in (select task from task_machines where machine_id = ${query.machineId})`)
  }
  return sql`${sql.join(parts, sql` and `)}`
}

function stateCondition(states: readonly TaskState[] | undefined): RawBuilder<unknown> {
  return states === undefined
    ? sql`1 = 1`
    : sql`state in (select value from json_each(${JSON.stringify(states)}))`
}

/** Opens the tasks over the database or a transaction. */
export function createTaskRepository(db: Database, now: () => Date): TaskRepository {
  const instant = (): string => now().toISOString()

  async function nextNumber(within: Database): Promise<number> {
    const { rows } = await sql<{
      last: number
    }>`insert into id_counters (prefix, last) values ('ServerTasks', 1)
      on conflict (prefix) do update set last = last + 1 returning last`.execute(within)
    const last = rows[0]?.last
    if (last === undefined)
      throw new ServerError('ERR_DATABASE', 'The database gave no number for a new task.')
    return last
  }

  async function addMachines(within: Database, id: string, machineIds: readonly string[]): Promise<void> {
    if (machineIds.length === 0) return
    await sql`insert or ignore into task_machines (task, machine_id)
      select ${taskNumber(id)}, value from json_each(${JSON.stringify(machineIds)})`.execute(within)
  }

  async function insert(within: Database, draft: TaskDraft, id: string | undefined): Promise<ServerTask> {
    const number = id === undefined ? await nextNumber(within) : taskNumber(id)
    if (number === undefined) throw new ServerError('ERR_INVALID_INPUT', `'${id}' is not the id of a task.`)
    const created = instant()
    const { rows } =
      await sql<TaskRow>`insert into tasks (number, space_id, name, description, arguments, state,
        queue_time, queue_time_expiry, last_updated_time, project_id, environment_id, concurrency_tag, created_by)
      values (${number}, ${draft.spaceId}, ${draft.name}, ${draft.description}, ${JSON.stringify(draft.arguments)},
        'Queued', ${draft.queueTime ?? created}, ${draft.queueTimeExpiry ?? null}, ${created},
        ${draft.projectId ?? null}, ${draft.environmentId ?? null}, ${draft.concurrencyTag ?? null},
        ${draft.createdBy ?? null}) returning *`.execute(within)
    const row = rows[0]
    if (row === undefined) throw new ServerError('ERR_DATABASE', 'The database did not keep a new task.')
    const task = toTask(row)
    await addMachines(within, task.id, draft.machineIds ?? [])
    return task
  }

  const repository: TaskRepository = {
    async reserveId() {
      return `ServerTasks-${await nextNumber(db)}`
    },

    insert(draft, { id } = {}) {
      return inTransaction(db, within => insert(within, draft, id))
    },

    async get(id) {
      const number = taskNumber(id)
      if (number === undefined) return undefined
      const { rows } = await sql<TaskRow>`select * from tasks where number = ${number}`.execute(db)
      return rows[0] && toTask(rows[0])
    },

    async require(id) {
      const task = await repository.get(id)
      if (task !== undefined) return task
      throw new ServerError('ERR_NOT_FOUND', `There is no task with the id '${id}'.`, { details: { id } })
    },

    async list(query = {}) {
      const where = conditions(query)
      const { rows } =
        await sql<TaskRow>`select * from tasks where ${where} and ${stateCondition(query.states)}
        order by number desc limit ${query.take ?? -1} offset ${query.skip ?? 0}`.execute(db)
      const counted = await sql<{ state: TaskState; n: number }>`select state, count(*) as n from tasks
        where ${where} group by state`.execute(db)
      const byState = new Map(counted.rows.map(({ state, n }) => [state, n]))
      const count = (state: TaskState): number => byState.get(state) ?? 0
      return {
        items: rows.map(toTask),
        total: (query.states ?? taskStates).reduce((sum, state) => sum + count(state), 0),
        counts: {
          Queued: count('Queued'),
          Executing: count('Executing'),
          Cancelling: count('Cancelling'),
          Canceled: count('Canceled'),
          Success: count('Success'),
          Failed: count('Failed'),
          TimedOut: count('TimedOut'),
        },
      }
    },

    async queuedBehind(task) {
      if (task.state !== 'Queued' || task.concurrencyTag === null) return []
      const { rows } = await sql<TaskRow>`select * from tasks
        where state in ('Queued', 'Executing', 'Cancelling') and concurrency_tag = ${task.concurrencyTag}
          and (state <> 'Queued' or queue_time < ${task.queueTime}
            or (queue_time = ${task.queueTime} and number < ${taskNumber(task.id)}))
        order by state = 'Queued', queue_time, number`.execute(db)
      return rows.map(toTask)
    },

    async cancel(id) {
      const number = taskNumber(id) ?? -1
      const at = instant()
      await sql`update tasks set
          completed_time = case state when 'Queued' then ${at} else completed_time end,
          error_message = case state when 'Queued' then 'The task was canceled before it started.' else error_message end,
          state = case state when 'Queued' then 'Canceled' else 'Cancelling' end, last_updated_time = ${at}
        where number = ${number} and state in ('Queued', 'Executing')`.execute(db)
      return repository.require(id)
    },

    async overrideState(id, state, reason) {
      const { rows } = await sql<TaskRow>`update tasks set state = ${state}, last_updated_time = ${instant()},
          error_message = ${state === 'Success' ? '' : reason}
        where number = ${taskNumber(id) ?? -1} and state in ('Failed', 'Canceled', 'TimedOut', 'Success')
        returning *`.execute(db)
      if (rows[0] !== undefined) return toTask(rows[0])
      const task = await repository.require(id)
      throw new ServerError(
        'ERR_CONFLICT',
        `The task '${id}' is ${task.state}; only a finished task gets another state.`,
      )
    },

    addMachines(id, machineIds) {
      return addMachines(db, id, machineIds)
    },

    async machines(id) {
      const { rows } = await sql<{ machine_id: string }>`select machine_id from task_machines
        where task = ${taskNumber(id) ?? -1} order by machine_id`.execute(db)
      return rows.map(row => row.machine_id)
    },
  }
  return repository
}
