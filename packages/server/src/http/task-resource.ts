import { type Static, Type } from 'typebox'
import { isFinalState, type ServerTask, taskStates } from '../model/task.ts'
import { Links, Nullable, Words } from '../web/schema.ts'
import { wireInstant, wireInstantOrNull } from '../web/wire-time.ts'

/** A task in the REST API: docs/wire/orchestration.md, tasks. */
export const TaskResource = Type.Object({
  Id: Type.String(),
  SpaceId: Nullable(Type.String()),
  Name: Type.String(),
  Description: Type.String(),
  Arguments: Type.Record(Type.String(), Type.Unknown()),
  State: Words(taskStates),
  Completed: Type.String(),
  QueueTime: Type.String(),
  QueueTimeExpiry: Nullable(Type.String()),
  StartTime: Nullable(Type.String()),
  LastUpdatedTime: Type.String(),
  CompletedTime: Nullable(Type.String()),
  ServerNode: Nullable(Type.String()),
  Duration: Type.String(),
  ErrorMessage: Type.String(),
  HasBeenPickedUpByProcessor: Type.Boolean(),
  IsCompleted: Type.Boolean(),
  FinishedSuccessfully: Type.Boolean(),
  HasPendingInterruptions: Type.Boolean(),
  CanRerun: Type.Boolean(),
  HasWarningsOrErrors: Type.Boolean(),
  ProjectId: Nullable(Type.String()),
  EstimatedRemainingQueueDurationSeconds: Type.Integer(),
  PendingInterruptionTypes: Type.Array(Type.String()),
  PendingPreconditionTypes: Type.Array(Type.String()),
  Links,
})

const moment = new Intl.DateTimeFormat('en-GB', {
  weekday: 'long',
  day: '2-digit',
  month: 'long',
  year: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
  hour12: true,
  timeZone: 'UTC',
})

/** A moment for people: `Monday, 23 November 2026 10:00 AM`, in UTC. */
export function momentText(instant: string): string {
  const parts = new Map(moment.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]))
  const get = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? ''
  const time = `${get('hour')}:${get('minute')} ${get('dayPeriod').toUpperCase()}`
  return `${get('weekday')}, ${get('day')} ${get('month')} ${get('year')} ${time}`
}

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

/** A time span for people, in the largest unit that it fills: `42 seconds`, `3 hours`. */
export function durationText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000))
  const [name, size] = units.find(([, unitSeconds]) => seconds >= unitSeconds) ?? units[3]
  const count = Math.floor(seconds / size)
  return count === 1 ? `1 ${name}` : `${count} ${name}s`
}

/** How long a task has been working, or worked; '' before it began. */
export function taskDuration({ startTime, completedTime }: ServerTask, now: Date): string {
  if (startTime === null) return ''
  const end = completedTime === null ? now.getTime() : Date.parse(completedTime)
  return durationText(end - Date.parse(startTime))
}

function completedText(task: ServerTask): string {
  if (task.completedTime !== null) return momentText(task.completedTime)
  return `${task.state}...`
}

function links({ id, spaceId }: ServerTask): Record<string, string> {
  const self = `/api/tasks/${id}`
  return {
    Self: self,
    Web: spaceId === null ? `/app#/tasks/${id}` : `/app#/${spaceId}/tasks/${id}`,
    Raw: `${self}/raw`,
    Rerun: `/api/tasks/rerun/${id}`,
    Cancel: `${self}/cancel`,
    State: `${self}/state`,
    QueuedBehind: `${self}/queued-behind{?skip,take}`,
    Details: `${self}/details{?verbose,tail}`,
    Events: `${self}/events`,
  }
}

/** The task as clients see it. */
export function toTaskResource(
  task: ServerTask,
  { canRerun, now }: { readonly canRerun: boolean; readonly now: Date },
): Static<typeof TaskResource> {
  const isCompleted = isFinalState(task.state)
  return {
    Id: task.id,
    SpaceId: task.spaceId,
    Name: task.name,
    Description: task.description,
    Arguments: { ...task.arguments },
    State: task.state,
    Completed: completedText(task),
    QueueTime: wireInstant(task.queueTime),
    QueueTimeExpiry: wireInstantOrNull(task.queueTimeExpiry),
    StartTime: wireInstantOrNull(task.startTime),
    LastUpdatedTime: wireInstant(task.lastUpdatedTime),
    CompletedTime: wireInstantOrNull(task.completedTime),
    ServerNode: task.serverNode,
    Duration: taskDuration(task, now),
    ErrorMessage: task.errorMessage,
    HasBeenPickedUpByProcessor: task.startTime !== null,
    IsCompleted: isCompleted,
    FinishedSuccessfully: task.state === 'Success',
    HasPendingInterruptions: false,
    CanRerun: canRerun,
    HasWarningsOrErrors: task.hasWarningsOrErrors,
    ProjectId: task.projectId,
    EstimatedRemainingQueueDurationSeconds: 0,
    PendingInterruptionTypes: [],
    PendingPreconditionTypes: [],
    Links: links(task),
  }
}
