import { useEffect, useState, useSyncExternalStore } from 'react'
import { useApi } from '../app/api-context.ts'
import { useVisible } from '../live/use-visible.ts'
import { createTaskFeed, type FeedSnapshot, type TaskFeed } from './task-feed.ts'

/** New lines are drawn at most this often. */
const drawEveryMs = 80

/** The live log of a task; the connection is held only while the page is seen. Give the component the task's id as `key`. */
export function useTaskFeed(id: string): FeedSnapshot {
  const api = useApi()
  const visible = useVisible()
  const [feed] = useState<TaskFeed>(() =>
    createTaskFeed({
      open: (lastEventId, signal) =>
        api.open(
          `api/tasks/${encodeURIComponent(id)}/events`,
          lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId },
          signal,
        ),
      soon: callback => setTimeout(callback, drawEveryMs),
    }),
  )
  useEffect(() => {
    if (!visible) return
    feed.start()
    return () => feed.stop()
  }, [feed, visible])
  return useSyncExternalStore(feed.subscribe, feed.snapshot)
}
