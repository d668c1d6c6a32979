import type { ServerTask } from '../model/task.ts'

/** What changed. Listeners that need more read it from the database, which is written before they are told. */
export type LiveEvent =
  | { readonly kind: 'task'; readonly task: ServerTask }
  /** Lines or activities were added to the log of a task. */
  | { readonly kind: 'log'; readonly taskId: string }
  | { readonly kind: 'machine'; readonly machineId: string; readonly change: 'added' | 'changed' | 'removed' }

/** Tells of changes inside this process. */
export interface EventHub {
  publish(event: LiveEvent): void
  /** Listens to everything until the returned function is called. Listeners must not throw and must return at once. */
  subscribe(listener: (event: LiveEvent) => void): () => void
  /** As subscribe, but only events of one task: with thousands of readers each event reaches only those it concerns. */
  subscribeTask(taskId: string, listener: (event: LiveEvent) => void): () => void
}

/** Makes a hub. */
export function createEventHub(): EventHub {
  const everything = new Set<(event: LiveEvent) => void>()
  const byTask = new Map<string, Set<(event: LiveEvent) => void>>()

  return {
    publish(event) {
      for (const listener of everything) listener(event)
      if (event.kind === 'machine') return
      const taskId = event.kind === 'task' ? event.task.id : event.taskId
      for (const listener of byTask.get(taskId) ?? []) listener(event)
    },
    subscribe(listener) {
      everything.add(listener)
      return () => everything.delete(listener)
    },
    subscribeTask(taskId, listener) {
      const listeners = byTask.get(taskId) ?? new Set()
      byTask.set(taskId, listeners.add(listener))
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0 && byTask.get(taskId) === listeners) byTask.delete(taskId)
      }
    },
  }
}
