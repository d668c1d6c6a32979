/**
 * Makes the tickets of the first script service: time in UTC, number of the task, a counter
 * (docs/wire/tentacle-scripts.md, "Tickets"). What a folder's name cannot have is left out.
 */
export function createV1Tickets(now: () => Date): (taskId: string | null) => string {
  let counter = 0
  return taskId => {
    const time = now().toISOString().replace(/\D/g, '').slice(0, 14)
    const task = (taskId ?? '').replace(/^ServerTasks-/i, '').replace(/[^A-Za-z0-9_-]/g, '')
    return [time, task.slice(0, 100), String(++counter)].filter(part => part !== '').join('-')
  }
}
