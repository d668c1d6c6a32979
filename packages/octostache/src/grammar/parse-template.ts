import { Cursor } from './cursor.ts'
import type { SubstitutionNode, TemplateNode } from './nodes.ts'
import { type BlockHeader, OpenBlock } from './open-block.ts'
import { parseSum } from './parse-calc.ts'
import { parseExpression, parseTest } from './parse-expression.ts'
import { parseName, parseSymbol } from './parse-symbol.ts'
import { scanText } from './scan-text.ts'

/** A piece of a template that is no token although it starts as one. Offsets are UTF-16 units from the start. */
export interface TemplateProblem {
  /** Where the piece starts. */
  readonly offset: number
  /** Where reading it stopped making sense. */
  readonly stoppedAt: number
  readonly message: string
}

export interface ParsedTemplate {
  readonly nodes: readonly TemplateNode[]
  readonly problems: readonly TemplateProblem[]
}

/**
 * Reads a template in one pass: each character is looked at a bounded number of times, whatever the text. A piece
 * that does not parse becomes text and a problem, and reading goes on behind its `#{`. Callers that want all or
 * nothing look at `problems` (docs/wire/octostache.md, sections 1 and 7).
 */
export function parseTemplate(text: string): ParsedTemplate {
  return new TemplateReader(new Cursor(text)).readAll()
}

class TemplateReader {
  private readonly cursor: Cursor
  private readonly root: TemplateNode[] = []
  private readonly open: OpenBlock[] = []
  private readonly problems: TemplateProblem[] = []

  constructor(cursor: Cursor) {
    this.cursor = cursor
  }

  readAll(): ParsedTemplate {
    while (!this.cursor.atEnd) {
      this.readText()
      this.cursor.furthest = this.cursor.position
      if (!this.cursor.atEnd && !this.readTag()) this.skipBadPiece()
    }
    this.giveUpBlocks(0)
    return { nodes: this.root, problems: this.problems }
  }

  /** One tag with everything up to its closing tag, as an option of a filter has it. */
  readOne(): TemplateNode | undefined {
    for (;;) {
      if (!this.cursor.text.startsWith('#{', this.cursor.position) || !this.readTag()) return undefined
      if (this.open.length === 0) return this.problems.length === 0 ? this.root[0] : undefined
      this.readText()
      if (this.cursor.atEnd) return undefined
    }
  }

  private get nodes(): TemplateNode[] {
    return this.open.at(-1)?.nodes ?? this.root
  }

  private addText(text: string): void {
    if (text !== '') this.nodes.push({ kind: 'text', text })
  }

  private readText(): void {
    const run = scanText(this.cursor.text, this.cursor.position)
    this.addText(run.text)
    this.cursor.position = run.end
  }

  private readTag(): boolean {
    const { cursor } = this
    if (cursor.text.startsWith('#{/', cursor.position)) return this.readClosingTag()
    if (cursor.text.startsWith('#{else}', cursor.position)) return this.readElse()
    if (this.open.at(-1)?.takesElseIf === true && this.readElseIf()) return true
    if (this.readHeader()) return true
    const node = readCalc(cursor) ?? readSubstitution(cursor)
    if (node === undefined) return false
    this.nodes.push(node)
    return true
  }

  private readHeader(): boolean {
    const { cursor } = this
    const start = cursor.position
    const header = readBlockHeader(cursor)
    if (header === undefined) return false
    const end = cursor.position
    if (!cursor.enter()) {
      cursor.position = start
      return false
    }
    let asVariable: SubstitutionNode | undefined
    if (
      header.kind === 'conditional' &&
      header.test.kind === 'truthy' &&
      header.test.expression.kind === 'symbol'
    ) {
      cursor.position = start
      asVariable = readSubstitution(cursor)
      cursor.position = end
    }
    this.open.push(new OpenBlock(header, cursor.text.slice(start, end), start, asVariable))
    return true
  }

  private readClosingTag(): boolean {
    const { cursor } = this
    const index = this.open.findLastIndex(block => cursor.text.startsWith(block.closingTag, cursor.position))
    if (index < 0) return false
    this.giveUpBlocks(index + 1)
    const block = this.closeInnermost()
    if (block === undefined) return false
    cursor.position += block.closingTag.length
    this.nodes.push(block.close(cursor.text.slice(block.start, cursor.position)))
    return true
  }

  private readElse(): boolean {
    const index = this.open.findLastIndex(block => block.takesElse)
    if (index < 0) return false
    this.giveUpBlocks(index + 1)
    this.open.at(-1)?.startBranch(undefined, '#{else}')
    this.cursor.position += '#{else}'.length
    return true
  }

  private readElseIf(): boolean {
    const { cursor } = this
    const start = cursor.position
    const test = cursor.attempt(() => {
      if (!cursor.take('#{elseif') || !cursor.requireWhitespace()) return undefined
      const found = parseTest(cursor, readTagOption)
      cursor.skipWhitespace()
      return found !== undefined && cursor.take('}') ? found : undefined
    })
    if (test === undefined) return false
    this.open.at(-1)?.startBranch(test, cursor.text.slice(start, cursor.position))
    return true
  }

  /**
   * Keeps that many open blocks. A block that is never closed was no block: its header is the variable that it also
   * spells, or else text, and what was read after it belongs to the block around it.
   */
  private giveUpBlocks(kept: number): void {
    const blocks: OpenBlock[] = []
    while (this.open.length > kept) {
      const block = this.closeInnermost()
      if (block !== undefined) blocks.unshift(block)
    }
    for (const block of blocks) {
      const { nodes, isVariable } = block.flatten()
      for (const node of nodes) this.nodes.push(node)
      if (!isVariable) this.problems.push(this.unclosed(block))
    }
  }

  private unclosed(block: OpenBlock): TemplateProblem {
    return {
      offset: block.start,
      stoppedAt: this.cursor.position,
      message: `The block that starts at offset ${block.start} is not closed by ${block.closingTag}.`,
    }
  }

  private closeInnermost(): OpenBlock | undefined {
    const block = this.open.pop()
    if (block !== undefined) this.cursor.leave()
    return block
  }

  private skipBadPiece(): void {
    const { text, position: offset, furthest } = this.cursor
    const stoppedAt = Math.max(offset, furthest)
    this.problems.push({ offset, stoppedAt, message: describeBadPiece(text, offset, stoppedAt) })
    this.addText('#{')
    this.cursor.position = offset + 2
  }
}

function describeBadPiece(text: string, offset: number, stoppedAt: number): string {
  if (text.startsWith('#{/', offset))
    return `The closing tag at offset ${offset} has no block that it closes.`
  const seen = text[stoppedAt]
  const reason =
    seen === undefined ? 'the text ends too early' : `'${seen}' at offset ${stoppedAt} does not fit`
  return `The token at offset ${offset} cannot be read: ${reason}.`
}

/** A block as an option of a filter has to be complete: a problem anywhere in it and there is no such option. */
function readTagOption(cursor: Cursor): TemplateNode | undefined {
  return new TemplateReader(cursor).readOne()
}

function readBlockHeader(cursor: Cursor): BlockHeader | undefined {
  return cursor.attempt(() => {
    if (!cursor.take('#{')) return undefined
    cursor.skipWhitespace()
    const header = readConditionalHeader(cursor) ?? readEachHeader(cursor)
    cursor.skipWhitespace()
    return header !== undefined && cursor.take('}') ? header : undefined
  })
}

function readConditionalHeader(cursor: Cursor): BlockHeader | undefined {
  return cursor.attempt(() => {
    const keyword = cursor.takeKeyword('if') ? 'if' : cursor.takeKeyword('unless') ? 'unless' : undefined
    if (keyword === undefined || !cursor.requireWhitespace()) return undefined
    const test = parseTest(cursor, readTagOption)
    return test === undefined ? undefined : { kind: 'conditional', keyword, test }
  })
}

function readEachHeader(cursor: Cursor): BlockHeader | undefined {
  return cursor.attempt(() => {
    if (!cursor.takeKeyword('each') || !cursor.requireWhitespace()) return undefined
    const variable = parseName(cursor)
    cursor.skipWhitespace()
    if (variable === undefined || !cursor.takeKeyword('in') || !cursor.requireWhitespace()) return undefined
    const collection = parseSymbol(cursor)
    return collection === undefined ? undefined : { kind: 'each', variable, collection }
  })
}

function readCalc(cursor: Cursor): TemplateNode | undefined {
  return cursor.attempt(() => {
    if (!cursor.take('#{')) return undefined
    cursor.skipWhitespace()
    if (!cursor.takeKeyword('calc') || !cursor.requireWhitespace()) return undefined
    const sum = parseSum(cursor)
    cursor.skipWhitespace()
    return sum !== undefined && cursor.take('}') ? { kind: 'calc', sum } : undefined
  })
}

function readSubstitution(cursor: Cursor): SubstitutionNode | undefined {
  return cursor.attempt(() => {
    if (cursor.text.startsWith('#{/', cursor.position) || !cursor.take('#{')) return undefined
    const expression = parseExpression(cursor, readTagOption)
    cursor.skipWhitespace()
    return expression !== undefined && cursor.take('}') ? { kind: 'substitution', expression } : undefined
  })
}
