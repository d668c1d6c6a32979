import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useApi } from '../app/api-context.ts'
import type { StreamState } from './event-stream.ts'
import { keepListsLive } from './live-lists.ts'
import { useVisible } from './use-visible.ts'

/** How often lists are asked again where the server offers no events. */
const pollEveryMs = 5_000

/** Keeps all lists true while the page is seen; answers how the connection is. */
export function useLiveLists(): StreamState {
  const api = useApi()
  const cache = useQueryClient()
  const visible = useVisible()
  const [state, setState] = useState<StreamState>('connecting')
  const wasAway = useRef(false)

  useEffect(() => {
    if (!visible) return
    const control = new AbortController()
    if (wasAway.current) void cache.invalidateQueries({ type: 'active' })
    void keepListsLive(
      api,
      cache,
      (next, error) => {
        setState(next)
        // Asking who we are shows whether the session has ended; if so, the sign-in page comes up.
        if (error?.code === 'ERR_SIGNED_OUT') void cache.refetchQueries({ queryKey: ['me'] })
      },
      control.signal,
    )
    return () => {
      control.abort()
      wasAway.current = true
    }
  }, [api, cache, visible])

  useEffect(() => {
    if (state !== 'failed' || !visible) return
    const timer = setInterval(() => void cache.invalidateQueries({ type: 'active' }), pollEveryMs)
    return () => clearInterval(timer)
  }, [cache, state, visible])

  return state
}
