/** Milliseconds of `[d.]hh:mm[:ss[.fffffff]]` or of whole days; undefined for anything else, 0 included. */
export function timeSpanOf(text: string | undefined): number | undefined {
  const match = /^(?:(\d{1,8})\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?$|^(\d{1,8})$/.exec(
    text?.trim() ?? '',
  )
  if (match === null) return undefined
  const [, days = '0', hours = '0', minutes = '0', seconds = '0', fraction = '', onlyDays = days] = match
  const wholeSeconds = ((Number(onlyDays) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)
  return wholeSeconds * 1000 + Number(`0.${fraction || 0}`) * 1000 || undefined
}
