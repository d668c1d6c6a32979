const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/**
 * Says how long ago a moment was. Both times are milliseconds since 1970. A moment less than a minute ahead is "just
 * now", because the server's clock may be a little ahead of the browser's; further ahead or longer ago it is the date.
 */
export function formatAge(moment: number, now: number): string {
  const span = now - moment
  if (span < -minute || span >= 14 * day) return formatDate(moment)
  if (span < 10 * second) return 'just now'
  if (span < minute) return `${Math.floor(span / second)} s ago`
  if (span < hour) return `${Math.floor(span / minute)} min ago`
  if (span < day) return `${Math.floor(span / hour)} h ago`
  return `${Math.floor(span / day)} d ago`
}

/** The local day, such as 2026-11-23. */
export function formatDate(moment: number): string {
  const date = new Date(moment)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** The local time of day with seconds, such as 10:04:09. */
export function formatTime(moment: number): string {
  const date = new Date(moment)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** Day and time for places where the exact moment matters, such as a tooltip. */
export function formatMoment(moment: number): string {
  return `${formatDate(moment)} ${formatTime(moment)}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
