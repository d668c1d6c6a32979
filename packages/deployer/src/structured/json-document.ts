/** A value of a JSON text and where it stands in it. */
export type JsonNode =
  | {
      readonly kind: 'object'
      readonly start: number
      readonly end: number
      readonly members: readonly JsonMember[]
    }
  | {
      readonly kind: 'array'
      readonly start: number
      readonly end: number
      readonly items: readonly JsonNode[]
    }
  | { readonly kind: 'string'; readonly start: number; readonly end: number; readonly value: string }
  | { readonly kind: 'number' | 'boolean' | 'null'; readonly start: number; readonly end: number }

export interface JsonMember {
  readonly key: string
  readonly value: JsonNode
}

/** Text that is no JSON; `offset` is where that shows. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError'
  readonly offset: number

  constructor(message: string, offset: number) {
    super(`${message} at offset ${offset}`)
    this.offset = offset
  }
}

const maxDepth = 200
const numberText = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y
const wordText = /[A-Za-z_$][\w$]*/y
const space = /(?:\s|\/\/[^\n]*|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)*/y
const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '\n': '' }

/**
 * Reads JSON the way configuration files are written: comments, single quotes, bare keys and commas before a closing
 * bracket are accepted. Throws {@link JsonSyntaxError}.
 */
export function parseJson(text: string): JsonNode {
  return new JsonReader(text).document()
}

class JsonReader {
  private readonly text: string
  private at = 0
  private depth = 0

  constructor(text: string) {
    this.text = text
  }

  document(): JsonNode {
    this.skipSpace()
    const node = this.value()
    this.skipSpace()
    if (this.at < this.text.length) throw this.unexpected()
    return node
  }

  private value(): JsonNode {
    const start = this.at
    const character = this.text[start]
    if (character === '{' || character === '[') {
      this.depth += 1
      if (this.depth > maxDepth) throw new JsonSyntaxError(`Nested more than ${maxDepth} levels deep`, start)
      const node = character === '{' ? this.object(start) : this.array(start)
      this.depth -= 1
      return node
    }
    if (character === '"' || character === "'")
      return { kind: 'string', start, value: this.string(character), end: this.at }
    if (this.match(numberText) !== undefined) return { kind: 'number', start, end: this.at }
    const word = this.match(wordText)
    if (word === 'true' || word === 'false') return { kind: 'boolean', start, end: this.at }
    if (word === 'null') return { kind: 'null', start, end: this.at }
    this.at = start
    throw this.unexpected()
  }

  private object(start: number): JsonNode {
    const members: JsonMember[] = []
    this.items('}', () => {
      const key = this.key()
      this.skipSpace()
      this.take(':')
      this.skipSpace()
      members.push({ key, value: this.value() })
    })
    return { kind: 'object', start, end: this.at, members }
  }

  private array(start: number): JsonNode {
    const items: JsonNode[] = []
    this.items(']', () => items.push(this.value()))
    return { kind: 'array', start, end: this.at, items }
  }

  private items(close: string, read: () => void): void {
    this.at += 1
    for (;;) {
      this.skipSpace()
      if (this.text[this.at] === close) break
      read()
      this.skipSpace()
      if (this.text[this.at] === close) break
      this.take(',')
    }
    this.at += 1
  }

  private key(): string {
    const character = this.text[this.at]
    if (character === '"' || character === "'") return this.string(character)
    const word = this.match(wordText)
    if (word === undefined) throw this.unexpected()
    return word
  }

  private string(quote: string): string {
    let value = ''
    for (this.at += 1; this.at < this.text.length; this.at += 1) {
      const character = this.text[this.at] ?? ''
      if (character === quote) {
        this.at += 1
        return value
      }
      value += character === '\\' ? this.escape() : character
    }
    throw new JsonSyntaxError('A string is not closed', this.text.length)
  }

  private escape(): string {
    this.at += 1
    const character = this.text[this.at] ?? ''
    if (character !== 'u') return Object.hasOwn(escapes, character) ? (escapes[character] ?? '') : character
    const digits = this.text.slice(this.at + 1, this.at + 5)
    if (!/^[0-9a-f]{4}$/i.test(digits)) throw this.unexpected()
    this.at += 4
    return String.fromCharCode(Number.parseInt(digits, 16))
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)?.[0]
    if (found !== undefined) this.at += found.length
    return found
  }

  private skipSpace(): void {
    this.match(space)
  }

  private take(expected: string): void {
    if (this.text[this.at] !== expected) throw this.unexpected()
    this.at += 1
  }

  private unexpected(): JsonSyntaxError {
    const seen = this.text[this.at]
    return new JsonSyntaxError(
      seen === undefined ? 'The text ends too early' : `Unexpected '${seen}'`,
      this.at,
    )
  }
}
