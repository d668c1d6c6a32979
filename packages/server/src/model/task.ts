import type { Instant } from './document.ts'

/**
 * Where a task is: docs/wire/orchestration.md, states. `Cancelling` is not finished: scripts may still have to die.
 */
export type TaskState = 'Queued' | 'Executing' | 'Cancelling' | 'Canceled' | 'Success' | 'Failed' | 'TimedOut'

/** The states that a task does not leave by itself. */
export type FinalTaskState = 'Canceled' | 'Success' | 'Failed' | 'TimedOut'

export const taskStates: readonly TaskState[] = [
  'Queued',
  'Executing',
  'Failed',
  'Canceled',
  'TimedOut',
  'Success',
  'Cancelling',
]

export const finalTaskStates: readonly FinalTaskState[] = ['Failed', 'Canceled', 'TimedOut', 'Success']

/** True when nothing more happens in this state. */
export function isFinalState(state: TaskState): state is FinalTaskState {
  return finalTaskStates.some(final => final === state)
}

/** A JSON value, as task arguments and stored plans are made of. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

/** A piece of work that the server carries out, remembers and shows. */
export interface ServerTask {
  /** `ServerTasks-N` */
  readonly id: string
  /** Null for tasks of the whole server. */
  readonly spaceId: string | null
  /** The kind: `AdHocScript`, `Health`, `Deploy`, … */
  readonly name: string
  /** One sentence for lists. */
  readonly description: string
  /** What the kind needs, checked when the task was made; names as in the REST API. */
  readonly arguments: JsonObject
  readonly state: TaskState
  readonly queueTime: Instant
  /** A task that is still queued then becomes TimedOut; null: never. */
  readonly queueTimeExpiry: Instant | null
  readonly startTime: Instant | null
  readonly lastUpdatedTime: Instant
  readonly completedTime: Instant | null
  /** The node that works or worked on it. */
  readonly serverNode: string | null
  /** Empty when nothing went wrong. */
  readonly errorMessage: string
  readonly hasWarningsOrErrors: boolean
  readonly projectId: string | null
  readonly environmentId: string | null
  /** At most one task with the same tag works at a time; null: no such limit. */
  readonly concurrencyTag: string | null
  /** Id of the user who asked for it; null: the server itself. */
  readonly createdBy: string | null
  /** How often a server process took it up; 1 unless a server stopped in the middle. */
  readonly attempts: number
  /** Last number that was given to a log line or to a change of an activity. */
  readonly sequence: number
  /** Size of the log's texts in UTF-8 bytes. */
  readonly logBytes: number
}

/** What a caller gives to make a task. */
export interface TaskDraft {
  readonly spaceId: string | null
  readonly name: string
  readonly description: string
  readonly arguments: JsonObject
  readonly projectId?: string | null
  readonly environmentId?: string | null
  readonly concurrencyTag?: string | null
  readonly createdBy?: string | null
  /** Not before; default now. */
  readonly queueTime?: Instant | null
  readonly queueTimeExpiry?: Instant | null
  /** Machines that the task is about, as far as they are known already. */
  readonly machineIds?: readonly string[]
}

const taskId = /^ServerTasks-([1-9][0-9]{0,14})$/i

/** The number in `ServerTasks-N`, or undefined for anything else. */
export function taskNumber(id: string): number | undefined {
  const digits = taskId.exec(id)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
