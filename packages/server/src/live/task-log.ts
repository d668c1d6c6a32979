import type { Database } from '../db/database.ts'
import { type ActivityChange, createTaskLogRepository } from '../db/task-log-repository.ts'
import { createTaskMemory } from '../db/task-memory-repository.ts'
import { inTransaction } from '../db/transaction.ts'
import type { Activity, ActivityStatus, LogCategory, LogLineDraft } from '../model/activity.ts'
import type { SecretVault } from '../model/secret.ts'
import type { EventHub } from './event-hub.ts'
import { createSecretMask, type SecretMask } from './secret-mask.ts'

/** How a new node looks. */
export interface NodeOptions {
  /** Default false. */
  readonly showAtSummaryLevel?: boolean
}

/**
 * A node of the log of a running task. Its key finds it again after a restart of the server, so whoever writes to it
 * may run a second time. All text passes the task's mask before it is stored.
 */
export interface LogNode {
  readonly id: string
  readonly key: string
  /** As it was at the last change made through this object. */
  readonly status: ActivityStatus
  /** The node below with this key, made when it is not there. Keys are unique among siblings. */
  child(key: string, name: string, options?: NodeOptions): Promise<LogNode>
  write(category: LogCategory, text: string, detail?: string): Promise<void>
  /** As write, but a second time with the same key (after a restart) it writes nothing. */
  writeOnce(key: string, category: LogCategory, text: string, detail?: string): Promise<void>
  /** Pending → Running. */
  start(): Promise<void>
  progress(percentage: number, message: string): Promise<void>
  end(status: Exclude<ActivityStatus, 'Pending' | 'Running'>): Promise<void>
  /** Stores lines as a part of a transaction; call `changed` after it. */
  append(within: Database, lines: readonly LogLineDraft[]): Promise<void>
  /** Stores a change as a part of a transaction; call `changed` after it. */
  change(within: Database, change: ActivityChange): Promise<void>
  /** Tells readers that there is something new. */
  changed(): void
}

/** The log of one running task. */
export interface TaskLog {
  readonly root: LogNode
  readonly mask: SecretMask
  /** Hides this value from now on, also after a restart. */
  hide(value: string): Promise<void>
}

/** What logs are written with. */
export interface TaskLogParts {
  readonly db: Database
  readonly hub: EventHub
  readonly vault: SecretVault
  readonly now: () => Date
}

/** Opens the log of a task and makes its root when it has none. */
export async function openTaskLog(
  { db, hub, vault, now }: TaskLogParts,
  taskId: string,
  rootName: string,
): Promise<TaskLog> {
  const memory = createTaskMemory(db, vault)
  const log = createTaskLogRepository(db)
  const mask = createSecretMask(await memory.masks(taskId))
  for (const output of await memory.outputs(taskId)) if (output.isSensitive) mask.add(output.value)

  function changed(): void {
    hub.publish({ kind: 'log', taskId })
  }

  function nodeOf(activity: Activity): LogNode {
    let { status } = activity

    async function change(wanted: ActivityChange): Promise<void> {
      status = (await log.changeActivity(activity.id, wanted)).status
      changed()
    }

    function draft(category: LogCategory, text: string, detail: string | undefined): LogLineDraft {
      const base = { category, occurredAt: now().toISOString(), text: mask.apply(text) }
      return detail === undefined ? base : { ...base, detail: mask.apply(detail) }
    }

    return {
      id: activity.id,
      key: activity.key,
      get status() {
        return status
      },
      async child(key, name, { showAtSummaryLevel = false } = {}) {
        const path = activity.parentId === null ? key : `${activity.key}/${key}`
        const made = await log.ensureActivity(taskId, {
          key: path,
          parentId: activity.id,
          name,
          showAtSummaryLevel,
        })
        changed()
        return nodeOf(made)
      },
      async write(category, text, detail) {
        await log.append(activity.id, [draft(category, text, detail)])
        changed()
      },
      async writeOnce(key, category, text, detail) {
        await inTransaction(db, async within => {
          const own = createTaskMemory(within, vault)
          const marker = `line:${activity.key}:${key}`
          if ((await own.recall(taskId, marker)) !== undefined) return
          await own.remember(taskId, marker, true)
          await createTaskLogRepository(within).append(activity.id, [draft(category, text, detail)])
        })
        changed()
      },
      async start() {
        if (status === 'Pending') await change({ status: 'Running', started: now().toISOString() })
      },
      progress: (percentage, message) =>
        change({ progressPercentage: Math.round(percentage), progressMessage: mask.apply(message) }),
      async end(ended) {
        if (status === ended) return
        const at = now().toISOString()
        // A node that never ran has no start either.
        await change({ status: ended, ended: at, ...(ended === 'Skipped' ? {} : { started: at }) })
      },
      append: (within, lines) =>
        createTaskLogRepository(within).append(
          activity.id,
          lines.map(line => {
            const text = mask.apply(line.text)
            return text === line.text ? line : { ...line, text }
          }),
        ),
      async change(within, wanted) {
        status = (await createTaskLogRepository(within).changeActivity(activity.id, wanted)).status
      },
      changed,
    }
  }

  return {
    root: nodeOf(
      await log.ensureActivity(taskId, { key: 'root', parentId: null, name: mask.apply(rootName) }),
    ),
    mask,
    async hide(value) {
      if (mask.add(value)) await memory.addMask(taskId, value)
    },
  }
}
