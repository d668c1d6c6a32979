import type { ProcessOutput, ProcessOutputSource } from '@tentacle/contracts'
import { formatTimestamp, parseTimestamp } from '../workspaces/timestamp.ts'

/** A line before it has its place in the log. */
export interface NewEntry {
  readonly source: ProcessOutputSource
  readonly text: string
}

/** Lines of one source, one after another. */
export interface NewLines {
  readonly source: ProcessOutputSource
  readonly lines: readonly string[]
}

/** Every log begins with a byte order mark. */
export const byteOrderMark = Buffer.from('\uFEFF', 'utf8')

const sourceNames = { StdOut: 'stdout', StdErr: 'stderr', Debug: 'debug' } as const
const sources: ReadonlyMap<unknown, ProcessOutputSource> = new Map([
  ['stdout', 'StdOut'],
  ['stderr', 'StdErr'],
  ['debug', 'Debug'],
])

/** Writes entries as `Output.log` has them: JSON arrays with nothing between them. */
export function formatEntries(entries: readonly NewEntry[], occurred: Date): string {
  return entries.map(({ source, text }) => formatLines({ source, lines: [text] }, occurred)).join('')
}

/** The same for many lines at once, which takes a fraction of the time and leaves nothing to the collector. */
export function formatLines({ source, lines }: NewLines, occurred: Date): string {
  if (lines.length === 0) return ''
  const head = `["${sourceNames[source]}","`
  const tail = `","${formatTimestamp(occurred)}"]`
  const texts = lines.some(isSpecial) ? lines.map(escapeText) : lines
  return head + texts.join(tail + head) + tail
}

/** What does not stand for itself: what JSON escapes, and line separators that the original escapes beside it. */
const special = /["\\\p{Cc}\u2028\u2029\p{Cs}]/u

function isSpecial(text: string): boolean {
  return special.test(text)
}

function escapeText(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replace(/[\u0085\u2028\u2029]/g, escapeUnit)
}

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Reads one entry; undefined when it is damaged. */
export function parseEntry(text: string): ProcessOutput | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (!Array.isArray(value)) return undefined
    const [name, line, time]: readonly unknown[] = value
    const source = sources.get(name)
    const occurred = typeof time === 'string' ? timeOf(time) : undefined
    if (source === undefined || typeof line !== 'string' || occurred === undefined) return undefined
    return { source, occurred, text: line }
  } catch {
    return undefined
  }
}

let lastTime: { readonly text: string; readonly time: Date } | undefined

/** Lines that were read together have the same time, so most calls repeat the one before. */
export function timeOf(text: string): Date | undefined {
  if (lastTime?.text === text) return lastTime.time
  const time = parseTimestamp(text)
  if (time !== undefined) lastTime = { text, time }
  return time
}

const quote = 0x22
const backslash = 0x5c
const closingBracket = 0x5d

/**
 * Finds the end of the entry that begins at `start`: the position after its closing bracket, or undefined when the
 * bytes end before it. Brackets and quotes inside of texts do not count.
 */
export function endOfEntry(bytes: Uint8Array, start: number): number | undefined {
  let isText = false
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]
    if (isText && byte === backslash) at++
    else if (byte === quote) isText = !isText
    else if (byte === closingBracket && !isText) return at + 1
  }
  return undefined
}
