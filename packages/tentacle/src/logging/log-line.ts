import type { LogLevel } from './levels.ts'

/**
 * One entry of the log file, in the form that operators and their tools know (docs/wire/tentacle-settings.md 7): local
 * time with four decimals, process id, thread, level, message. There is one thread.
 */
export function formatLogLine(time: Date, processId: number, level: LogLevel, text: string): string {
  const stamp = `${localDate(time)} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
  const fraction = `${String(time.getMilliseconds()).padStart(3, '0')}0`
  const id = String(processId).padStart(5)
  return `${stamp}.${fraction}  ${id}      1 ${level.toUpperCase().padStart(5)}  ${text}\n`
}

/** The local day as `yyyy-MM-dd`. */
export function localDate(time: Date): string {
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
