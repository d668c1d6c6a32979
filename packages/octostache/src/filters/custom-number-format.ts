import { type Decimal, groupDigits, roundDecimal, shiftDecimal } from './decimal.ts'

/** One piece of a custom format: a place for a digit, the point, or text that is copied. */
type Piece = { readonly kind: 'zero' | 'digit' | 'point' } | { readonly kind: 'text'; readonly text: string }

/**
 * A custom .NET number format: `0` and `#` places, `.`, `,` between places for groups and before the point for
 * thousands, `%`, `‰`, quoted and escaped text, `;` between the sections for positive, negative and zero. Formats with
 * an exponent are not known and answer `undefined`.
 */
export function customNumber(value: Decimal, format: string): string | undefined {
  const sections = splitSections(format)
  const [positive = '', negative, zero] = sections
  const isZero = !/[1-9]/.test(value.whole + value.fraction)
  if (isZero && zero !== undefined && zero !== '') return section({ ...value, negative: false }, zero)
  if (value.negative && negative !== undefined && negative !== '')
    return section({ ...value, negative: false }, negative)
  return section(value, positive)
}

function splitSections(format: string): string[] {
  const sections = ['']
  forEachUnit(format, (unit, isLiteral) => {
    if (unit === ';' && !isLiteral) sections.push('')
    else sections[sections.length - 1] += isLiteral && unit.length === 1 ? `\\${unit}` : unit
  })
  return sections
}

/** Walks over a format; quoted and escaped characters come one by one as literals. */
function forEachUnit(format: string, visit: (unit: string, isLiteral: boolean) => void): void {
  let quote = ''
  for (let at = 0; at < format.length; at += 1) {
    const unit = format[at] ?? ''
    if (quote !== '') {
      if (unit === quote) quote = ''
      else visit(unit, true)
    } else if (unit === '"' || unit === "'") quote = unit
    else if (unit === '\\') {
      at += 1
      if (at < format.length) visit(format[at] ?? '', true)
    } else visit(unit, false)
  }
}

function section(value: Decimal, format: string): string | undefined {
  if (/[eE][-+]?0/.test(format)) return undefined
  const { pieces, scale, isGrouped } = readSection(format)
  const point = pieces.findIndex(piece => piece.kind === 'point')
  const before = point < 0 ? pieces : pieces.slice(0, point)
  const after = point < 0 ? [] : pieces.slice(point + 1)
  const places = after.filter(piece => piece.kind === 'zero' || piece.kind === 'digit').length
  const rounded = roundDecimal(shiftDecimal(value, scale), places)
  const fraction = fillFraction(after, rounded.fraction)
  const separator = fraction.hasDigits ? '.' : ''
  return `${rounded.negative ? '-' : ''}${fillWhole(before, rounded.whole, isGrouped)}${separator}${fraction.text}`
}

function readSection(format: string): { pieces: Piece[]; scale: number; isGrouped: boolean } {
  const pieces: Piece[] = []
  let scale = 0
  let isGrouped = false
  let commas = 0
  forEachUnit(format, (unit, isLiteral) => {
    const isPlace = !isLiteral && (unit === '0' || unit === '#')
    if (isPlace && commas > 0 && !pieces.some(piece => piece.kind === 'point')) isGrouped = true
    if (!isLiteral && unit === ',') {
      if (pieces.some(piece => piece.kind !== 'text')) commas += 1
      return
    }
    if (!isPlace && commas > 0) scale -= 3 * commas
    commas = 0
    if (isPlace) pieces.push({ kind: unit === '0' ? 'zero' : 'digit' })
    else if (!isLiteral && unit === '.')
      pieces.push(
        pieces.some(piece => piece.kind === 'point') ? { kind: 'text', text: '' } : { kind: 'point' },
      )
    else {
      if (!isLiteral && unit === '%') scale += 2
      if (!isLiteral && unit === '‰') scale += 3
      pieces.push({ kind: 'text', text: unit })
    }
  })
  if (commas > 0) scale -= 3 * commas
  return { pieces, scale, isGrouped }
}

/** Fills the places before the point from the right; digits beyond the places go to the first one. */
function fillWhole(pieces: readonly Piece[], digits: string, isGrouped: boolean): string {
  const places = pieces.filter(piece => piece.kind === 'zero' || piece.kind === 'digit')
  const firstZero = places.findIndex(piece => piece.kind === 'zero')
  const needed = firstZero < 0 ? 0 : places.length - firstZero
  const padded = digits.padStart(needed, '0')
  const grouped = isGrouped ? groupDigits(padded) : padded
  let text = ''
  let left = places.length
  let rest = grouped
  for (const piece of pieces) {
    if (piece.kind === 'text') text += piece.text
    if (piece.kind !== 'zero' && piece.kind !== 'digit') continue
    left -= 1
    const cut = rest.length - endWithDigits(rest, left)
    if (cut > 0) {
      text += rest.slice(0, cut)
      rest = rest.slice(cut)
    }
  }
  return places.length === 0 ? text + (digits === '' ? '' : grouped) : text
}

/** How long the end of `text` is that holds `count` digits, with the comma before them left out. */
function endWithDigits(text: string, count: number): number {
  let length = 0
  let digits = 0
  while (length < text.length && digits < count) {
    length += 1
    if (text[text.length - length] !== ',') digits += 1
  }
  return length
}

function fillFraction(pieces: readonly Piece[], digits: string): { text: string; hasDigits: boolean } {
  const places = pieces.filter(piece => piece.kind !== 'text')
  const lastZero = places.findLastIndex(piece => piece.kind === 'zero')
  const shown = Math.max(lastZero + 1, digits.replace(/0+$/, '').length)
  let text = ''
  let at = 0
  for (const piece of pieces) {
    if (piece.kind === 'text') text += piece.text
    else {
      if (at < shown) text += digits[at] ?? '0'
      at += 1
    }
  }
  return { text, hasDigits: shown > 0 }
}
