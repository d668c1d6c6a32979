import { sql } from 'kysely'
import type { SecretVault } from '../model/secret.ts'
import { type Json, taskNumber } from '../model/task.ts'
import type { Database } from './database.ts'
import { inTransaction } from './transaction.ts'

/** A value that a script published with `setVariable`. */
export interface OutputVariable {
  /** Name of the action whose script set it. */
  readonly action: string
  /** Empty: set by a script that ran on no machine. */
  readonly machineId: string
  readonly machineName: string
  readonly name: string
  readonly value: string
  readonly isSensitive: boolean
}

/**
 * What a running task must know again after a restart: outcomes of operations, output variables, and what must not be
 * shown. Values are sealed at rest, for a value that is not marked as sensitive may still contain a secret.
 */
export interface TaskMemory {
  /** The stored result of an operation, or undefined. */
  recall(taskId: string, key: string): Promise<Json | undefined>
  /** Stores a result; the first one stays, and what stays is given back. */
  remember(taskId: string, key: string, result: Json): Promise<Json>
  setOutput(taskId: string, output: OutputVariable): Promise<void>
  /** All output variables, in the order in which they were set last. */
  outputs(taskId: string): Promise<readonly OutputVariable[]>
  addMask(taskId: string, value: string): Promise<void>
  masks(taskId: string): Promise<readonly string[]>
}

interface OutputRow {
  readonly action: string
  readonly machine_id: string
  readonly machine_name: string
  readonly name: string
  readonly value: string
  readonly is_sensitive: number
}

/** Opens the memory of tasks over the database or a transaction. */
export function createTaskMemory(db: Database, vault: SecretVault): TaskMemory {
  const seal = (value: string): string => vault.seal(value).sealed
  const open = (sealed: string): string => vault.open({ sealed })

  async function recall(within: Database, taskId: string, key: string): Promise<Json | undefined> {
    const { rows } = await sql<{ result: string }>`select result from task_operations
      where task = ${taskNumber(taskId) ?? -1} and key = ${key}`.execute(within)
    return rows[0] && JSON.parse(rows[0].result)
  }

  return {
    recall(taskId, key) {
      return recall(db, taskId, key)
    },

    remember(taskId, key, result) {
      return inTransaction(db, async within => {
        await sql`insert or ignore into task_operations (task, key, result)
          values (${taskNumber(taskId)}, ${key}, ${JSON.stringify(result)})`.execute(within)
        return (await recall(within, taskId, key)) ?? result
      })
    },

    async setOutput(taskId, output) {
      const task = taskNumber(taskId)
      await sql`insert into task_outputs
          (task, action, machine_id, machine_name, name, value, is_sensitive, sequence)
        values (${task}, ${output.action}, ${output.machineId}, ${output.machineName}, ${output.name},
          ${seal(output.value)}, ${output.isSensitive},
          (select coalesce(max(sequence), 0) + 1 from task_outputs where task = ${task}))
        on conflict (task, action, machine_id, name) do update set value = excluded.value,
          machine_name = excluded.machine_name, is_sensitive = excluded.is_sensitive,
          sequence = excluded.sequence`.execute(db)
    },

    async outputs(taskId) {
      const { rows } = await sql<OutputRow>`select * from task_outputs
        where task = ${taskNumber(taskId) ?? -1} order by sequence`.execute(db)
      return rows.map(row => ({
        action: row.action,
        machineId: row.machine_id,
        machineName: row.machine_name,
        name: row.name,
        value: open(row.value),
        isSensitive: row.is_sensitive === 1,
      }))
    },

    async addMask(taskId, value) {
      const task = taskNumber(taskId)
      await sql`insert into task_masks (task, number, value) values (${task},
        (select coalesce(max(number), 0) + 1 from task_masks where task = ${task}), ${seal(value)})`.execute(
        db,
      )
    },

    async masks(taskId) {
      const { rows } = await sql<{ value: string }>`select value from task_masks
        where task = ${taskNumber(taskId) ?? -1} order by number`.execute(db)
      return rows.map(row => open(row.value))
    },
  }
}
