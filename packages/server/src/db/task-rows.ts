import type { JsonObject, ServerTask, TaskState } from '../model/task.ts'

/** A row of the table `tasks`. */
export interface TaskRow {
  readonly number: number
  readonly space_id: string | null
  readonly name: string
  readonly description: string
  readonly arguments: string
  readonly state: TaskState
  readonly queue_time: string
  readonly queue_time_expiry: string | null
  readonly start_time: string | null
  readonly last_updated_time: string
  readonly completed_time: string | null
  readonly server_node: string | null
  readonly lease_owner: string | null
  readonly lease_until: string | null
  readonly attempts: number
  readonly error_message: string
  readonly has_warnings_or_errors: number
  readonly project_id: string | null
  readonly environment_id: string | null
  readonly concurrency_tag: string | null
  readonly created_by: string | null
  readonly sequence: number
  readonly log_bytes: number
}

/** The task in a row. */
export function toTask(row: TaskRow): ServerTask {
  // Written by this server from a checked JsonObject.
  const taskArguments: JsonObject = JSON.parse(row.arguments)
  return {
    id: `ServerTasks-${row.number}`,
    spaceId: row.space_id,
    name: row.name,
    description: row.description,
    arguments: taskArguments,
    state: row.state,
    queueTime: row.queue_time,
    queueTimeExpiry: row.queue_time_expiry,
    startTime: row.start_time,
    lastUpdatedTime: row.last_updated_time,
    completedTime: row.completed_time,
    serverNode: row.server_node,
    errorMessage: row.error_message,
    hasWarningsOrErrors: row.has_warnings_or_errors === 1,
    projectId: row.project_id,
    environmentId: row.environment_id,
    concurrencyTag: row.concurrency_tag,
    createdBy: row.created_by,
    attempts: row.attempts,
    sequence: row.sequence,
    logBytes: row.log_bytes,
  }
}
