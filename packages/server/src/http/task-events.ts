import { Type } from 'typebox'
import type { Store } from '../db/store.ts'
import type { EventHub } from '../live/event-hub.ts'
import { eventStream, formatEvent, heartbeat } from '../live/event-stream.ts'
import { followLists, type ListFeedItem } from '../live/list-feed.ts'
import { followTask, type TaskFeedItem } from '../live/task-feed.ts'
import { isFinalState, type ServerTask } from '../model/task.ts'
import type { TaskService } from '../orchestration/task-service.ts'
import type { App } from '../web/app-types.ts'
import { ById } from '../web/schema.ts'
import { wireInstant, wireInstantOrNull } from '../web/wire-time.ts'

/** What the live routes need. */
export interface TaskEventParts {
  readonly tasks: Pick<TaskService, 'require'>
  readonly store: Store
  readonly hub: EventHub
}

/** A silent connection says something this often; proxies close one after a minute or so. */
const quietMs = 15_000

/** Answers are streams: proxies must neither collect nor change them. */
const streamHeaders = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  // A stream is the last thing on its connection: kept open, it would hold up the end of the server for minutes.
  Connection: 'close',
}

function taskData(task: ServerTask) {
  return {
    id: task.id,
    spaceId: task.spaceId,
    name: task.name,
    description: task.description,
    state: task.state,
    isCompleted: isFinalState(task.state),
    finishedSuccessfully: task.state === 'Success',
    hasWarningsOrErrors: task.hasWarningsOrErrors,
    errorMessage: task.errorMessage,
    queueTime: wireInstant(task.queueTime),
    startTime: wireInstantOrNull(task.startTime),
    completedTime: wireInstantOrNull(task.completedTime),
    projectId: task.projectId,
  }
}

/** The text of an item of a task's stream: docs/wire/orchestration.md, live events. */
function taskEvent(item: TaskFeedItem): string {
  switch (item.kind) {
    case 'quiet':
      return heartbeat
    case 'task':
      return formatEvent({ event: 'task', data: taskData(item.task) })
    case 'activity': {
      const {
        id,
        parentId,
        name,
        status,
        started,
        ended,
        progressPercentage,
        progressMessage,
        showAtSummaryLevel,
      } = item.activity
      return formatEvent({
        event: 'activity',
        data: {
          id,
          parentId,
          name,
          status,
          started: wireInstantOrNull(started),
          ended: wireInstantOrNull(ended),
          progressPercentage,
          progressMessage,
          showAtSummaryLevel,
        },
      })
    }
    case 'log': {
      const { sequence, activityId, category, occurredAt, text, detail } = item.line
      return formatEvent({
        event: 'log',
        id: String(sequence),
        data: {
          sequence,
          activityId,
          category,
          occurredAt: wireInstant(occurredAt),
          messageText: text,
          ...(detail === null ? {} : { detail }),
        },
      })
    }
  }
}

function positionOf(lastEventId: string | string[] | undefined, after: string | undefined): number {
  const text = typeof lastEventId === 'string' ? lastEventId : after
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : 0
}

/** `tasks/{id}/events` and `events/live`: server-sent events. */
export function taskEventRoutes(app: App, { tasks, store, hub }: TaskEventParts): void {
  // Streams have no end of their own; without this the server would wait for the browsers to leave.
  const closing = new AbortController()
  app.addHook('preClose', async () => closing.abort())

  app.get(
    '/api/tasks/:id/events',
    {
      config: { permission: 'TaskViewLog' },
      schema: { params: ById, querystring: Type.Object({ after: Type.Optional(Type.String()) }) },
    },
    async ({ params, query, headers }, reply) => {
      // An unknown task is an answer, not a stream.
      const { id } = await tasks.require(params.id)
      const after = positionOf(headers['last-event-id'], query.after)
      async function* pieces(signal: AbortSignal): AsyncGenerator<string> {
        const feed = followTask({ db: store.db, hub, now: store.now }, id, { after, signal, quietMs })
        for await (const items of feed) yield items.map(taskEvent).join('')
      }
      return reply.headers(streamHeaders).send(eventStream(pieces, closing.signal))
    },
  )

  /** What a list shows of a machine. A removed one is known by its id only. */
  async function listEvent(item: ListFeedItem): Promise<string> {
    if (item.kind === 'quiet') return heartbeat
    if (item.kind === 'task') return formatEvent({ event: 'task', data: taskData(item.task) })
    const { machineId, change } = item
    const machine = (await store.machines.get(machineId)) ?? (await store.workers.get(machineId))
    const summary = machine && {
      kind: machine.kind,
      spaceId: machine.spaceId,
      name: machine.name,
      isDisabled: machine.isDisabled,
      healthStatus: machine.health.status,
      statusSummary: machine.health.summary,
    }
    return formatEvent({
      event: 'machine',
      data: { id: machineId, change: machine ? change : 'removed', ...summary },
    })
  }

  app.get('/api/events/live', { config: { permission: 'TaskView' } }, async (_request, reply) => {
    async function* pieces(signal: AbortSignal): AsyncGenerator<string> {
      for await (const items of followLists(hub, { signal, quietMs })) {
        let text = ''
        for (const item of items) text += await listEvent(item)
        yield text
      }
    }
    return reply.headers(streamHeaders).send(eventStream(pieces, closing.signal))
  })
}
