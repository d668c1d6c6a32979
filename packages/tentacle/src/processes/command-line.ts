/**
 * Splits the arguments of a script. Callers send them as they would stand on a command line, joined by blanks, and
 * quote what has blanks in it (docs/wire/tentacle-scripts.md, "Arguments"):
 *
 * - blanks and tabs separate, except inside double quotes; single quotes and `$` mean nothing;
 * - `\"` is a quote; backslashes before a quote are halved, others are kept;
 * - inside quotes `""` is a quote.
 */
export function splitArguments(argumentTexts: readonly string[]): string[] {
  const line = argumentTexts.join(' ')
  const found: string[] = []
  let at = 0
  for (;;) {
    while (isBlank(line[at])) at++
    if (at >= line.length) return found
    const next = readArgument(line, at)
    found.push(next.text)
    at = next.end
  }
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

function readArgument(line: string, start: number): { readonly text: string; readonly end: number } {
  let text = ''
  let inQuotes = false
  let at = start
  while (at < line.length && (inQuotes || !isBlank(line[at]))) {
    const backslashes = countBackslashes(line, at)
    at += backslashes
    if (backslashes > 0 && line[at] !== '"') {
      text += '\\'.repeat(backslashes)
      continue
    }
    text += '\\'.repeat(backslashes >> 1)
    if (backslashes % 2 === 1) {
      text += '"'
      at++
    } else if (line[at] === '"') {
      const isDoubled = inQuotes && line[at + 1] === '"'
      if (isDoubled) text += '"'
      else inQuotes = !inQuotes
      at += isDoubled ? 2 : 1
    } else {
      text += line[at] ?? ''
      at++
    }
  }
  return { text, end: at }
}

function countBackslashes(line: string, start: number): number {
  let count = 0
  while (line[start + count] === '\\') count++
  return count
}
