import { isWhitespaceAt, whitespaceEnd } from './characters.ts'
import type { TemplateNode } from './nodes.ts'

/** How deep tags and blocks may stand inside each other. Real templates use three or four levels. */
const maxDepth = 100

/** What a rule found at a place, and where it ended. */
interface Remembered<T> {
  readonly found: T | undefined
  readonly end: number
}

/** A place in the text of a template. Rules either advance it or leave it where it was and answer `undefined`. */
export class Cursor {
  readonly text: string
  position: number
  /** The furthest place that any rule reached: where a person should look for the mistake. */
  furthest = 0
  private depth = 0
  private brackets: Map<number, number> | undefined
  private readonly remembered = new Map<number, Remembered<TemplateNode>>()

  constructor(text: string, position = 0) {
    this.text = text
    this.position = position
  }

  get atEnd(): boolean {
    return this.position >= this.text.length
  }

  peek(): string | undefined {
    return this.text[this.position]
  }

  skipWhitespace(): void {
    this.position = whitespaceEnd(this.text, this.position)
  }

  /** Like skipWhitespace, but there has to be some. */
  requireWhitespace(): boolean {
    if (!isWhitespaceAt(this.text, this.position)) return false
    this.skipWhitespace()
    return true
  }

  /** Steps over `expected` when it stands here. */
  take(expected: string): boolean {
    if (!this.text.startsWith(expected, this.position)) {
      this.furthest = Math.max(this.furthest, this.position)
      return false
    }
    this.position += expected.length
    return true
  }

  /** Steps over a keyword in any case. */
  takeKeyword(keyword: string): boolean {
    const found = this.text.slice(this.position, this.position + keyword.length)
    if (found.toLowerCase() !== keyword) return false
    this.position += keyword.length
    return true
  }

  /** Runs a rule; when it finds nothing the cursor is back where it was. */
  attempt<T>(rule: () => T | undefined): T | undefined {
    const start = this.position
    const found = rule()
    if (found === undefined) {
      this.furthest = Math.max(this.furthest, this.position)
      this.position = start
    }
    return found
  }

  /** Runs a rule that may stand inside itself; beyond the depth limit it finds nothing. */
  nested<T>(rule: () => T | undefined): T | undefined {
    const depth = this.depth
    if (!this.enter()) return undefined
    const found = rule()
    this.depth = depth
    return found
  }

  /** Goes one level deeper; false at the limit. */
  enter(): boolean {
    if (this.depth >= maxDepth) return false
    this.depth += 1
    return true
  }

  leave(): void {
    this.depth -= 1
  }

  /**
   * Runs a rule at most once at each place. Rules that try one reading after another come back to the same place;
   * nested in each other they would double the work with every level.
   */
  once(rule: () => TemplateNode | undefined): TemplateNode | undefined {
    const start = this.position
    let memory = this.remembered.get(start)
    if (memory === undefined) {
      memory = { found: this.attempt(rule), end: this.position }
      this.remembered.set(start, memory)
    }
    this.position = memory.end
    return memory.found
  }

  /**
   * Where the bracket that is opened at `open` is closed. All pairs are found in one pass over the text, so that a
   * text full of unclosed brackets costs no more than any other.
   */
  closingBracket(open: number): number | undefined {
    this.brackets ??= pairBrackets(this.text)
    return this.brackets.get(open)
  }
}

function pairBrackets(text: string): Map<number, number> {
  const pairs = new Map<number, number>()
  const open: number[] = []
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x5b) open.push(at)
    else if (code === 0x5d) {
      const start = open.pop()
      if (start !== undefined) pairs.set(start, at)
    }
  }
  return pairs
}
