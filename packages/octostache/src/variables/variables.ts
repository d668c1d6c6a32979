import { type EvaluateOptions, evaluate } from '../evaluation/evaluate.ts'
import { Cursor } from '../grammar/cursor.ts'
import { parseSymbol } from '../grammar/parse-symbol.ts'
import { bindVariable, foldCase, VariableNode } from './variable-tree.ts'

interface Entry {
  readonly name: string
  readonly value: string | null
}

/**
 * The variables that templates are evaluated with. Names are found without regard to case; the order in which they
 * were added is kept, because `each` follows it.
 */
export class Variables {
  private readonly entries = new Map<string, Entry>()
  private tree: VariableNode | undefined

  constructor(initial: Iterable<readonly [name: string, value: string | null]> = []) {
    for (const [name, value] of initial) this.set(name, value)
  }

  /** Adds or replaces a variable. `null` is kept as such and read as empty text by templates. */
  set(name: string, value: string | null): void {
    const key = foldCase(name)
    const known = this.entries.get(key)
    this.entries.set(key, { name: known?.name ?? name, value })
    if (this.tree !== undefined) bindVariable(this.tree, name, value)
  }

  delete(name: string): void {
    if (this.entries.delete(foldCase(name))) this.tree = undefined
  }

  has(name: string): boolean {
    return this.entries.has(foldCase(name))
  }

  /**
   * The evaluated value of the variable of exactly this name; `undefined` when there is none or it is null. A value
   * that is no template is answered as it is. Throws what `evaluate` throws.
   */
  get(name: string, options?: EvaluateOptions): string | undefined {
    const raw = this.getRaw(name)
    return raw === undefined ? undefined : evaluate(raw, this, options).text
  }

  /** The value as it was set, tokens and all; `undefined` when there is none or it is null. */
  getRaw(name: string): string | undefined {
    return this.entries.get(foldCase(name))?.value ?? undefined
  }

  /** The names in the order in which they were added, as they were first written. */
  names(): string[] {
    return Array.from(this.entries.values(), entry => entry.name)
  }

  /**
   * The indexes below a name, in the order in which they were added: `Octopus.Action.Package` has one for every
   * `Octopus.Action.Package[index]...`. Empty when the name is none or has none.
   */
  indexes(name: string): string[] {
    const cursor = new Cursor(name)
    const symbol = parseSymbol(cursor, { lookUpIndexes: false })
    if (symbol === undefined || !cursor.atEnd) return []
    let node: VariableNode | undefined = this.root()
    for (const step of symbol.steps) {
      if (node === undefined || step.kind === 'index-symbol') return []
      node = step.kind === 'name' ? node.name(step.name) : node.index(step.index)
    }
    return node?.children().map(child => child.index) ?? []
  }

  /** The tree that symbols are looked up in. For the evaluation of templates. */
  root(): VariableNode {
    if (this.tree === undefined) {
      this.tree = new VariableNode()
      for (const { name, value } of this.entries.values()) bindVariable(this.tree, name, value)
    }
    return this.tree
  }
}
