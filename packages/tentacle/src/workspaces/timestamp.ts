/**
 * Writes a time as the files of a workspace have it: UTC with the offset spelled out, a fraction of up to seven digits
 * without trailing zeros (docs/wire/tentacle-scripts.md, "Output.log"). The clock here has three.
 */
export function formatTimestamp(time: Date): string {
  const [seconds = '', fraction = ''] = time.toISOString().slice(0, -1).split('.')
  const digits = fraction.replace(/0+$/, '')
  return `${seconds}${digits === '' ? '' : `.${digits}`}+00:00`
}

/** Reads such a time, rounded down to the millisecond; undefined when it is none. */
export function parseTimestamp(text: string): Date | undefined {
  const time = new Date(text)
  return Number.isNaN(time.getTime()) ? undefined : time
}
