import type { Task } from '../api/tasks.ts'
import { formatDuration } from '../text/duration.ts'

/** How long a task has run, or ran; nothing for one that has not begun. */
export function taskDuration({ started, completed, isCompleted }: Task, now: number): string | undefined {
  if (started === undefined) return undefined
  if (completed !== undefined) return formatDuration(completed - started)
  return isCompleted ? undefined : formatDuration(now - started)
}
