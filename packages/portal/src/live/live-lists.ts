import type { QueryClient } from '@tanstack/react-query'
import type { ApiError } from '../api/api-error.ts'
import type { ApiClient } from '../api/client.ts'
import { isObject } from '../api/read.ts'
import { followEvents, type StreamState } from './event-stream.ts'
import type { ServerEvent } from './sse-parser.ts'

/** Changes that come within this time are one renewal. */
const gatherMs = 400

/** Which kinds of cached answers an event makes old, by the first part of their keys. */
function touchedBy({ name, data }: ServerEvent): readonly string[] {
  if (name === 'machine') return ['machines']
  if (name !== 'task') return []
  return taskName(data) === 'Deploy' ? ['tasks', 'deployments'] : ['tasks']
}

const allTouched = ['machines', 'tasks', 'deployments']

/** The kind of a task; the list of deployments is long, so it is asked for only when a deployment changed. */
function taskName(data: string): unknown {
  try {
    const task: unknown = JSON.parse(data)
    return isObject(task) ? task.name : undefined
  } catch {
    return undefined
  }
}

/**
 * Keeps the cached lists true while the signal is not aborted: each event of the server renews what it touches, and a
 * connection that came back renews everything, because nobody knows what was missed.
 */
export function keepListsLive(
  api: ApiClient,
  cache: QueryClient,
  onState: (state: StreamState, error?: ApiError) => void,
  signal: AbortSignal,
): Promise<void> {
  const old = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let wasLive = false

  function renew(names: readonly string[]): void {
    for (const name of names) old.add(name)
    timer ??= setTimeout(() => {
      timer = undefined
      for (const name of old) void cache.invalidateQueries({ queryKey: [name] })
      old.clear()
    }, gatherMs)
  }

  signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  return followEvents(
    {
      open: (_, streamSignal) => api.open('api/events/live', {}, streamSignal),
      onEvent: event => renew(touchedBy(event)),
      onState(state, error) {
        if (state === 'live' && wasLive) renew(allTouched)
        if (state === 'live') wasLive = true
        onState(state, error)
      },
    },
    signal,
  )
}
