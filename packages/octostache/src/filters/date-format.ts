import { type DateValue, offsetMinutes } from './date-value.ts'

const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** What the one-letter formats stand for in the invariant culture. */
const standardFormats: Readonly<Record<string, string>> = {
  d: 'MM/dd/yyyy',
  D: 'dddd, dd MMMM yyyy',
  f: 'dddd, dd MMMM yyyy HH:mm',
  F: 'dddd, dd MMMM yyyy HH:mm:ss',
  g: 'MM/dd/yyyy HH:mm',
  G: 'MM/dd/yyyy HH:mm:ss',
  m: 'MMMM dd',
  M: 'MMMM dd',
  o: "yyyy-MM-dd'T'HH:mm:ss.fffffffK",
  O: "yyyy-MM-dd'T'HH:mm:ss.fffffffK",
  r: "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
  R: "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
  s: "yyyy-MM-dd'T'HH:mm:ss",
  t: 'HH:mm',
  T: 'HH:mm:ss',
  u: "yyyy-MM-dd HH:mm:ss'Z'",
  y: 'yyyy MMMM',
  Y: 'yyyy MMMM',
}

/** Formats a date with a .NET format string in the invariant culture; `undefined` for an unknown one-letter format. */
export function formatDate(date: DateValue, format: string): string | undefined {
  if (format.length !== 1) return customDate(date, format)
  const standard = Object.hasOwn(standardFormats, format) ? standardFormats[format] : undefined
  if (standard === undefined) return undefined
  // r and u are written in UTC when the date knows its zone.
  const inUtc = 'rRu'.includes(format) && date.zone !== undefined
  return customDate(
    inUtc ? { ...date, wallMs: date.wallMs - offsetMinutes(date) * 60_000, zone: 'utc' } : date,
    standard,
  )
}

const tokens = /d+|M+|y+|h+|H+|m+|s+|f+|F+|t+|z+|K|g+|'[^']*'|"[^"]*"|\\.|%|./gs

function customDate(date: DateValue, format: string): string {
  const wall = new Date(date.wallMs)
  let text = ''
  for (const [token] of format.matchAll(tokens)) text += dateToken(token, wall, date)
  return text
}

function dateToken(token: string, wall: Date, date: DateValue): string {
  const width = token.length
  switch (token[0]) {
    case 'd':
      return width > 2 ? shortened(dayNames[wall.getUTCDay()], width) : padded(wall.getUTCDate(), width)
    case 'M':
      return width > 2
        ? shortened(monthNames[wall.getUTCMonth()], width)
        : padded(wall.getUTCMonth() + 1, width)
    case 'y':
      return padded(width > 2 ? wall.getUTCFullYear() : wall.getUTCFullYear() % 100, width)
    case 'h':
      return padded(wall.getUTCHours() % 12 || 12, Math.min(width, 2))
    case 'H':
      return padded(wall.getUTCHours(), Math.min(width, 2))
    case 'm':
      return padded(wall.getUTCMinutes(), Math.min(width, 2))
    case 's':
      return padded(wall.getUTCSeconds(), Math.min(width, 2))
    case 'f':
      return fraction(wall, date).slice(0, width)
    case 'F':
      return fraction(wall, date).slice(0, width).replace(/0+$/, '')
    case 't':
      return (wall.getUTCHours() < 12 ? 'AM' : 'PM').slice(0, width)
    case 'z':
      return offset(offsetMinutes(date), width)
    case 'K':
      return date.zone === undefined ? '' : date.zone === 'utc' ? 'Z' : offset(date.zone, 3)
    case 'g':
      return 'A.D.'
    case "'":
    case '"':
      return width > 1 ? token.slice(1, -1) : token
    case '\\':
      return token.slice(1)
    case '%':
      return ''
    default:
      return token
  }
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0')
}

function shortened(name: string | undefined, width: number): string {
  return (name ?? '').slice(0, width === 3 ? 3 : undefined)
}

function fraction(wall: Date, date: DateValue): string {
  return padded(wall.getUTCMilliseconds(), 3) + padded(date.ticks, 4)
}

function offset(minutes: number, width: number): string {
  const hours = Math.floor(Math.abs(minutes) / 60)
  const sign = minutes < 0 ? '-' : '+'
  return sign + padded(hours, Math.min(width, 2)) + (width > 2 ? `:${padded(Math.abs(minutes) % 60, 2)}` : '')
}
