import type { ConditionalBranch, SubstitutionNode, SymbolExpression, TemplateNode, Test } from './nodes.ts'

/** What the header of a block says: `if`/`unless` with its test, or `each` with its variable and collection. */
export type BlockHeader =
  | { readonly kind: 'conditional'; readonly keyword: 'if' | 'unless'; readonly test: Test }
  | { readonly kind: 'each'; readonly variable: string; readonly collection: SymbolExpression }

/** A block whose closing tag has not been met yet. */
export class OpenBlock {
  readonly header: BlockHeader
  readonly start: number
  /** The header read as the name of a variable, such as `If Enabled`: what it is when the block is never closed. */
  readonly asVariable: SubstitutionNode | undefined
  nodes: TemplateNode[] = []
  private readonly branches: ConditionalBranch[] = []
  private readonly flat: TemplateNode[] = []
  private tag: string
  private test: Test | undefined
  private inElse = false

  /** `tag` is the header as it is written; `start` is its offset. */
  constructor(header: BlockHeader, tag: string, start: number, asVariable: SubstitutionNode | undefined) {
    this.header = header
    this.tag = tag
    this.start = start
    this.asVariable = asVariable
    this.test = header.kind === 'conditional' ? header.test : undefined
  }

  get closingTag(): string {
    return this.header.kind === 'each' ? '#{/each}' : `#{/${this.header.keyword}}`
  }

  get takesElse(): boolean {
    return this.header.kind === 'conditional' && !this.inElse
  }

  get takesElseIf(): boolean {
    return this.takesElse && this.header.kind === 'conditional' && this.header.keyword === 'if'
  }

  /** The parts in order when this turns out to be no block: the header as a variable if it can be one, else as text. */
  flatten(): { readonly nodes: TemplateNode[]; readonly isVariable: boolean } {
    const isVariable = this.asVariable !== undefined && this.flat.length === 0
    if (isVariable && this.asVariable !== undefined) this.flat.push(this.asVariable)
    else this.flat.push({ kind: 'text', text: this.tag })
    for (const node of this.nodes) this.flat.push(node)
    return { nodes: this.flat, isVariable }
  }

  /** Ends the current branch; what follows belongs to `#{elseif test}`, or to `#{else}` when there is no test. */
  startBranch(test: Test | undefined, tag: string): void {
    this.flat.push({ kind: 'text', text: this.tag })
    for (const node of this.nodes) this.flat.push(node)
    this.endBranch()
    this.tag = tag
    this.test = test
    this.inElse = test === undefined
  }

  close(source: string): TemplateNode {
    if (this.header.kind === 'each') {
      const { variable, collection } = this.header
      return { kind: 'each', variable, collection, body: this.nodes, source }
    }
    const otherwise = this.inElse ? this.nodes : []
    if (!this.inElse) this.endBranch()
    return {
      kind: 'conditional',
      negated: this.header.keyword === 'unless',
      branches: this.branches,
      otherwise,
      source,
    }
  }

  private endBranch(): void {
    if (this.test !== undefined) this.branches.push({ test: this.test, body: this.nodes })
    this.nodes = []
  }
}
