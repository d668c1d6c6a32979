import { flag, isObject, type Json, moment, number, optionalText, text } from '../api/read.ts'
import type { ServerEvent } from '../live/sse-parser.ts'

/** A line that was written to a task's log. */
export interface LogEvent {
  readonly kind: 'log'
  /** Counts up over the whole task; the place to go on from after a break. */
  readonly sequence: number
  readonly activityId: string
  /** `Verbose`, `Info`, `Warning`, `Error` and so on. */
  readonly category: string
  readonly at: number | undefined
  readonly text: string
}

/** The present state of one node of a task's tree. */
export interface ActivityEvent {
  readonly kind: 'activity'
  readonly id: string
  readonly parentId: string | undefined
  readonly name: string
  readonly status: string
  readonly started: number | undefined
  readonly ended: number | undefined
  /** 0 to 100, where the activity tells it. */
  readonly progress: number
  /** What is going on right now, such as which file is sent. */
  readonly progressMessage: string
}

/** The task itself changed. */
export interface TaskChangedEvent {
  readonly kind: 'task'
  readonly id: string
  readonly state: string
  readonly isCompleted: boolean
}

export type TaskEvent = LogEvent | ActivityEvent | TaskChangedEvent

/** Reads an event of a task's stream. Kinds that are not known, and data that is no object, are `undefined`. */
export function readTaskEvent({ name, data }: ServerEvent): TaskEvent | undefined {
  const fields = parseObject(data)
  if (!fields) return undefined
  if (name === 'log') return readLog(fields)
  if (name === 'activity') return readActivity(fields)
  if (name !== 'task') return undefined
  return {
    kind: 'task',
    id: text(fields, 'id'),
    state: text(fields, 'state'),
    isCompleted: flag(fields, 'isCompleted'),
  }
}

function readLog(fields: Json): LogEvent {
  const detail = text(fields, 'detail')
  const message = text(fields, 'messageText')
  return {
    kind: 'log',
    sequence: number(fields, 'sequence'),
    activityId: text(fields, 'activityId'),
    category: text(fields, 'category', 'Info'),
    at: moment(fields, 'occurredAt'),
    text: detail === '' ? message : `${message}\n${detail}`,
  }
}

function readActivity(fields: Json): ActivityEvent {
  return {
    kind: 'activity',
    id: text(fields, 'id'),
    parentId: optionalText(fields, 'parentId'),
    name: text(fields, 'name'),
    status: text(fields, 'status', 'Pending'),
    started: moment(fields, 'started'),
    ended: moment(fields, 'ended'),
    progress: number(fields, 'progressPercentage'),
    progressMessage: text(fields, 'progressMessage'),
  }
}

function parseObject(data: string): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(data)
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}
