import { isWhitespaceAt, nameCharacter, whitespaceEnd } from './characters.ts'
import type { Cursor } from './cursor.ts'
import type { SymbolExpression, SymbolStep } from './nodes.ts'

export interface SymbolRules {
  /** Names in calculations leave parentheses to the calculation. */
  readonly names?: 'name' | 'calc'
  /** Whether `[#{other}]` is an index that is looked up; in the name of a variable it is plain text. */
  readonly lookUpIndexes?: boolean
}

/** `name ( "." name | "[" index "]" )*` (docs/wire/octostache.md, section 1). */
export function parseSymbol(cursor: Cursor, rules: SymbolRules = {}): SymbolExpression | undefined {
  const first = parseName(cursor, rules.names)
  if (first === undefined) return undefined
  const steps: SymbolStep[] = [{ kind: 'name', name: first }]
  for (;;) {
    const step = parseTrailingStep(cursor, rules)
    if (step === undefined) return { kind: 'symbol', steps }
    steps.push(step)
  }
}

/**
 * One name. Blanks may stand inside it; those before `|`, before `}` and before the word `in` end it, and those at its
 * ends are dropped.
 */
export function parseName(cursor: Cursor, kind: 'name' | 'calc' = 'name'): string | undefined {
  const { text, position: start } = cursor
  let at = start
  while (at < text.length) {
    if (isWhitespaceAt(text, at)) {
      const end = whitespaceEnd(text, at)
      if (end >= text.length || text[end] === '|' || text[end] === '}' || isWordIn(text, end)) break
      at = end
      continue
    }
    const width = nameCharacter(text, at, kind)
    if (width === 0) break
    at += width
  }
  const name = text.slice(start, at).trim()
  cursor.furthest = Math.max(cursor.furthest, at)
  if (name === '') return undefined
  cursor.position = at
  return name
}

/** A word without blanks: the name of a filter, or an option that needs no quotes. */
export function parseWord(cursor: Cursor): string | undefined {
  const start = cursor.position
  let at = start
  for (;;) {
    const width = nameCharacter(cursor.text, at)
    if (width === 0) break
    at += width
  }
  if (at === start) return undefined
  cursor.position = at
  return cursor.text.slice(start, at)
}

function isWordIn(text: string, at: number): boolean {
  return text.slice(at, at + 2).toLowerCase() === 'in' && isWhitespaceAt(text, at + 2)
}

function parseTrailingStep(cursor: Cursor, rules: SymbolRules): SymbolStep | undefined {
  if (cursor.peek() === '[') return parseIndex(cursor, rules)
  return cursor.attempt(() => {
    if (!cursor.take('.')) return undefined
    const name = parseName(cursor, rules.names)
    return name === undefined ? undefined : { kind: 'name', name }
  })
}

function parseIndex(cursor: Cursor, rules: SymbolRules): SymbolStep | undefined {
  if (rules.lookUpIndexes !== false) {
    const looked = cursor.nested(() => cursor.attempt(() => parseLookedUpIndex(cursor)))
    if (looked !== undefined) return looked
  }
  const close = cursor.closingBracket(cursor.position)
  if (close === undefined) return undefined
  const index = cursor.text.slice(cursor.position + 1, close).trimStart()
  cursor.position = close + 1
  return { kind: 'index', index }
}

function parseLookedUpIndex(cursor: Cursor): SymbolStep | undefined {
  if (!cursor.take('[')) return undefined
  cursor.skipWhitespace()
  if (!cursor.take('#{')) return undefined
  cursor.skipWhitespace()
  const symbol = parseSymbol(cursor)
  if (symbol === undefined) return undefined
  cursor.skipWhitespace()
  if (!cursor.take('}')) return undefined
  cursor.skipWhitespace()
  return cursor.take(']') ? { kind: 'index-symbol', symbol } : undefined
}
