const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** Says how long something took or has been going on. `milliseconds` below zero (clocks that differ) count as zero. */
export function formatDuration(milliseconds: number): string {
  const span = Math.max(0, milliseconds)
  if (span < 10 * second) return `${(Math.floor(span / 100) / 10).toFixed(1)} s`
  if (span < minute) return `${Math.floor(span / second)} s`
  if (span < hour) return `${Math.floor(span / minute)} min ${two((span % minute) / second)} s`
  if (span < day) return `${Math.floor(span / hour)} h ${two((span % hour) / minute)} min`
  return `${Math.floor(span / day)} d ${Math.floor((span % day) / hour)} h`
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, '0')
}
