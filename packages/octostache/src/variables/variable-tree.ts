import { Cursor } from '../grammar/cursor.ts'
import { parseSymbol } from '../grammar/parse-symbol.ts'

/**
 * One name or index on the path of a variable: `A.B[c]` is the name A, its name B, its index c. Names and indexes are
 * found without regard to case and keep the order in which they were added.
 */
export class VariableNode {
  /** The text of the variable that ends here. An index without a variable of its own stands for its index. */
  value: string | undefined
  /** True for text that came out of evaluating another variable, which is not evaluated again. */
  readonly isLiteral: boolean
  private readonly names = new Map<string, VariableNode>()
  private readonly indexes = new Map<string, { readonly index: string; readonly node: VariableNode }>()

  constructor(value?: string, isLiteral = false) {
    this.value = value
    this.isLiteral = isLiteral
  }

  name(name: string): VariableNode | undefined {
    return this.names.get(foldCase(name))
  }

  index(index: string): VariableNode | undefined {
    if (index === '*') return this.indexes.values().next().value?.node
    return this.indexes.get(foldCase(index))?.node
  }

  /** The indexes in the order in which they were added, as they were written. */
  children(): { readonly index: string; readonly node: VariableNode }[] {
    return [...this.indexes.values()]
  }

  addName(name: string, node: VariableNode = new VariableNode()): VariableNode {
    const key = foldCase(name)
    const existing = this.names.get(key)
    if (existing !== undefined) return existing
    this.names.set(key, node)
    return node
  }

  addIndex(index: string): VariableNode {
    const key = foldCase(index)
    const existing = this.indexes.get(key)
    if (existing !== undefined) return existing.node
    const node = new VariableNode(index)
    this.indexes.set(key, { index, node })
    return node
  }
}

/** How names are compared: character by character, without regard to case and to any language. */
export function foldCase(name: string): string {
  return name.toLowerCase()
}

/**
 * Puts a variable into the tree. Only the part of the name that is a symbol counts: a variable called `A!b` is bound
 * as `A` (docs/wire/octostache.md, section 3). `null` is bound as empty text.
 */
export function bindVariable(root: VariableNode, name: string, value: string | null): void {
  const cursor = new Cursor(name)
  cursor.skipWhitespace()
  const symbol = parseSymbol(cursor, { lookUpIndexes: false })
  if (symbol === undefined) return
  let node = root
  for (const step of symbol.steps) {
    if (step.kind === 'name') node = node.addName(step.name)
    else if (step.kind === 'index') node = node.addIndex(step.index)
  }
  node.value = value ?? ''
}
