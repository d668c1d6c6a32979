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

/** Shows the task as XML; fails when there is none. */
export function queryTaskArguments(): string[] {
  return ['/Query', '/TN', watchdogTask, '/XML']
}

const minutesIn = { D: 24 * 60, H: 60, M: 1 } as const

/** What a task of that name does, by its XML. Whoever has changed it by hand may have made something else of it. */
export function readTask(xml: string): Pick<Watchdog, 'interval' | 'instances'> {
  const [, days, hours, minutes] =
    /<Interval>P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?<\/Interval>/.exec(xml) ?? []
  const command = /<Arguments>([^<]*)<\/Arguments>/.exec(xml)?.[1]?.replaceAll('&quot;', '"') ?? ''
  return {
    interval:
      Number(days ?? 0) * minutesIn.D + Number(hours ?? 0) * minutesIn.H + Number(minutes ?? 0) * minutesIn.M,
    instances: /--instances[ =]"([^"]*)"/.exec(command)?.[1] ?? '*',
  }
}
