/** A point on the calendar as it is written, with the offset from UTC when one is given. */
export interface DateValue {
  /** The wall-clock time, as milliseconds since 1970 as if it were UTC. */
  readonly wallMs: number
  /** The part of a millisecond, in ticks of 100 ns. */
  readonly ticks: number
  /** `utc` for Z, minutes east of Greenwich for a written offset, `undefined` for a time without zone. */
  readonly zone: 'utc' | number | undefined
}

const isoDate =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|GMT|UTC|[-+]\d{1,2}(?::?\d{2})?)?$/i
const slashDate =
  /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?: +(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)? *(AM|PM)?)? *(Z|GMT|UTC|[-+]\d{1,2}(?::?\d{2})?)?$/i
const wordDate =
  /^(?:[a-z]{3,9},? +)?(\d{1,2})[ -]([a-z]{3,9})[ -](\d{4})(?: +(\d{1,2}):(\d{2})(?::(\d{2}))?)? *(Z|GMT|UTC|[-+]\d{1,2}(?::?\d{2})?)?$/i

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** Reads ISO dates, `month/day/year`, and `9 March 2024`, each with or without time and zone. */
export function parseDate(text: string): DateValue | undefined {
  const trimmed = text.trim()
  const iso = isoDate.exec(trimmed)
  if (iso !== null) {
    const [, year, month, day, hour, minute, second, fraction, zone] = iso
    return build([year, month, day, hour, minute, second], fraction, zone)
  }
  const slash = slashDate.exec(trimmed)
  if (slash !== null) {
    const [, month, day, year, hour, minute, second, fraction, half, zone] = slash
    return build([year, month, day, hourOfHalf(hour, half), minute, second], fraction, zone)
  }
  const word = wordDate.exec(trimmed)
  if (word === null) return undefined
  const [, day, monthName = '', year, hour, minute, second, zone] = word
  const month = months.indexOf(monthName.slice(0, 3).toLowerCase()) + 1
  return build([year, String(month), day, hour, minute, second], undefined, zone)
}

/** The date as the clock on the wall shows it here, with the offset that is in force. */
export function localDate(now: Date): DateValue {
  const offset = -now.getTimezoneOffset()
  return { wallMs: now.getTime() + offset * 60_000, ticks: 0, zone: offset }
}

export function utcDate(now: Date): DateValue {
  return { wallMs: now.getTime(), ticks: 0, zone: 'utc' }
}

/** The same date a number of milliseconds later, if the calendar reaches that far. */
export function addMilliseconds(date: DateValue, milliseconds: number): DateValue | undefined {
  const wallMs = date.wallMs + Math.round(milliseconds)
  return isInCalendar(wallMs) ? { ...date, wallMs } : undefined
}

/** Minutes east of Greenwich; a time without zone counts as local time of this machine. */
export function offsetMinutes(date: DateValue): number {
  if (date.zone === 'utc') return 0
  return date.zone ?? -new Date(new Date(date.wallMs).toISOString().slice(0, -1)).getTimezoneOffset()
}

function build(
  parts: readonly (string | undefined)[],
  fraction: string | undefined,
  zone: string | undefined,
): DateValue | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(part =>
    Number(part ?? 0),
  )
  const nanos = (fraction ?? '').padEnd(9, '0')
  const wall = new Date(0)
  wall.setUTCFullYear(year, month - 1, day)
  wall.setUTCHours(hour, minute, second, Number(nanos.slice(0, 3)))
  const isExact =
    wall.getUTCMonth() === month - 1 && wall.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  const offset = parseZone(zone)
  if (!isExact || offset === null || !isInCalendar(wall.getTime())) return undefined
  return { wallMs: wall.getTime(), ticks: Number(nanos.slice(3, 7)), zone: offset }
}

/** `null` for an offset that no place on earth has. */
function parseZone(zone: string | undefined): 'utc' | number | undefined | null {
  if (zone === undefined) return undefined
  if (!/^[-+]/.test(zone)) return 'utc'
  const [, sign, hours, minutes = '0'] = /^([-+])(\d{1,2}):?(\d{2})?$/.exec(zone) ?? []
  const offset = Number(hours) * 60 + Number(minutes)
  return offset > 14 * 60 ? null : sign === '-' ? -offset : offset
}

function hourOfHalf(hour: string | undefined, half: string | undefined): string | undefined {
  if (hour === undefined || half === undefined) return hour
  return String((Number(hour) % 12) + (half.toUpperCase() === 'PM' ? 12 : 0))
}

function isInCalendar(wallMs: number): boolean {
  return wallMs >= -62_135_596_800_000 && wallMs < 253_402_300_800_000
}
