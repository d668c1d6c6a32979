import type { Instant } from './document.ts'

/** State of a node of a task's log tree. */
export type ActivityStatus =
  | 'Pending'
  | 'Running'
  | 'Success'
  | 'SuccessWithWarning'
  | 'Failed'
  | 'Skipped'
  | 'Canceled'

/** A node of a task's log tree: the task, a step, a machine, an action. */
export interface Activity {
  /** Unique in the server and stable: `ServerTasks-7_R` is the root, `ServerTasks-7_3` another node. */
  readonly id: string
  readonly taskId: string
  readonly parentId: string | null
  /** The name by which the work finds its node again after a restart, e.g. `step:1/machine:Machines-2`. */
  readonly key: string
  /** What people read. */
  readonly name: string
  readonly status: ActivityStatus
  readonly started: Instant | null
  readonly ended: Instant | null
  readonly showAtSummaryLevel: boolean
  readonly progressPercentage: number
  readonly progressMessage: string
  /** Number of its lines. */
  readonly lineCount: number
  /** Number of its lines that are neither Trace nor Verbose. */
  readonly loudLineCount: number
  /** The task's sequence number of the last change. */
  readonly revision: number
}

/** Kind of a log line; the names are those of the REST API (docs/wire/server-api.md). */
export type LogCategory =
  | 'Trace'
  | 'Verbose'
  | 'Info'
  | 'Planned'
  | 'Highlight'
  | 'Abandoned'
  | 'Wait'
  | 'Updated'
  | 'Finished'
  | 'Gap'
  | 'Alert'
  | 'Warning'
  | 'Error'
  | 'Fatal'

export const logCategories: readonly LogCategory[] = [
  'Trace',
  'Verbose',
  'Info',
  'Planned',
  'Highlight',
  'Abandoned',
  'Wait',
  'Updated',
  'Finished',
  'Gap',
  'Alert',
  'Warning',
  'Error',
  'Fatal',
]

/** True for the lines that are left out unless details are asked for. */
export function isQuiet(category: LogCategory): boolean {
  return category === 'Trace' || category === 'Verbose'
}

/** True for the lines that mark a task as one with warnings or errors. */
export function isTrouble(category: LogCategory): boolean {
  return category === 'Warning' || category === 'Error' || category === 'Fatal'
}

/** A line to be written. */
export interface LogLineDraft {
  readonly category: LogCategory
  readonly occurredAt: Instant
  readonly text: string
  /** More text, shown on demand; default none. */
  readonly detail?: string
}

/** A stored line. */
export interface LogLine {
  /** Rises within the task; shared with the revisions of activities, so there are gaps. */
  readonly sequence: number
  readonly activityId: string
  readonly category: LogCategory
  readonly occurredAt: Instant
  readonly text: string
  readonly detail: string | null
}
