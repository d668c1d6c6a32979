import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { type TaskRow, toTask } from '../db/task-rows.ts'
import { type FinalTaskState, type ServerTask, type TaskState, taskNumber } from '../model/task.ts'

/** The process that works on tasks. */
export interface LeaseHolder {
  /** The node's name; stays the same over restarts. */
  readonly node: string
  /** This process: another value after each start. */
  readonly owner: string
}

/** How long a lease lasts without being renewed. */
export interface LeaseTimes {
  readonly now: Date
  readonly leaseMs: number
}

function until({ now, leaseMs }: LeaseTimes): string {
  return new Date(now.getTime() + leaseMs).toISOString()
}

/**
 * Takes the oldest task that may start, or nothing. One statement, so two processes never take the same task: SQLite
 * has one writer, so the plain update is enough (PostgreSQL would add `for update skip locked` to the inner select).
 *
 * May start: its time has come; its space lets tasks start; nothing with the same concurrency tag works, and nothing
 * with that tag is older; the node works on fewer than `cap` tasks.
 */
export async function claimTask(
  db: Database,
  { node, owner }: LeaseHolder,
  { cap, ...times }: LeaseTimes & { readonly cap: number },
): Promise<ServerTask | undefined> {
  const now = times.now.toISOString()
  const { rows } = await sql<TaskRow>`update tasks set state = 'Executing', server_node = ${node},
      lease_owner = ${owner}, lease_until = ${until(times)}, attempts = attempts + 1, start_time = ${now},
      last_updated_time = ${now}
    where (select count(*) from tasks where state in ('Executing', 'Cancelling') and server_node = ${node}) < ${cap}
      and number = (
        select waiting.number from tasks waiting
        where waiting.state = 'Queued' and waiting.queue_time <= ${now}
          and not exists (select 1 from spaces where spaces.id = waiting.space_id
            and json_extract(spaces.json, '$.taskQueueStopped'))
          and (waiting.concurrency_tag is null or not exists (
            select 1 from tasks other where other.concurrency_tag = waiting.concurrency_tag
              and (other.state in ('Executing', 'Cancelling') or (other.state = 'Queued' and other.queue_time <= ${now}
                and (other.queue_time < waiting.queue_time
                  or (other.queue_time = waiting.queue_time and other.number < waiting.number))))))
        order by waiting.queue_time, waiting.number limit 1)
    returning *`.execute(db)
  return rows[0] && toTask(rows[0])
}

/**
 * Takes over one unfinished task whose process is gone: its lease ran out, or it belongs to this node but to an earlier
 * process. The latter is known to be dead because a node's home is locked by one process at a time.
 */
export async function takeOverTask(
  db: Database,
  { node, owner }: LeaseHolder,
  times: LeaseTimes,
): Promise<ServerTask | undefined> {
  const now = times.now.toISOString()
  const { rows } = await sql<TaskRow>`update tasks set server_node = ${node}, lease_owner = ${owner},
      lease_until = ${until(times)}, attempts = attempts + 1, last_updated_time = ${now}
    where number = (
      select number from tasks where state in ('Executing', 'Cancelling')
        and ((server_node = ${node} and lease_owner is not ${owner}) or lease_until is null or lease_until < ${now})
      order by number limit 1)
    returning *`.execute(db)
  return rows[0] && toTask(rows[0])
}

/** Prolongs the lease; gives the task's state, or undefined when the lease is lost and the work must be dropped. */
export async function renewLease(
  db: Database,
  { owner }: LeaseHolder,
  taskId: string,
  times: LeaseTimes,
): Promise<TaskState | undefined> {
  const { rows } = await sql<{ state: TaskState }>`update tasks set lease_until = ${until(times)}
    where number = ${taskNumber(taskId)} and lease_owner = ${owner} and state in ('Executing', 'Cancelling')
    returning state`.execute(db)
  return rows[0]?.state
}

/** Gives the lease back without finishing the task, so that the next process takes it over at once. */
export async function releaseLease(db: Database, { owner }: LeaseHolder, taskId: string): Promise<void> {
  await sql`update tasks set lease_owner = null, lease_until = null
    where number = ${taskNumber(taskId)} and lease_owner = ${owner}`.execute(db)
}

/** How a task ended. */
export interface TaskVerdict {
  readonly state: FinalTaskState
  readonly errorMessage: string
}

/** Stores the final state; undefined when the lease is lost. */
export async function finishTask(
  db: Database,
  { owner }: LeaseHolder,
  taskId: string,
  verdict: TaskVerdict,
  now: Date,
): Promise<ServerTask | undefined> {
  const at = now.toISOString()
  const { rows } = await sql<TaskRow>`update tasks set state = ${verdict.state}, completed_time = ${at},
      last_updated_time = ${at}, error_message = ${verdict.errorMessage}, lease_owner = null, lease_until = null
    where number = ${taskNumber(taskId)} and lease_owner = ${owner} returning *`.execute(db)
  return rows[0] && toTask(rows[0])
}

/** Ends the tasks that waited longer than they may: Queued → TimedOut. */
export async function expireTasks(db: Database, now: Date): Promise<readonly ServerTask[]> {
  const at = now.toISOString()
  const { rows } = await sql<TaskRow>`update tasks set state = 'TimedOut', completed_time = ${at},
      last_updated_time = ${at}, error_message = 'The task did not start before its time ran out.'
    where state = 'Queued' and queue_time_expiry < ${at} returning *`.execute(db)
  return rows.map(toTask)
}
