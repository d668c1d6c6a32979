import { type RawBuilder, sql } from 'kysely'
import { ServerError } from '../errors.ts'
import {
  type Activity,
  type ActivityStatus,
  isQuiet,
  isTrouble,
  type LogCategory,
  type LogLine,
  type LogLineDraft,
} from '../model/activity.ts'
import { taskNumber } from '../model/task.ts'
import type { Database } from './database.ts'
import { inTransaction } from './transaction.ts'

/** A node to be made. */
export interface ActivityDraft {
  /** Unique in the task; the same key gives the same node again. */
  readonly key: string
  /** Null: the root. */
  readonly parentId: string | null
  readonly name: string
  /** Default false. */
  readonly showAtSummaryLevel?: boolean
}

/** What changes at a node. Everything that is left out stays. */
export interface ActivityChange {
  readonly status?: ActivityStatus
  readonly started?: string
  readonly ended?: string | null
  readonly progressPercentage?: number
  readonly progressMessage?: string
}

/** The log of tasks: the tree of activities and the lines, numbered together. */
export interface TaskLogRepository {
  /** Gives the node with this key, making it (Pending) when it is not there. */
  ensureActivity(taskId: string, draft: ActivityDraft): Promise<Activity>
  changeActivity(activityId: string, change: ActivityChange): Promise<Activity>
  /** Adds lines at the end. Any number: 100,000 lines are one statement. */
  append(activityId: string, lines: readonly LogLineDraft[]): Promise<void>
  /** All nodes in the order in which they were made; with `after` only those that changed since. */
  activities(taskId: string, after?: number): Promise<readonly Activity[]>
  /** Lines after a sequence number, in order. */
  lines(taskId: string, after: number, limit: number): Promise<readonly LogLine[]>
  /** Lines of one node after a sequence number, in order. */
  activityLines(activityId: string, after: number, limit: number): Promise<readonly LogLine[]>
  /** The last lines of one node, in order. */
  tail(
    activityId: string,
    limit: number,
    options?: { readonly loudOnly?: boolean },
  ): Promise<readonly LogLine[]>
}

interface ActivityRow {
  readonly task: number
  readonly number: number
  readonly parent: number | null
  readonly key: string
  readonly name: string
  readonly status: ActivityStatus
  readonly started: string | null
  readonly ended: string | null
  readonly show_at_summary: number
  readonly progress_percentage: number
  readonly progress_message: string
  readonly line_count: number
  readonly loud_line_count: number
  readonly revision: number
}

interface LineRow {
  readonly task: number
  readonly sequence: number
  readonly activity: number
  readonly category: LogCategory
  readonly occurred_at: string
  readonly text: string
  readonly detail: string | null
}

const rootNumber = 0

function activityId(task: number, number: number): string {
  return `ServerTasks-${task}_${number === rootNumber ? 'R' : number}`
}

function parseActivityId(id: string): { readonly task: number; readonly number: number } {
  const [taskId = '', node = ''] = id.split('_')
  const task = taskNumber(taskId)
  const number = node === 'R' ? rootNumber : /^[1-9][0-9]{0,8}$/.test(node) ? Number(node) : undefined
  if (task === undefined || number === undefined) {
    throw new ServerError('ERR_NOT_FOUND', `There is no activity with the id '${id}'.`)
  }
  return { task, number }
}

function toActivity(row: ActivityRow): Activity {
  return {
    id: activityId(row.task, row.number),
    taskId: `ServerTasks-${row.task}`,
    parentId: row.parent === null ? null : activityId(row.task, row.parent),
    key: row.key,
    name: row.name,
    status: row.status,
    started: row.started,
    ended: row.ended,
    showAtSummaryLevel: row.show_at_summary === 1,
    progressPercentage: row.progress_percentage,
    progressMessage: row.progress_message,
    lineCount: row.line_count,
    loudLineCount: row.loud_line_count,
    revision: row.revision,
  }
}

function toLine(row: LineRow): LogLine {
  return {
    sequence: row.sequence,
    activityId: activityId(row.task, row.activity),
    category: row.category,
    occurredAt: row.occurred_at,
    text: row.text,
    detail: row.detail,
  }
}

/** SQLite and most viewers end a text at a NUL, so it is shown as the sign for it. */
function withoutNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\u2400') : text
}

/** Opens the logs over the database or a transaction. */
export function createTaskLogRepository(db: Database): TaskLogRepository {
  /** Hands out the next numbers of the task: the last of them. */
  async function advance(
    within: Database,
    task: number,
    by: number,
    and: RawBuilder<unknown> = sql``,
  ): Promise<number> {
    const { rows } = await sql<{ sequence: number }>`update tasks set sequence = sequence + ${by} ${and}
      where number = ${task} returning sequence`.execute(within)
    const sequence = rows[0]?.sequence
    if (sequence === undefined) {
      throw new ServerError('ERR_NOT_FOUND', `There is no task with the id 'ServerTasks-${task}'.`)
    }
    return sequence
  }

  async function byKey(within: Database, task: number, key: string): Promise<Activity | undefined> {
    const { rows } = await sql<ActivityRow>`select * from task_activities
      where task = ${task} and key = ${key}`.execute(within)
    return rows[0] && toActivity(rows[0])
  }

  async function makeActivity(within: Database, task: number, draft: ActivityDraft): Promise<Activity> {
    const known = await byKey(within, task, draft.key)
    if (known !== undefined) return known
    const revision = await advance(within, task, 1)
    const parent = draft.parentId === null ? null : parseActivityId(draft.parentId).number
    const counted = await sql<{ last_activity: number }>`update tasks
      set last_activity = last_activity + ${parent === null ? 0 : 1} where number = ${task}
      returning last_activity`.execute(within)
    const number = parent === null ? rootNumber : (counted.rows[0]?.last_activity ?? rootNumber)
    const { rows } = await sql<ActivityRow>`insert into task_activities
        (task, number, parent, key, name, status, show_at_summary, revision)
      values (${task}, ${number}, ${parent}, ${draft.key}, ${draft.name}, 'Pending',
        ${draft.showAtSummaryLevel ?? false}, ${revision}) returning *`.execute(within)
    const row = rows[0]
    if (row === undefined) throw new ServerError('ERR_DATABASE', 'The database did not keep a new activity.')
    return toActivity(row)
  }

  async function appendLines(within: Database, id: string, lines: readonly LogLineDraft[]): Promise<void> {
    const { task, number } = parseActivityId(id)
    const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line.text), 0)
    const trouble = lines.some(line => isTrouble(line.category))
    const last = await advance(
      within,
      task,
      lines.length,
      sql`, log_bytes = log_bytes + ${bytes},
      has_warnings_or_errors = max(has_warnings_or_errors, ${trouble})`,
    )
    const values = lines.map(({ category, occurredAt, text, detail }) => [
      category,
      occurredAt,
      withoutNul(text),
      detail === undefined ? null : withoutNul(detail),
    ])
    // One parameter for all lines: bound one by one, 100,000 lines would need 700,000 of SQLite's 32,766.
    await sql`insert into task_log_lines (task, sequence, activity, category, occurred_at, text, detail)
      select ${task}, ${last - lines.length} + key + 1, ${number},
        value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each(${JSON.stringify(values)})`.execute(
      within,
    )
    const loud = lines.reduce((sum, line) => sum + (isQuiet(line.category) ? 0 : 1), 0)
    await sql`update task_activities set line_count = line_count + ${lines.length},
      loud_line_count = loud_line_count + ${loud} where task = ${task} and number = ${number}`.execute(within)
  }

  async function change(within: Database, id: string, wanted: ActivityChange): Promise<Activity> {
    const { task, number } = parseActivityId(id)
    const sets = [sql`revision = ${await advance(within, task, 1)}`]
    if (wanted.status !== undefined) sets.push(sql`status = ${wanted.status}`)
    if (wanted.started !== undefined) sets.push(sql`started = coalesce(started, ${wanted.started})`)
    if (wanted.ended !== undefined) sets.push(sql`ended = ${wanted.ended}`)
    if (wanted.progressPercentage !== undefined)
      sets.push(sql`progress_percentage = ${wanted.progressPercentage}`)
    if (wanted.progressMessage !== undefined) sets.push(sql`progress_message = ${wanted.progressMessage}`)
    const { rows } = await sql<ActivityRow>`update task_activities set ${sql.join(sets)}
      where task = ${task} and number = ${number} returning *`.execute(within)
    if (rows[0] === undefined)
      throw new ServerError('ERR_NOT_FOUND', `There is no activity with the id '${id}'.`)
    return toActivity(rows[0])
  }

  return {
    ensureActivity(taskId, draft) {
      return inTransaction(db, within => makeActivity(within, taskNumber(taskId) ?? -1, draft))
    },

    changeActivity(id, wanted) {
      return inTransaction(db, within => change(within, id, wanted))
    },

    async append(id, lines) {
      if (lines.length > 0) await inTransaction(db, within => appendLines(within, id, lines))
    },

    async activities(taskId, after = 0) {
      const { rows } = await sql<ActivityRow>`select * from task_activities
        where task = ${taskNumber(taskId) ?? -1} and revision > ${after} order by number`.execute(db)
      return rows.map(toActivity)
    },

    async lines(taskId, after, limit) {
      const { rows } = await sql<LineRow>`select * from task_log_lines
        where task = ${taskNumber(taskId) ?? -1} and sequence > ${after} order by sequence limit ${limit}`.execute(
        db,
      )
      return rows.map(toLine)
    },

    async activityLines(id, after, limit) {
      const { task, number } = parseActivityId(id)
      const { rows } = await sql<LineRow>`select * from task_log_lines
        where task = ${task} and activity = ${number} and sequence > ${after}
        order by sequence limit ${limit}`.execute(db)
      return rows.map(toLine)
    },

    async tail(id, limit, { loudOnly = false } = {}) {
      const { task, number } = parseActivityId(id)
      const { rows } = await sql<LineRow>`select * from task_log_lines
        where task = ${task} and activity = ${number}
          and (not ${loudOnly} or category not in ('Trace', 'Verbose'))
        order by sequence desc limit ${limit}`.execute(db)
      return rows.map(toLine).reverse()
    },
  }
}
