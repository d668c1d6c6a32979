import type { ApiError } from '../api/api-error.ts'
import { followEvents, type StreamState } from '../live/event-stream.ts'
import { readTaskEvent, type TaskChangedEvent } from './log-event.ts'
import { createLogTree, type LogTree } from './log-tree.ts'

/** What the page sees of a feed. A new object each time something changed. */
export interface FeedSnapshot {
  readonly state: StreamState | 'paused'
  readonly error: ApiError | undefined
  /** The newest news of the task itself. */
  readonly task: TaskChangedEvent | undefined
  readonly tree: LogTree
}

/** Where a feed reads from. */
export interface TaskFeedParts {
  readonly open: (lastEventId: string | undefined, signal: AbortSignal) => Promise<Response>
  /** Calls back soon, so that a thousand lines that came at once are drawn once. */
  readonly soon: (callback: () => void) => void
  readonly wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

/** One task's log, as it grows. */
export interface TaskFeed {
  /** Reads on from where the feed stopped. Does nothing when it runs or has ended. */
  start(): void
  /** Lets the connection go and keeps what was read. */
  stop(): void
  subscribe(listener: () => void): () => void
  snapshot(): FeedSnapshot
}

/** Makes a feed; nothing is read before `start`. */
export function createTaskFeed({ open, soon, wait }: TaskFeedParts): TaskFeed {
  const tree = createLogTree()
  const listeners = new Set<() => void>()
  let current: FeedSnapshot = { state: 'paused', error: undefined, task: undefined, tree }
  let running: AbortController | undefined
  let position: string | undefined
  let promised = false

  function change(part: Partial<FeedSnapshot>): void {
    current = { ...current, ...part }
    if (promised) return
    promised = true
    soon(() => {
      promised = false
      for (const listener of listeners) listener()
    })
  }

  return {
    start() {
      if (running || current.state === 'ended') return
      const control = new AbortController()
      running = control
      const whole = followEvents(
        {
          // The first connection after a stop goes on where the one before it ended.
          open: (lastEventId, signal) => open(lastEventId ?? position, signal),
          onEvent(event) {
            position = event.lastEventId ?? position
            const news = readTaskEvent(event)
            if (!news) return
            tree.apply(news)
            change(news.kind === 'task' ? { task: news } : {})
          },
          isOver: () => current.task?.isCompleted === true,
          onState(state, error) {
            if (!control.signal.aborted) change({ state, error })
          },
          ...(wait ? { wait } : {}),
        },
        control.signal,
      )
      void whole.then(() => {
        if (running === control) running = undefined
      })
    },
    stop() {
      if (!running) return
      running.abort()
      running = undefined
      change({ state: 'paused', error: undefined })
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    snapshot: () => current,
  }
}
