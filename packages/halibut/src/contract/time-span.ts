const pattern = /^(-)?(?:(\d{1,8})\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?$/
const daysPattern = /^(-)?(\d{1,8})$/

const millisecondsPerDay = 86_400_000

/**
 * Writes a length of time the way .NET does: `[-][d.]hh:mm:ss[.fffffff]`.
 *
 * @param milliseconds fractions are kept down to .NET's unit of 100 ns
 */
export function formatTimeSpan(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) throw new TypeError(`${milliseconds} ms is not a length of time.`)
  const sign = milliseconds < 0 ? '-' : ''
  const size = Math.abs(milliseconds)
  const wholeMs = Math.floor(size)
  const hundredNs = Math.round((size - wholeMs) * 10_000)
  // A rounded-up fraction carries into the milliseconds.
  const total = hundredNs === 10_000 ? wholeMs + 1 : wholeMs
  const fraction = (total % 1000) * 10_000 + (hundredNs === 10_000 ? 0 : hundredNs)
  const seconds = Math.floor(total / 1000)
  const days = Math.floor(total / millisecondsPerDay)
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60]
  const text = clock.map(part => String(part).padStart(2, '0')).join(':')
  const head = days === 0 ? '' : `${days}.`
  return `${sign}${head}${text}${fraction === 0 ? '' : `.${String(fraction).padStart(7, '0')}`}`
}

/** Milliseconds of a .NET time span, or undefined for other text. */
export function parseTimeSpan(text: string): number | undefined {
  const onlyDays = daysPattern.exec(text)
  if (onlyDays) return (onlyDays[1] ? -1 : 1) * Number(onlyDays[2]) * millisecondsPerDay
  const match = pattern.exec(text)
  if (!match) return undefined
  const [, sign, days = '0', hours, minutes, seconds = '0', fraction = ''] = match
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined
  const wholeSeconds = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)
  const milliseconds = wholeSeconds * 1000 + Number(fraction.padEnd(7, '0')) / 10_000
  return sign ? -milliseconds : milliseconds
}
