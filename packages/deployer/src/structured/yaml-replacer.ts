import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  parseAllDocuments,
  parseDocument,
  type Scalar,
} from 'yaml'
import { NotThisFormatError, type ReplacementResult, type ReplacementSource } from './replacement.ts'
import { applyEdits, columnOf, lineBreakOf, type TextEdit } from './text-edit.ts'

interface Place {
  readonly node: Node
  readonly isInFlow: boolean
}

/**
 * Replaces values in a YAML text and leaves every other character as it is: comments, blank lines, indentation, quoting
 * style (docs/wire/deployment.md, section 11). All documents of the text and all keys of the same path are changed.
 *
 * Throws {@link NotThisFormatError} for text that is no YAML.
 */
export function replaceInYaml(text: string, source: ReplacementSource): ReplacementResult {
  const places = new Map<string, Place[]>()
  for (const document of documentsOf(text)) {
    if (isNode(document.contents)) collect(document.contents, '', { isInFlow: false, places })
  }
  const edits: TextEdit[] = []
  for (const [path, found] of places) {
    const value = source.valueFor(path)
    if (value === undefined) continue
    for (const place of found) {
      const edit = editFor(place, value, text)
      if (edit === undefined)
        source.warn(
          `The value for ${path} is no YAML, but a mapping or a list is replaced by it; it is left as it is.`,
        )
      else edits.push(edit)
    }
  }
  return { text: applyEdits(text, edits), count: edits.length }
}

function documentsOf(text: string): readonly Document[] {
  const documents = parseAllDocuments(text, { uniqueKeys: false, logLevel: 'silent' })
  const list = 'empty' in documents ? [] : documents
  for (const { errors } of list) {
    const [error] = errors
    if (error !== undefined)
      throw new NotThisFormatError(`it is no YAML (${error.message.split('\n')[0] ?? error.code})`)
  }
  return list
}

function collect(
  node: Node,
  path: string,
  context: { isInFlow: boolean; places: Map<string, Place[]> },
): void {
  const { isInFlow, places } = context
  if (path !== '') places.set(path, [...(places.get(path) ?? []), { node, isInFlow }])
  const below = (key: string, value: unknown) => {
    const inner = { places, isInFlow: isInFlow || ((isMap(node) || isSeq(node)) && node.flow === true) }
    if (isNode(value)) collect(value, (path === '' ? key : `${path}:${key}`).toLowerCase(), inner)
  }
  if (isMap(node))
    for (const { key, value } of node.items) below(isScalar(key) ? String(key.value ?? '') : '', value)
  if (isSeq(node)) for (const [index, item] of node.items.entries()) below(String(index), item)
}

function editFor({ node, isInFlow }: Place, value: string, text: string): TextEdit | undefined {
  const [start, end] = node.range ?? [0, 0]
  if (isScalar(node)) return scalarEdit(node, value, { text, start, end, isInFlow })
  if (!isMap(node) && !isSeq(node)) return { start, end, replacement: plainOrQuoted(value, isInFlow) }
  return collectionEdit(value, { text, start, end, isFlow: isInFlow || node.flow === true })
}

interface Range {
  readonly text: string
  readonly start: number
  readonly end: number
}

function scalarEdit(node: Scalar, value: string, range: Range & { readonly isInFlow: boolean }): TextEdit {
  const { text, start, end, isInFlow } = range
  switch (node.type) {
    case 'QUOTE_SINGLE':
      return { start, end, replacement: singleQuoted(value) }
    case 'QUOTE_DOUBLE':
      return { start, end, replacement: JSON.stringify(value) }
    case 'BLOCK_LITERAL':
    case 'BLOCK_FOLDED':
      return {
        start,
        end,
        replacement: blockLiteral(value, range) ?? JSON.stringify(value) + lineBreakOf(text),
      }
    default: {
      // A key without a value ends in its colon, which needs a blank before a value.
      const gap = start === end && /[:\-?]/.test(text[start - 1] ?? '') ? ' ' : ''
      return { start, end, replacement: gap + plainOrQuoted(value, isInFlow) }
    }
  }
}

function plainOrQuoted(value: string, isInFlow: boolean): string {
  return isPlain(value, isInFlow) ? value : singleQuoted(value)
}

/** Whether a value comes back as it is when it stands there without quotes. */
function isPlain(value: string, isInFlow: boolean): boolean {
  if (value === '' || /[\r\n]/.test(value)) return false
  const document = parseDocument(isInFlow ? `[${value}]` : `- ${value}\n`, { logLevel: 'silent' })
  const { contents } = document
  if (document.errors.length > 0 || !isSeq(contents) || contents.items.length !== 1) return false
  const [item] = contents.items
  return isScalar(item) && item.type === 'PLAIN' && item.source === value
}

/** Single quotes cannot hold line breaks without folding them, so such a value takes double quotes. */
function singleQuoted(value: string): string {
  return /[\p{Cc}\u2028\u2029]/u.test(value) ? JSON.stringify(value) : `'${value.replaceAll("'", "''")}'`
}

/** The value as a block, indented like the one it replaces; `undefined` where that would not come back the same. */
function blockLiteral(value: string, { text, start, end }: Range): string | undefined {
  const indent = /\n([ ]+)\S/.exec(text.slice(start, end))?.[1]
  if (indent === undefined || /^\s/.test(value) || /[^\P{Cc}\t\n]/u.test(value) || value === '')
    return undefined
  const chomping = value.endsWith('\n\n') ? '+' : value.endsWith('\n') ? '' : '-'
  const lines = (value.endsWith('\n') ? value.slice(0, -1) : value).split('\n')
  const lineBreak = lineBreakOf(text)
  return `|${chomping}${lineBreak}${lines.map(line => (line === '' ? '' : indent + line)).join(lineBreak)}${lineBreak}`
}

function collectionEdit(value: string, range: Range & { readonly isFlow: boolean }): TextEdit | undefined {
  const { text, start, end, isFlow } = range
  const fragment = parseDocument(value, { logLevel: 'silent' })
  if (fragment.errors.length > 0) return undefined
  const { contents } = fragment
  const lineBreak = lineBreakOf(text)
  const isBlock = (isMap(contents) || isSeq(contents)) && contents.flow !== true
  if (isFlow) {
    const isOneLine = !isBlock && !/[\r\n#]/.test(value.trim())
    return { start, end, replacement: isOneLine ? value.trim() : JSON.stringify(fragment.toJS()) }
  }
  const endsLine = text.slice(start, end).endsWith('\n') ? lineBreak : ''
  if (isBlock) {
    const margin = lineBreak + ' '.repeat(columnOf(text, start))
    const lines = value.replace(/\s+$/, '').split(/\r?\n/)
    return { start, end, replacement: lines.join(margin) + endsLine }
  }
  // What fits on one line moves up behind its key, unless a comment stands there.
  const before = text.slice(0, start)
  const key = before.replace(/\s+$/, '')
  const isOnOwnLine = /\n[ ]*$/.test(before) && !/#[^\n]*$/.test(key)
  const inline = isScalar(contents) ? plainOrQuoted(value.trim(), false) : value.trim()
  return isOnOwnLine
    ? { start: key.length, end, replacement: ` ${inline}${endsLine}` }
    : { start, end, replacement: inline + endsLine }
}
