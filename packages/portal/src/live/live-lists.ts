import type { QueryClient } from '@tanstack/react-query'
import type { ApiError } from '../api/api-error.ts'
import type { ApiClient } from '../api/client.ts'
import { followEvents, type StreamState } from './event-stream.ts'

/** Changes that come within this time are one renewal. */
const gatherMs = 400

/** Which kinds of cached answers an event makes old, by the first part of their keys. */
const touchedBy: Readonly<Record<string, readonly string[]>> = {
  task: ['tasks', 'deployments'],
  machine: ['machines'],
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
      onEvent: event => renew(touchedBy[event.name] ?? []),
      onState(state, error) {
        if (state === 'live' && wasLive) renew(Object.values(touchedBy).flat())
        if (state === 'live') wasLive = true
        onState(state, error)
      },
    },
    signal,
  )
}
