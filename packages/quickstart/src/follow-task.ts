import { setTimeout as delay } from 'node:timers/promises'
import { type ApiClient, ApiError, type Resource, textOf } from './api-client.ts'
import type { Terminal } from './terminal.ts'

interface Activity {
  readonly name: string
  readonly parentId: string | undefined
}

/** Lines that the deployment writes for itself are shown too, but what programs whisper (verbose, trace) is not. */
const hidden = new Set(['Trace', 'Verbose', 'Planned', 'Updated', 'Finished'])

function fields(data: unknown): Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null ? { ...data } : {}
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Finds the machine that an activity belongs to: the nearest activity above it that is named like a machine. */
function machineOf(
  activities: ReadonlyMap<string, Activity>,
  id: string,
  machines: readonly string[],
): string {
  for (let at = activities.get(id); at; at = activities.get(at.parentId ?? '')) {
    const name = at.name
    const found = machines.find(machine => name.includes(machine))
    if (found) return found
  }
  return 'server'
}

/**
 * Prints a task's log lines as they come, until the task has ended; comes back when the connection or the server goes
 * away meanwhile. Answers the task as it ended.
 */
export async function followTask(
  api: ApiClient,
  taskId: string,
  machines: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Resource> {
  const activities = new Map<string, Activity>()
  let lastId: string | undefined
  for (;;) {
    try {
      for await (const { id, event, data } of api.events(`/api/tasks/${taskId}/events`, lastId, signal)) {
        if (id !== undefined && id !== '') lastId = id
        const item = fields(data)
        if (event === 'activity') {
          activities.set(text(item.id), { name: text(item.name), parentId: text(item.parentId) || undefined })
        } else if (event === 'log' && !hidden.has(text(item.category))) {
          const machine = machineOf(activities, text(item.activityId), machines)
          terminal.output(machine, text(item.messageText), text(item.category))
        }
      }
      const task = await api.get(`/api/tasks/${taskId}`)
      if (task.IsCompleted === true) return task
    } catch (error) {
      if (signal.aborted || error instanceof ApiError) throw error
      terminal.warn('The server cannot be reached; trying again.')
      await delay(1_000, undefined, { signal })
    }
  }
}

/** Throws unless the task ended well. */
export function demandSuccess(task: Resource): void {
  if (task.FinishedSuccessfully === true) return
  const reason = text(task.ErrorMessage)
  throw new Error(
    `${textOf(task, 'Description')} ended as ${textOf(task, 'State')}${reason ? `: ${reason}` : '.'}`,
  )
}
