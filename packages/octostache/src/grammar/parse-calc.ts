import { isWhitespaceAt, nameCharacter } from './characters.ts'
import type { Cursor } from './cursor.ts'
import type { CalcExpression, CalcOperator } from './nodes.ts'
import { parseSymbol } from './parse-symbol.ts'

/** `term (("+" | "-") term)*`, left to right. */
export function parseSum(cursor: Cursor): CalcExpression | undefined {
  return parseOperations(cursor, ['+', '-'], () =>
    parseOperations(cursor, ['*', '/'], () => parseFactor(cursor)),
  )
}

function parseOperations(
  cursor: Cursor,
  operators: readonly CalcOperator[],
  operand: () => CalcExpression | undefined,
): CalcExpression | undefined {
  let left = operand()
  while (left !== undefined) {
    const start = cursor.position
    cursor.skipWhitespace()
    const operator = operators.find(candidate => cursor.take(candidate))
    if (operator === undefined) {
      cursor.position = start
      return left
    }
    const right = operand()
    if (right === undefined) return undefined
    left = { kind: 'operation', operator, left, right }
  }
  return undefined
}

function parseFactor(cursor: Cursor): CalcExpression | undefined {
  cursor.skipWhitespace()
  return parseGroup(cursor) ?? parseWrapped(cursor) ?? parseNumber(cursor) ?? parseVariable(cursor)
}

function parseGroup(cursor: Cursor): CalcExpression | undefined {
  return cursor.attempt(() => {
    if (!cursor.take('(')) return undefined
    const inner = cursor.nested(() => parseSum(cursor))
    if (inner === undefined) return undefined
    cursor.skipWhitespace()
    return cursor.take(')') ? { kind: 'group', inner } : undefined
  })
}

/** `{name}`: the braces end a name that would otherwise swallow the `-` or `/` after it. */
function parseWrapped(cursor: Cursor): CalcExpression | undefined {
  return cursor.attempt(() => {
    if (!cursor.take('{')) return undefined
    cursor.skipWhitespace()
    const symbol = parseSymbol(cursor)
    if (symbol === undefined) return undefined
    cursor.skipWhitespace()
    return cursor.take('}') ? { kind: 'variable', symbol, wrapped: true } : undefined
  })
}

/** Digits with an optional fraction. `2A` is no number but a name that starts with a digit. */
function parseNumber(cursor: Cursor): CalcExpression | undefined {
  const { text, position: start } = cursor
  let at = digitsEnd(text, start)
  if (at === start) return undefined
  if (text[at] === '.' && digitsEnd(text, at + 1) > at + 1) at = digitsEnd(text, at + 1)
  const isOperator = text[at] === '-' || text[at] === '/'
  if (!isOperator && !isWhitespaceAt(text, at) && nameCharacter(text, at, 'calc') > 0) return undefined
  cursor.position = at
  const source = text.slice(start, at)
  return { kind: 'number', value: Number(source), source }
}

function digitsEnd(text: string, start: number): number {
  let at = start
  while (at < text.length && text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at += 1
  return at
}

function parseVariable(cursor: Cursor): CalcExpression | undefined {
  const symbol = parseSymbol(cursor, { names: 'calc' })
  return symbol === undefined ? undefined : { kind: 'variable', symbol, wrapped: false }
}
