import type { TaskLogRepository } from '../db/task-log-repository.ts'
import type { Activity, LogLine } from '../model/activity.ts'
import type { ServerTask } from '../model/task.ts'
import { momentText, taskDuration } from './task-resource.ts'

/** Lines that are read at once. */
const pageSize = 2_000
const timeColumn = 'HH:mm:ss'.length
const categoryColumn = 9

function* head(task: ServerTask, version: string, now: Date): Generator<string> {
  const row = (name: string, value: string): string => `${`${name}:`.padEnd(16)}${value}\n`
  yield row('Task ID', task.id)
  const related = [task.projectId, task.environmentId].filter(id => id !== null)
  if (related.length > 0) yield row('Related IDs', related.join(', '))
  yield row('Task status', task.state)
  yield row('Task queued', momentText(task.queueTime))
  if (task.startTime !== null) yield row('Task started', momentText(task.startTime))
  const duration = taskDuration(task, now)
  if (duration !== '') yield row('Task duration', duration)
  yield row('Server version', version)
  if (task.errorMessage !== '') yield row('Task error', task.errorMessage.replaceAll('\n', '\n'.padEnd(17)))
}

function lineText({ occurredAt, category, text }: LogLine, indent: string): string {
  const time = occurredAt.slice(11, 19)
  const columns = `${time}   ${category.padEnd(categoryColumn)}|     ${indent}`
  // Texts of several lines (stack traces, for one) stay in their column.
  const rest = `\n${' '.repeat(timeColumn + 3 + categoryColumn)}|     ${indent}`
  return `${columns}${text.replaceAll('\n', rest)}\n`
}

/**
 * The whole log of a task as text, piece by piece. The form is the one that tools of others read: a head, and for each
 * node a heading with its status above its lines (docs/wire/orchestration.md, raw log). Times are UTC.
 */
export async function* rawLog(
  log: TaskLogRepository,
  task: ServerTask,
  { version, now }: { readonly version: string; readonly now: Date },
): AsyncGenerator<string> {
  yield* head(task, version, now)
  const activities = await log.activities(task.id)

  async function* node(activity: Activity, depth: number): AsyncGenerator<string> {
    const indent = '  '.repeat(depth)
    const margin = ' '.repeat(timeColumn + 3 + categoryColumn)
    yield `\n${margin}| ${indent}== ${activity.status}: ${activity.name} ==\n`
    let after = 0
    for (;;) {
      const page = await log.activityLines(activity.id, after, pageSize)
      if (page.length > 0) yield page.map(line => lineText(line, indent)).join('')
      after = page.at(-1)?.sequence ?? after
      if (page.length < pageSize) break
    }
    for (const child of activities) if (child.parentId === activity.id) yield* node(child, depth + 1)
  }
  for (const activity of activities) if (activity.parentId === null) yield* node(activity, 0)
}
