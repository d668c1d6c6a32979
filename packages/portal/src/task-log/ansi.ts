import Anser from 'anser'

/** A stretch of text in one look. */
export interface Span {
  readonly text: string
  /** `red`, `bright-green` and so on, for which the style sheet has a colour in both schemes. */
  readonly color: string | undefined
  readonly background: string | undefined
  /** A colour of the 256 or of the 16 million, as `r, g, b`. */
  readonly exactColor: string | undefined
  readonly exactBackground: string | undefined
  readonly bold: boolean
  readonly dim: boolean
  readonly italic: boolean
  readonly underline: boolean
}

/** Characters of one line that are shown; a page is no place for a line of a megabyte. */
export const longestShownLine = 20_000

const escapeCharacter = '\u001b'
// Everything that steers a terminal other than by colour: cursor moves, titles, links, single-letter commands.
const otherControls =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b\[[0-9;?<=>!]*[ -/]*[@-ln-~]|\u001b[@-Z\\^_=>]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const colours = /\u001b\[[0-9;:]*m/g
const tabStop = 8

/** Splits a line at its ANSI colour codes and leaves the other control sequences out. */
export function toSpans(line: string): readonly Span[] {
  const shown = cut(expandTabs(line))
  if (!shown.includes(escapeCharacter)) return [plainSpan(shown)]
  const parts = Anser.ansiToJson(shown.replace(otherControls, ''), { use_classes: true, remove_empty: true })
  return parts.map(part => ({
    text: part.content,
    color: named(part.fg),
    background: named(part.bg),
    exactColor: exact(part.fg, part.fg_truecolor),
    exactBackground: exact(part.bg, part.bg_truecolor),
    bold: part.decorations.includes('bold'),
    dim: part.decorations.includes('dim'),
    italic: part.decorations.includes('italic'),
    underline: part.decorations.includes('underline'),
  }))
}

/** How many columns of a fixed-width font a line takes. */
export function columnsOf(line: string): number {
  const text = expandTabs(line).replace(otherControls, '').replace(colours, '')
  if (isNarrow(text)) return Math.min(text.length, longestShownLine)
  let columns = 0
  for (const character of text) columns += isWide(character) ? 2 : 1
  return Math.min(columns, longestShownLine)
}

function plainSpan(text: string): Span {
  return {
    text,
    color: undefined,
    background: undefined,
    exactColor: undefined,
    exactBackground: undefined,
    bold: false,
    dim: false,
    italic: false,
    underline: false,
  }
}

function cut(line: string): string {
  return line.length > longestShownLine ? `${line.slice(0, longestShownLine)} …` : line
}

function expandTabs(line: string): string {
  if (!line.includes('\t')) return line
  let column = 0
  let expanded = ''
  for (const [index, part] of line.split('\t').entries()) {
    if (index > 0) {
      const blanks = tabStop - (column % tabStop)
      expanded += ' '.repeat(blanks)
      column += blanks
    }
    expanded += part
    column += part.replace(otherControls, '').replace(colours, '').length
  }
  return expanded
}

/** `ansi-bright-red` is `bright-red`; the two classes that stand for exact colours are none. */
function named(name: string | null): string | undefined {
  if (!name || name === 'ansi-truecolor' || name.startsWith('ansi-palette')) return undefined
  return name.replace('ansi-', '')
}

function exact(name: string | null, truecolor: string | null): string | undefined {
  if (!name) return undefined
  if (name === 'ansi-truecolor') return truecolor ?? undefined
  const palette = /^ansi-palette-(\d+)$/.exec(name)
  return palette ? paletteColor(Number(palette[1])) : undefined
}

/** The 256-colour palette: 16 named ones, a cube of 6 × 6 × 6, and 24 greys. */
function paletteColor(index: number): string | undefined {
  if (index >= 232)
    return Array(3)
      .fill(8 + (index - 232) * 10)
      .join(', ')
  if (index < 16) return undefined
  const steps = [0, 95, 135, 175, 215, 255]
  const cube = index - 16
  return [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(step => steps[step]).join(', ')
}

function isNarrow(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole range below the wide characters
  return /^[\u0000-\u10ff]*$/.test(text)
}

function isWide(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  )
}
