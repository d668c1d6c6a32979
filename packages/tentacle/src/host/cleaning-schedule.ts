import type { Log } from '../logging/log.ts'

/** When old workspaces are deleted, in ms. */
export interface CleaningSchedule {
  readonly olderThanMs: number
  readonly everyMs: number
}

const hour = 3_600_000

/** The defaults, or what the environment says (docs/wire/tentacle-settings.md 8). */
export function cleaningSchedule(
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): CleaningSchedule {
  return {
    olderThanMs: read('TENTACLE_WORKSPACE_CLEANER_DELETE_OLDER_THAN', 24 * hour),
    everyMs: read('TENTACLE_WORKSPACE_CLEANER_DELAY', 2 * hour),
  }

  function read(variable: string, fallback: number): number {
    const text = env[variable]
    if (text === undefined || text.trim() === '') return fallback
    const time = parseTimeSpan(text)
    if (time !== undefined && time > 0) return time
    log.warn(
      `${variable} is '${text}', which is not a time of the form days.hours:minutes:seconds; it is not used.`,
    )
    return fallback
  }
}

/** Reads `[days.]hh:mm[:ss[.fraction]]` or a number of days, in ms; undefined for anything else. */
export function parseTimeSpan(text: string): number | undefined {
  const [, days, hours, minutes, seconds = '0'] =
    /^(?:(\d{1,6})\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d{1,7})?))?$/.exec(text.trim()) ?? []
  if (hours === undefined) return /^\d{1,6}$/.test(text.trim()) ? Number(text) * 24 * hour : undefined
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) >= 60) return undefined
  return (
    Number(days ?? 0) * 24 * hour + Number(hours) * hour + Number(minutes) * 60_000 + Number(seconds) * 1000
  )
}
