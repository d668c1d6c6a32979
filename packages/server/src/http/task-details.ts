import { type Static, Type } from 'typebox'
import type { TaskLogRepository } from '../db/task-log-repository.ts'
import type { Activity, LogLine } from '../model/activity.ts'
import { isFinalState, type ServerTask } from '../model/task.ts'
import { Links, Nullable } from '../web/schema.ts'
import { wireInstant, wireInstantOrNull } from '../web/wire-time.ts'
import { TaskResource } from './task-resource.ts'

const LogElement = Type.Object({
  Category: Type.String(),
  OccurredAt: Type.String(),
  MessageText: Type.String(),
  Detail: Nullable(Type.String()),
  Number: Type.Integer(),
})

/** A node with those below it. Deep enough for every tree that this server makes; a schema cannot call itself here. */
export interface ActivityElement {
  readonly Id: string
  readonly Name: string
  readonly Started: string | null
  readonly Ended: string | null
  readonly Status: string
  readonly Children: readonly ActivityElement[]
  readonly ShowAtSummaryLevel: boolean
  readonly LogElements: readonly Static<typeof LogElement>[]
  readonly ProgressPercentage: number
  readonly ProgressMessage: string
}

export const TaskDetails = Type.Object({
  Id: Type.String(),
  Task: TaskResource,
  ActivityLogs: Type.Array(Type.Unknown()),
  PhysicalLogSize: Type.Integer(),
  Progress: Type.Object({ ProgressPercentage: Type.Integer(), EstimatedTimeRemaining: Type.String() }),
  Links,
})

/** Lines of a node that are given when the client sets no limit: a log of a gigabyte must not become one answer. */
const maximumTail = 10_000

export interface DetailsOptions {
  /** False leaves out Trace and Verbose. */
  readonly verbose: boolean
  /** Lines of each node, the last ones. */
  readonly tail: number | undefined
}

function toElement(line: LogLine): Static<typeof LogElement> {
  return {
    Category: line.category,
    OccurredAt: wireInstant(line.occurredAt),
    MessageText: line.text,
    Detail: line.detail,
    Number: line.sequence,
  }
}

function gap(count: number, first: LogLine | undefined, task: ServerTask): Static<typeof LogElement> {
  return {
    Category: 'Gap',
    OccurredAt: wireInstant(first?.occurredAt ?? task.lastUpdatedTime),
    MessageText: count === 1 ? '1 earlier line is not shown.' : `${count} earlier lines are not shown.`,
    Detail: null,
    Number: 0,
  }
}

async function linesOf(
  log: TaskLogRepository,
  task: ServerTask,
  activity: Activity,
  { verbose, tail = maximumTail }: DetailsOptions,
): Promise<Static<typeof LogElement>[]> {
  const total = verbose ? activity.lineCount : activity.loudLineCount
  if (total === 0) return []
  const lines = await log.tail(activity.id, Math.min(tail, maximumTail), { loudOnly: !verbose })
  const elements = lines.map(toElement)
  return total > lines.length ? [gap(total - lines.length, lines[0], task), ...elements] : elements
}

/** The tree of a task's activities with the last lines of each node. Only what is asked for is read. */
export async function activityTree(
  log: TaskLogRepository,
  task: ServerTask,
  options: DetailsOptions,
): Promise<readonly ActivityElement[]> {
  const activities = await log.activities(task.id)
  const build = async (activity: Activity): Promise<ActivityElement> => {
    const children: ActivityElement[] = []
    for (const child of activities) if (child.parentId === activity.id) children.push(await build(child))
    return {
      Id: activity.id,
      Name: activity.name,
      Started: wireInstantOrNull(activity.started),
      Ended: wireInstantOrNull(activity.ended),
      Status: activity.status,
      Children: children,
      ShowAtSummaryLevel: activity.showAtSummaryLevel,
      LogElements: await linesOf(log, task, activity, options),
      ProgressPercentage: activity.progressPercentage,
      ProgressMessage: activity.progressMessage,
    }
  }
  const roots: ActivityElement[] = []
  for (const activity of activities) if (activity.parentId === null) roots.push(await build(activity))
  return roots
}

/** How much of a task is done: the share of its leaves that have ended. */
export function progressOf(task: ServerTask, roots: readonly ActivityElement[]): number {
  if (isFinalState(task.state)) return 100
  const leaves: ActivityElement[] = []
  const visit = (element: ActivityElement): void => {
    if (element.Children.length === 0) leaves.push(element)
    else for (const child of element.Children) visit(child)
  }
  for (const root of roots) visit(root)
  if (leaves.length === 0) return 0
  const shares = leaves.map(leaf => (leaf.Ended === null ? leaf.ProgressPercentage : 100))
  return Math.min(99, Math.floor(shares.reduce((sum, share) => sum + share, 0) / leaves.length))
}
