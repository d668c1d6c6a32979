import type { TaskState } from '../model/task.ts'

/** The states of tasks that something may still happen in. */
export const activeTaskStates: readonly TaskState[] = ['Queued', 'Executing', 'Cancelling']
