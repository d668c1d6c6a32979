/** The parsed form of a template. Nodes are plain records; nothing changes them after parsing. */
export type TemplateNode = TextNode | SubstitutionNode | ConditionalNode | EachNode | CalcNode

export interface TextNode {
  readonly kind: 'text'
  readonly text: string
}

export interface SubstitutionNode {
  readonly kind: 'substitution'
  readonly expression: Expression
}

export interface ConditionalNode {
  readonly kind: 'conditional'
  readonly negated: boolean
  readonly branches: readonly ConditionalBranch[]
  readonly otherwise: readonly TemplateNode[]
  /** The block as it was written: what is left in place when its test cannot be evaluated. */
  readonly source: string
}

export interface ConditionalBranch {
  readonly test: Test
  readonly body: readonly TemplateNode[]
}

export interface EachNode {
  readonly kind: 'each'
  readonly variable: string
  readonly collection: SymbolExpression
  readonly body: readonly TemplateNode[]
  readonly source: string
}

export interface CalcNode {
  readonly kind: 'calc'
  readonly sum: CalcExpression
}

export type Expression = SymbolExpression | FilterExpression

/** `Db.Primary[0].Host`: a path through the variables. */
export interface SymbolExpression {
  readonly kind: 'symbol'
  readonly steps: readonly SymbolStep[]
}

export type SymbolStep =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'index'; readonly index: string }
  | { readonly kind: 'index-symbol'; readonly symbol: SymbolExpression }

/** `input | name options`; without input it is a filter that makes its own text, such as NowDate. */
export interface FilterExpression {
  readonly kind: 'filter'
  readonly input: Expression | undefined
  readonly name: string
  readonly options: readonly TemplateNode[]
}

export type Test =
  | { readonly kind: 'truthy'; readonly expression: Expression }
  | { readonly kind: 'compare'; readonly left: Operand; readonly equal: boolean; readonly right: Operand }

export type Operand = Expression | TextNode

export type CalcExpression =
  | { readonly kind: 'number'; readonly value: number; readonly source: string }
  | { readonly kind: 'variable'; readonly symbol: SymbolExpression; readonly wrapped: boolean }
  | { readonly kind: 'group'; readonly inner: CalcExpression }
  | {
      readonly kind: 'operation'
      readonly operator: CalcOperator
      readonly left: CalcExpression
      readonly right: CalcExpression
    }

export type CalcOperator = '+' | '-' | '*' | '/'
