import type { ServerTask } from '../model/task.ts'
import type { EventHub } from './event-hub.ts'
import { createNews } from './news.ts'

/** What a page that shows lists is told. */
export type ListFeedItem =
  | { readonly kind: 'task'; readonly task: ServerTask }
  | { readonly kind: 'machine'; readonly machineId: string; readonly change: 'added' | 'changed' | 'removed' }
  /** Nothing new for a while. */
  | { readonly kind: 'quiet' }

/**
 * Follows the tasks and machines of the whole server from now on, until the signal aborts. A reader that is too slow
 * gets the last state of each thing only, so what waits for it is never more than there are things.
 */
export async function* followLists(
  hub: EventHub,
  { signal, quietMs }: { readonly signal: AbortSignal; readonly quietMs: number },
): AsyncGenerator<readonly ListFeedItem[]> {
  const news = createNews()
  const waiting = new Map<string, ListFeedItem>()
  const unsubscribe = hub.subscribe(event => {
    if (event.kind === 'log') return
    waiting.set(event.kind === 'task' ? event.task.id : event.machineId, event)
    news.ring()
  })
  try {
    yield [{ kind: 'quiet' }]
    while (!signal.aborted) {
      await news.wait(quietMs, signal)
      const items = [...waiting.values()]
      waiting.clear()
      yield items.length > 0 ? items : [{ kind: 'quiet' }]
    }
  } finally {
    unsubscribe()
  }
}
