import type { Cursor } from './cursor.ts'
import type { Expression, Operand, TemplateNode, Test, TextNode } from './nodes.ts'
import { parseSymbol, parseWord } from './parse-symbol.ts'

/** Reads one tag (`#{...}` or a whole block) at the cursor. Given by the parser of templates, which needs expressions. */
export type TagRule = (cursor: Cursor) => TemplateNode | undefined

/** A symbol, or a chain of filters with or without a symbol before it. */
export function parseExpression(cursor: Cursor, tag: TagRule): Expression | undefined {
  return cursor.attempt(() => {
    cursor.skipWhitespace()
    let expression: Expression | undefined = parseSymbol(cursor)
    const afterSymbol = cursor.position
    cursor.skipWhitespace()
    if (cursor.peek() !== '|') {
      cursor.position = afterSymbol
      return expression
    }
    while (cursor.take('|')) {
      cursor.skipWhitespace()
      const name = parseWord(cursor)
      if (name === undefined) return undefined
      expression = { kind: 'filter', input: expression, name, options: parseOptions(cursor, tag) }
    }
    return expression
  })
}

/** What `if` and `unless` ask: one expression, or two sides compared with `==` or `!=`. */
export function parseTest(cursor: Cursor, tag: TagRule): Test | undefined {
  return cursor.attempt(() => {
    const quoted = parseQuoted(cursor)
    const left: Operand | undefined = quoted ?? parseExpression(cursor, tag)
    if (left === undefined) return undefined
    cursor.skipWhitespace()
    const equal = cursor.take('==') ? true : cursor.take('!=') ? false : undefined
    if (equal === undefined) return left.kind === 'text' ? undefined : { kind: 'truthy', expression: left }
    cursor.skipWhitespace()
    // Two quoted strings have no place in the grammar: one side is always looked up.
    const right = (quoted === undefined ? parseQuoted(cursor) : undefined) ?? parseExpression(cursor, tag)
    if (right === undefined) return undefined
    cursor.skipWhitespace()
    return { kind: 'compare', left, equal, right }
  })
}

function parseOptions(cursor: Cursor, tag: TagRule): TemplateNode[] {
  const options: TemplateNode[] = []
  for (;;) {
    cursor.skipWhitespace()
    const option = parseOption(cursor, tag)
    if (option === undefined) return options
    options.push(option)
  }
}

function parseOption(cursor: Cursor, tag: TagRule): TemplateNode | undefined {
  if (cursor.peek() === '#') return cursor.once(() => cursor.nested(() => tag(cursor)))
  const quoted = parseQuoted(cursor)
  if (quoted !== undefined) return quoted
  const word = parseWord(cursor)
  return word === undefined ? undefined : { kind: 'text', text: word }
}

/** `"text"` without quotes and `#` in it, or `\"text\"`, which ends at the next `\"`. */
function parseQuoted(cursor: Cursor): TextNode | undefined {
  const { text, position } = cursor
  if (text.startsWith('\\"', position)) {
    const close = text.indexOf('\\"', position + 2)
    if (close < 0) return undefined
    cursor.position = close + 2
    return { kind: 'text', text: text.slice(position + 2, close) }
  }
  if (text[position] !== '"') return undefined
  for (let at = position + 1; at < text.length; at += 1) {
    if (text[at] === '#') return undefined
    if (text[at] !== '"') continue
    cursor.position = at + 1
    return { kind: 'text', text: text.slice(position + 1, at) }
  }
  return undefined
}
