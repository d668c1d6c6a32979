import { sql } from 'kysely'
import { ServerError } from '../errors.ts'
import { type JsonObject, taskNumber } from '../model/task.ts'
import type { Database } from './database.ts'

/**
 * `new`: the ticket is stored, the agent may or may not know it. `started`: the agent answered to the ticket.
 * `complete`: the result is stored.
 */
export type ScriptRunState = 'new' | 'started' | 'complete'

/** One script on one machine, from before it is sent until its result is known. */
export interface ScriptRun {
  readonly taskId: string
  /** Unique in the task, e.g. `step:1/action:Deploy web/machine:Machines-2`. */
  readonly key: string
  readonly machineId: string
  /** The script's name at the agent. For V1 agents empty until the agent gave one. */
  readonly ticket: string
  readonly contract: 'V1' | 'V2'
  readonly state: ScriptRunState
  /** Number of the last log entry of the agent whose lines are stored. */
  readonly nextLogSequence: number
  /** Levels of the output that the script switched on, so that reading on after a restart goes on in them. */
  readonly outputState: JsonObject
  /** Null until complete. */
  readonly exitCode: number | null
  /** What later steps need of the output, e.g. packages that were found. */
  readonly facts: JsonObject
  /** True when the agent was told that the script is not needed any more. */
  readonly isCleaned: boolean
}

/** What one answer of the agent changes. */
export interface ScriptProgress {
  readonly state: ScriptRunState
  readonly nextLogSequence: number
  readonly outputState: JsonObject
  readonly facts: JsonObject
  readonly exitCode?: number
  /** V1 agents name the ticket in their first answer. */
  readonly ticket?: string
}

/** The stored script runs. */
export interface ScriptRunRepository {
  get(taskId: string, key: string): Promise<ScriptRun | undefined>
  /** Stores a run in the state `new`. */
  insert(run: Pick<ScriptRun, 'taskId' | 'key' | 'machineId' | 'ticket' | 'contract'>): Promise<ScriptRun>
  /**
   * Stores an answer. Throws `ERR_CONFLICT` when the run is not where `from` says: then somebody else reads the same
   * script, and storing would write its lines twice.
   */
  advance(from: ScriptRun, progress: ScriptProgress): Promise<ScriptRun>
  markCleaned(run: ScriptRun): Promise<void>
}

interface Row {
  readonly task: number
  readonly key: string
  readonly machine_id: string
  readonly ticket: string
  readonly contract: 'V1' | 'V2'
  readonly state: ScriptRunState
  readonly next_log_sequence: number
  readonly output_state: string
  readonly exit_code: number | null
  readonly facts: string
  readonly is_cleaned: number
}

function toRun(row: Row): ScriptRun {
  return {
    taskId: `ServerTasks-${row.task}`,
    key: row.key,
    machineId: row.machine_id,
    ticket: row.ticket,
    contract: row.contract,
    state: row.state,
    nextLogSequence: row.next_log_sequence,
    outputState: JSON.parse(row.output_state),
    exitCode: row.exit_code,
    facts: JSON.parse(row.facts),
    isCleaned: row.is_cleaned === 1,
  }
}

/** Opens the script runs over the database or a transaction. */
export function createScriptRunRepository(db: Database, now: () => Date): ScriptRunRepository {
  function stored(rows: readonly Row[], taskId: string, key: string): ScriptRun {
    if (rows[0] !== undefined) return toRun(rows[0])
    throw new ServerError(
      'ERR_CONFLICT',
      `The script '${key}' of the task ${taskId} is followed by another process.`,
      {
        details: { taskId, key },
      },
    )
  }

  return {
    async get(taskId, key) {
      const { rows } = await sql<Row>`select * from script_runs
        where task = ${taskNumber(taskId) ?? -1} and key = ${key}`.execute(db)
      return rows[0] && toRun(rows[0])
    },

    async insert({ taskId, key, machineId, ticket, contract }) {
      const { rows } =
        await sql<Row>`insert into script_runs (task, key, machine_id, ticket, contract, state, created)
        values (${taskNumber(taskId)}, ${key}, ${machineId}, ${ticket}, ${contract}, 'new', ${now().toISOString()})
        on conflict do nothing returning *`.execute(db)
      return stored(rows, taskId, key)
    },

    async advance(from, progress) {
      const at = now().toISOString()
      const { rows } = await sql<Row>`update script_runs set state = ${progress.state},
          next_log_sequence = ${progress.nextLogSequence}, output_state = ${JSON.stringify(progress.outputState)},
          facts = ${JSON.stringify(progress.facts)}, exit_code = ${progress.exitCode ?? null},
          ticket = ${progress.ticket ?? from.ticket}, started = coalesce(started, ${at}),
          completed = ${progress.state === 'complete' ? at : null}
        where task = ${taskNumber(from.taskId)} and key = ${from.key} and ticket = ${from.ticket}
          and state = ${from.state} and next_log_sequence = ${from.nextLogSequence} returning *`.execute(db)
      return stored(rows, from.taskId, from.key)
    },

    async markCleaned({ taskId, key }) {
      await sql`update script_runs set is_cleaned = 1
        where task = ${taskNumber(taskId)} and key = ${key}`.execute(db)
    },
  }
}
