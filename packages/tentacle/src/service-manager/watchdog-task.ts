/** What Windows' task scheduler calls the task that starts agents again. */
export const watchdogTask = 'Octopus Watchdog Tentacle'

/** The program that makes and removes scheduled tasks. */
export const taskScheduler = 'schtasks.exe'

/** What the task does. */
export interface Watchdog {
  readonly executable: string
  /** Minutes between two looks. */
  readonly interval: number
  /** `*`, or names with `,` or `;` between them. */
  readonly instances: string
}

/** Makes the task, or replaces it: it runs as the system itself. */
export function createTaskArguments({ executable, interval, instances }: Watchdog): string[] {
  return [
    '/Create',
    ...['/TN', watchdogTask],
    ...['/TR', `"${executable}" checkservices --instances "${instances}"`],
    ...['/SC', 'MINUTE', '/MO', String(interval)],
    ...['/RU', 'SYSTEM', '/RL', 'HIGHEST', '/F'],
  ]
}

/** Removes the task without asking. */
export function deleteTaskArguments(): string[] {
  return ['/Delete', '/TN', watchdogTask, '/F']
}
