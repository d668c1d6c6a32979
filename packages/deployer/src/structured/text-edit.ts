/** One change of a text: `replacement` instead of what stands between `start` and `end`. */
export interface TextEdit {
  readonly start: number
  readonly end: number
  readonly replacement: string
}

/** Makes all changes. One that lies within another is dropped: the outer one replaces it as well. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let result = ''
  let at = 0
  for (const { start, end, replacement } of edits.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (start < at) continue
    result += text.slice(at, start) + replacement
    at = end
  }
  return result + text.slice(at)
}

/** The line break that a text uses most, `\n` for a text without any. */
export function lineBreakOf(text: string): string {
  const all = text.split('\n').length - 1
  const windows = text.split('\r\n').length - 1
  return windows * 2 > all ? '\r\n' : '\n'
}

/** The column of a place: how many characters stand before it on its line. */
export function columnOf(text: string, at: number): number {
  return at - (text.lastIndexOf('\n', at - 1) + 1)
}
