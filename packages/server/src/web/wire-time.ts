import { ServerError } from '../errors.ts'
import type { Instant } from '../model/document.ts'

/** A moment as the REST API writes it: `2026-11-23T10:00:00.000+00:00`. */
export function wireInstant(instant: Instant): string {
  return instant.replace(/Z$/, '+00:00')
}

/** As {@link wireInstant}, for moments that may be missing. */
export function wireInstantOrNull(instant: Instant | null): string | null {
  return instant === null ? null : wireInstant(instant)
}

/**
 * Reads a moment of a request. Null, nothing and the year 1 (what a C# client sends for "not set") are null.
 * Throws `ERR_INVALID_INPUT` for text that is no moment.
 */
export function parseInstant(text: string | null | undefined, field: string): Instant | null {
  if (text === null || text === undefined || text === '' || text.startsWith('0001-01-01')) return null
  const time = Date.parse(text)
  if (Number.isNaN(time)) {
    const message = `${field} is '${text}', which is not a date and time such as 2026-11-23T10:00:00Z.`
    throw new ServerError('ERR_INVALID_INPUT', message, { problems: [message] })
  }
  return new Date(time).toISOString()
}

const timeSpan = /^(-)?(?:(\d{1,8})\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?$/

/** Reads `hh:mm:ss`, `d.hh:mm:ss` or `hh:mm:ss.fffffff` as milliseconds; undefined when it is something else. */
export function parseTimeSpan(text: string): number | undefined {
  const match = timeSpan.exec(text.trim())
  if (match === null) return undefined
  const [, minus, days = '0', hours = '0', minutes = '0', seconds = '0', fraction = ''] = match
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined
  const whole = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)
  const ms = whole * 1000 + Math.floor(Number(`0.${fraction || '0'}`) * 1000)
  return minus === undefined ? ms : -ms
}

/** Milliseconds as the REST API writes a time span: `00:05:00`, `1.00:00:00`, `00:00:00.5000000`. */
export function wireTimeSpan(ms: number): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const absolute = Math.abs(Math.round(ms))
  const seconds = Math.floor(absolute / 1000)
  const days = Math.floor(seconds / 86_400)
  const rest = absolute % 1000
  return [
    ms < 0 ? '-' : '',
    days > 0 ? `${days}.` : '',
    `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`,
    rest > 0 ? `.${String(rest).padStart(3, '0')}0000` : '',
  ].join('')
}
