import type { Document, Named } from './document.ts'

/** A fenced part of the server with its own machines, projects and packages. */
export interface Space extends Document, Named {
  readonly description: string
  /** At most one space is the default; clients that name no space work there. */
  readonly isDefault: boolean
  /** While true the space's tasks are not started; a space is deleted only in this state. */
  readonly taskQueueStopped: boolean
  readonly managerTeams: readonly string[]
  readonly managerUserIds: readonly string[]
}
