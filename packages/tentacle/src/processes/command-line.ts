import { TentacleError } from '../errors.ts'

/** What Linux takes of one argument, with the zero at its end, and at most of all of them, each with a pointer to it. */
const maxArgumentBytes = 128 * 1024
const maxAllBytes = 2 * 1024 * 1024
const pointerBytes = 8

/**
 * Finds out before anything is started that Linux will not start a program with these arguments (execve(2), "Limits on
 * size of arguments"). A process that handed millions of them on would have no memory left for its other work.
 *
 * @throws TentacleError `ERR_SHELL` for arguments that are too long
 */
export function requireFittingArguments(argv: readonly string[]): void {
  let allBytes = 0
  for (const text of argv) {
    const bytes = Buffer.byteLength(text) + 1
    allBytes += bytes + pointerBytes
    if (bytes <= maxArgumentBytes && allBytes <= maxAllBytes) continue
    throw new TentacleError(
      'ERR_SHELL',
      `Its arguments are too long: one may have up to 128 KiB, all together up to 2 MiB. Put what is in them into a file of the script.`,
      { details: { arguments: argv.length } },
    )
  }
}

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
