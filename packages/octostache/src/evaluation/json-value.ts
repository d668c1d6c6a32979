import { formatDouble } from '../filters/dotnet-double.ts'

/** What a variable's text is when it is read as a JSON document. Numbers keep the text they were written with. */
export type JsonValue = string | boolean | null | JsonNumber | JsonValue[] | JsonObject
export type JsonObject = Map<string, JsonValue>

export class JsonNumber {
  readonly source: string

  constructor(source: string) {
    this.source = source
  }

  /** Whole numbers as they are written, of any length; others as a double is printed. */
  get text(): string {
    return /^-?\d+$/.test(this.source) ? this.source : formatDouble(Number(this.source))
  }
}

/** The document, when the text is a JSON object or array; a bare scalar has no members and counts as plain text. */
export function parseJsonDocument(text: string): JsonValue[] | JsonObject | undefined {
  if (!/^\s*[[{]/.test(text) || isTooDeep(text)) return undefined
  try {
    const parsed: unknown = JSON.parse(
      text,
      (_key, value: unknown, context?: { readonly source?: string }) =>
        typeof value === 'number' ? new JsonNumber(context?.source ?? String(value)) : fromObject(value),
    )
    return Array.isArray(parsed) || parsed instanceof Map ? parsed : undefined
  } catch {
    return undefined // Text that is no JSON is an ordinary value.
  }
}

/** Reading and printing recurse, so text that opens hundreds of brackets is taken for plain text. */
function isTooDeep(text: string): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x5b || code === 0x7b) depth += 1
    else if (code === 0x5d || code === 0x7d) depth -= 1
    if (depth > 500) return true
  }
  return false
}

function fromObject(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof JsonNumber)
    return value
  return value instanceof Map ? value : new Map(Object.entries(value))
}

/** How a part of a document looks as text: strings bare, booleans capitalised, null empty, the rest compact JSON. */
export function jsonText(value: JsonValue): string {
  if (value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (value instanceof JsonNumber) return value.text
  return compactJson(value)
}

function compactJson(value: JsonValue): string {
  if (value instanceof JsonNumber) return value.text
  if (Array.isArray(value)) return `[${value.map(compactJson).join(',')}]`
  if (value instanceof Map) {
    const members = [...value].map(([key, member]) => `${JSON.stringify(key)}:${compactJson(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value)
}

/**
 * Follows steps into a document. A member that is missing is empty text, as is anything below it; a scalar has no
 * members (docs/wire/octostache.md, section 3).
 */
export function jsonMember(document: JsonValue[] | JsonObject, steps: readonly string[]): string | undefined {
  let value: JsonValue = document
  for (const step of steps) {
    const container: JsonValue[] | JsonObject | undefined =
      typeof value === 'string'
        ? parseJsonDocument(value)
        : Array.isArray(value) || value instanceof Map
          ? value
          : undefined
    if (container === undefined) return undefined
    const member: JsonValue | undefined = Array.isArray(container)
      ? /^\d+$/.test(step)
        ? container[Number(step)]
        : undefined
      : container.get(step)
    if (member === undefined) return ''
    value = member
  }
  return jsonText(value)
}
