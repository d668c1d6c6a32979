import type { Database } from '../db/database.ts'
import { createTaskLogRepository } from '../db/task-log-repository.ts'
import { createTaskRepository } from '../db/task-repository.ts'
import type { Activity, LogLine } from '../model/activity.ts'
import { isFinalState, type ServerTask } from '../model/task.ts'
import type { EventHub } from './event-hub.ts'
import { createNews } from './news.ts'

/** What a reader of a task's log gets. */
export type TaskFeedItem =
  | { readonly kind: 'task'; readonly task: ServerTask }
  | { readonly kind: 'activity'; readonly activity: Activity }
  | { readonly kind: 'log'; readonly line: LogLine }
  /** Nothing new for a while. */
  | { readonly kind: 'quiet' }

export interface TaskFeedParts {
  readonly db: Database
  readonly hub: EventHub
  readonly now: () => Date
}

export interface TaskFeedOptions {
  /** Only lines after this sequence number; 0 for all. */
  readonly after: number
  readonly signal: AbortSignal
  /** After this time without news comes a `quiet` item. */
  readonly quietMs: number
}

/** Lines that are read from the database at once. */
const pageSize = 500

/**
 * Follows a task: first the task and its whole tree of activities, then its lines from `after` on, then whatever
 * changes, until the task is finished and everything was given. The last item is the finished task.
 *
 * Each reader has its own position in the stored log, so a slow reader costs no memory, and a reader that comes back
 * gets what it missed. Throws `ERR_NOT_FOUND` when there is no such task.
 */
export async function* followTask(
  { db, hub, now }: TaskFeedParts,
  taskId: string,
  { after, signal, quietMs }: TaskFeedOptions,
): AsyncGenerator<readonly TaskFeedItem[]> {
  const tasks = createTaskRepository(db, now)
  const log = createTaskLogRepository(db)
  const news = createNews()
  const unsubscribe = hub.subscribeTask(taskId, news.ring)
  try {
    let lines = after
    let activities = 0
    let told: string | undefined
    while (!signal.aborted) {
      // The task first: when it is finished, everything that belongs to it is stored already.
      const task = await tasks.require(taskId)
      const isFinal = isFinalState(task.state)
      if (!isFinal && told !== task.state) yield [{ kind: 'task', task }]
      told = task.state
      const changed = await log.activities(taskId, activities)
      activities = task.sequence
      if (changed.length > 0) yield changed.map(activity => ({ kind: 'activity', activity }))
      for (;;) {
        const page = await log.lines(taskId, lines, pageSize)
        if (page.length > 0) yield page.map(line => ({ kind: 'log', line }))
        lines = page.at(-1)?.sequence ?? lines
        if (page.length < pageSize || signal.aborted) break
      }
      if (isFinal) {
        yield [{ kind: 'task', task }]
        return
      }
      if (!(await news.wait(quietMs, signal))) yield [{ kind: 'quiet' }]
    }
  } finally {
    unsubscribe()
  }
}
