import { toError } from '../errors.ts'
import { type JsonNode, parseJson } from './json-document.ts'
import { NotThisFormatError, type ReplacementResult, type ReplacementSource } from './replacement.ts'
import { applyEdits, columnOf, lineBreakOf, type TextEdit } from './text-edit.ts'

/**
 * Replaces values in a JSON text and leaves every other character as it is: comments, order, spacing, numbers
 * (docs/wire/deployment.md, section 11). Paths are keys and indexes with `:` between them, without regard to case.
 *
 * Throws {@link NotThisFormatError} for text that is no JSON.
 */
export function replaceInJson(text: string, source: ReplacementSource): ReplacementResult {
  const nodes = new Map<string, JsonNode>()
  collect(parse(text), '', nodes)
  const edits: TextEdit[] = []
  for (const [path, node] of nodes) {
    const value = source.valueFor(path)
    if (value === undefined) continue
    const replacement = replacementFor(node, value, text)
    if (replacement === undefined)
      source.warn(
        `The value for ${path} is no JSON, but an object or a list is replaced by it; it is left as it is.`,
      )
    else edits.push({ start: node.start, end: node.end, replacement })
  }
  return { text: applyEdits(text, edits), count: edits.length }
}

function parse(text: string): JsonNode {
  try {
    return parseJson(text)
  } catch (error) {
    throw new NotThisFormatError(`it is no JSON (${toError(error).message})`, { cause: error })
  }
}

/** When two places have the same path, as a key with a colon in it may have, the last one counts. */
function collect(node: JsonNode, path: string, nodes: Map<string, JsonNode>): void {
  if (path !== '') nodes.set(path, node)
  const below = (key: string) => (path === '' ? key : `${path}:${key}`).toLowerCase()
  if (node.kind === 'object') for (const { key, value } of node.members) collect(value, below(key), nodes)
  if (node.kind === 'array')
    for (const [index, item] of node.items.entries()) collect(item, below(String(index)), nodes)
}

/** A value in the kind of the one it replaces where it can be one; `undefined` when it cannot take its place. */
function replacementFor(node: JsonNode, value: string, text: string): string | undefined {
  switch (node.kind) {
    case 'number':
      return numberText(value) ?? JSON.stringify(value)
    case 'boolean':
      return /^\s*(?:true|false)\s*$/i.test(value) ? value.trim().toLowerCase() : JSON.stringify(value)
    case 'string':
    case 'null':
      return JSON.stringify(value)
    case 'object':
    case 'array':
      return layOut(value, node, text)
  }
}

/** A number as JSON writes it; long whole numbers keep all of their digits. */
function numberText(value: string): string | undefined {
  const text = value.trim().replace(/^\+/, '')
  if (/^-?\d+$/.test(text)) return BigInt(text).toString()
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[-+]?\d+)?$/i.test(text)) return text
  return /^-?\d*\.?\d+(?:e[-+]?\d+)?$/i.test(text) && Number.isFinite(Number(text))
    ? JSON.stringify(Number(text))
    : undefined
}

function layOut(value: string, node: JsonNode, text: string): string | undefined {
  let parsed: JsonNode
  try {
    parsed = parseJson(value)
  } catch {
    return undefined
  }
  if (!text.slice(node.start, node.end).includes('\n')) return write(parsed, value, undefined)
  const lineStart = node.start - columnOf(text, node.start)
  const margin = /^[ \t]*/.exec(text.slice(lineStart, node.start))?.[0] ?? ''
  const unit = /\n([ \t]+)\S/.exec(text)?.[1] ?? '  '
  return write(parsed, value, { lineBreak: lineBreakOf(text), margin, unit })
}

interface Layout {
  readonly lineBreak: string
  readonly margin: string
  readonly unit: string
}

function write(node: JsonNode, source: string, layout: Layout | undefined): string {
  if (node.kind === 'string') return JSON.stringify(node.value)
  if (node.kind !== 'object' && node.kind !== 'array') return source.slice(node.start, node.end)
  const inner = layout === undefined ? undefined : { ...layout, margin: layout.margin + layout.unit }
  const colon = layout === undefined ? ':' : ': '
  const parts =
    node.kind === 'object'
      ? node.members.map(({ key, value }) => `${JSON.stringify(key)}${colon}${write(value, source, inner)}`)
      : node.items.map(item => write(item, source, inner))
  const [open, close] = node.kind === 'object' ? ['{', '}'] : ['[', ']']
  if (parts.length === 0 || layout === undefined || inner === undefined) return open + parts.join(',') + close
  const separator = `,${layout.lineBreak}${inner.margin}`
  return `${open}${layout.lineBreak}${inner.margin}${parts.join(separator)}${layout.lineBreak}${layout.margin}${close}`
}
