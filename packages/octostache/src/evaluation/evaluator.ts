import { RecursiveDefinitionError, TemplateError } from '../errors.ts'
import { formatDouble, parseDouble } from '../filters/dotnet-double.ts'
import { type FilterEnvironment, type FilterTable, findFilter } from '../filters/filter-table.ts'
import type {
  CalcExpression,
  CalcNode,
  ConditionalNode,
  EachNode,
  Expression,
  FilterExpression,
  Operand,
  SubstitutionNode,
  SymbolExpression,
  SymbolStep,
  TemplateNode,
  Test,
  TextNode,
} from '../grammar/nodes.ts'
import { type ParsedTemplate, parseTemplate } from '../grammar/parse-template.ts'
import { printCalc, printExpression } from '../grammar/print-expression.ts'
import { foldCase, type VariableNode } from '../variables/variable-tree.ts'
import { jsonMember, jsonText, parseJsonDocument } from './json-value.ts'
import { type LoopItem, loopScope, type Scope, textItems } from './scope.ts'

/** What a symbol was found to be: a place in the variables, or text out of a JSON document. */
type Found = { readonly node: VariableNode } | { readonly text: string }

/** One step with its index looked up. */
interface ResolvedStep {
  readonly kind: 'name' | 'index'
  readonly text: string
}

/**
 * Bounds for templates that multiply themselves: `A = #{B}#{B}`, `B = #{C}#{C}`, … A real template stays far below.
 * The first counts nodes, the second UTF-16 units of text that are produced, the third levels inside each other.
 */
const maxSteps = 5_000_000
const maxOutput = 64 * 1024 * 1024
const maxLevels = 400

/** Evaluates one template against the variables. Used once: it collects what is missing on the way. */
export class Evaluator {
  /** The unresolved tokens in their normal form, each once, in the order in which they were met. */
  readonly missing = new Set<string>()
  /** Set by the filter Null: the whole result is null then. */
  isNull = false
  private readonly environment: FilterEnvironment
  private readonly extensions: FilterTable
  private readonly templates = new Map<string, ParsedTemplate>()
  private readonly chain: string[] = []
  private misses = 0
  private steps = 0
  private output = 0
  private levels = 0

  constructor(environment: FilterEnvironment, extensions: FilterTable) {
    this.environment = environment
    this.extensions = extensions
  }

  nodes(nodes: readonly TemplateNode[], scope: Scope): string {
    let text = ''
    for (const node of nodes) text += this.node(node, scope)
    this.output += text.length
    if (this.output > maxOutput) throw limitError(`it makes more than ${maxOutput} characters`)
    return text
  }

  /** Everything that calls itself goes through here, so that no template can exhaust the stack or run for ever. */
  private deeper<T>(work: () => T): T {
    this.steps += 1
    if (this.steps > maxSteps) throw limitError(`it takes more than ${maxSteps} steps`)
    this.levels += 1
    if (this.levels > maxLevels) throw limitError(`its parts are nested more than ${maxLevels} levels deep`)
    const result = work()
    this.levels -= 1
    return result
  }

  private node(node: TemplateNode, scope: Scope): string {
    return node.kind === 'text' ? node.text : this.deeper(() => this.tag(node, scope))
  }

  private tag(node: Exclude<TemplateNode, TextNode>, scope: Scope): string {
    switch (node.kind) {
      case 'substitution':
        return this.substitution(node, scope)
      case 'conditional':
        return this.conditional(node, scope)
      case 'each':
        return this.each(node, scope)
      case 'calc':
        return this.calc(node, scope)
    }
  }

  private substitution(node: SubstitutionNode, scope: Scope): string {
    const value = this.expression(node.expression, scope)
    if (value !== undefined) return value
    const token = `#{${printExpression(node.expression)}}`
    if (isNullFilter(node.expression)) this.isNull ||= this.chain.length === 0
    else this.miss(token)
    return token
  }

  private miss(token: string): void {
    this.missing.add(token)
    this.misses += 1
  }

  private conditional(node: ConditionalNode, scope: Scope): string {
    for (const branch of node.branches) {
      const holds = this.test(branch.test, scope)
      if (holds === undefined) return node.source
      if (holds !== node.negated) return this.nodes(branch.body, scope)
    }
    return this.nodes(node.otherwise, scope)
  }

  /** `undefined` when a filter in it has nothing to work on; a bare missing symbol counts as empty text instead. */
  private test(test: Test, scope: Scope): boolean | undefined {
    if (test.kind === 'truthy') {
      const value = this.operand(test.expression, scope)
      return value === undefined ? undefined : isTruthyText(value)
    }
    const left = this.operand(test.left, scope)
    const right = this.operand(test.right, scope)
    if (left === undefined || right === undefined) return undefined
    return (left === right) === test.equal
  }

  private operand(operand: Operand, scope: Scope): string | undefined {
    if (operand.kind === 'text') return operand.text
    const value = this.expression(operand, scope)
    if (value !== undefined || operand.kind === 'symbol') return value ?? ''
    this.miss(printExpression(operand))
    return undefined
  }

  private each(node: EachNode, scope: Scope): string {
    const items = this.items(node.collection, scope)
    let text = ''
    for (const [index, item] of items.entries()) {
      text += this.nodes(node.body, loopScope(scope, node.variable, item, { index, count: items.length }))
    }
    return text
  }

  private items(collection: SymbolExpression, scope: Scope): LoopItem[] {
    const found = this.find(collection, scope)
    if (found === undefined) return []
    if ('node' in found && found.node.value === undefined) return found.node.children()
    const text = this.textOf(found, collection, scope) ?? ''
    const document = parseJsonDocument(text)
    if (Array.isArray(document)) return textItems(document.map(item => ({ text: jsonText(item) })))
    if (document !== undefined) {
      return textItems([...document].map(([key, member]) => ({ text: key, member: jsonText(member) })))
    }
    return textItems(text.split(',').map(piece => ({ text: piece })))
  }

  private calc(node: CalcNode, scope: Scope): string {
    const value = this.number(node.sum, scope)
    return value === undefined ? `#{${printCalc(node.sum)}}` : formatDouble(value)
  }

  private number(expression: CalcExpression, scope: Scope): number | undefined {
    return this.deeper(() => this.sum(expression, scope))
  }

  private sum(expression: CalcExpression, scope: Scope): number | undefined {
    switch (expression.kind) {
      case 'number':
        return expression.value
      case 'group':
        return this.number(expression.inner, scope)
      case 'variable': {
        const text = this.expression(expression.symbol, scope)
        return text === undefined ? undefined : parseDouble(text)
      }
      case 'operation': {
        const left = this.number(expression.left, scope)
        const right = this.number(expression.right, scope)
        if (left === undefined || right === undefined) return undefined
        return calculate(left, expression.operator, right)
      }
    }
  }

  private expression(expression: Expression, scope: Scope): string | undefined {
    return this.deeper(() =>
      expression.kind === 'symbol' ? this.symbol(expression, scope) : this.filter(expression, scope),
    )
  }

  private filter(expression: FilterExpression, scope: Scope): string | undefined {
    const input = expression.input === undefined ? undefined : this.expression(expression.input, scope)
    const before = this.misses
    const options = expression.options.map(option => this.node(option, scope))
    // An option that is missing something leaves the whole token in place, so that the text shows what was asked for.
    if (this.misses > before) return undefined
    const filter = findFilter(expression.name, this.extensions)
    return filter?.(input, options, this.environment)
  }

  private symbol(symbol: SymbolExpression, scope: Scope): string | undefined {
    const found = this.find(symbol, scope)
    return found === undefined ? undefined : this.textOf(found, symbol, scope)
  }

  private textOf(found: Found, symbol: SymbolExpression, scope: Scope): string | undefined {
    return 'text' in found
      ? found.text
      : this.valueOf(found.node, () => this.resolve(symbol.steps, scope), scope)
  }

  private find(symbol: SymbolExpression, scope: Scope): Found | undefined {
    const steps = this.resolve(symbol.steps, scope)
    if (steps === undefined) return undefined
    for (let place: Scope | undefined = scope; place !== undefined; place = place.parent) {
      const found = this.walk(place.names, steps, scope)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Looks up the indexes that are symbols themselves; `undefined` when one of them is missing. */
  private resolve(steps: readonly SymbolStep[], scope: Scope): ResolvedStep[] | undefined {
    const resolved: ResolvedStep[] = []
    for (const step of steps) {
      if (step.kind === 'name') resolved.push({ kind: 'name', text: step.name })
      else if (step.kind === 'index') resolved.push({ kind: 'index', text: step.index })
      else {
        const index = this.expression(step.symbol, scope)
        if (index === undefined) return undefined
        resolved.push({ kind: 'index', text: index })
      }
    }
    return resolved
  }

  private walk(root: VariableNode, steps: readonly ResolvedStep[], scope: Scope): Found | undefined {
    let node = root
    for (const [depth, step] of steps.entries()) {
      const next: VariableNode | undefined =
        step.kind === 'name' ? node.name(step.text) : node.index(step.text)
      if (next === undefined) return this.walkDocument(node, steps, depth, scope)
      node = next
    }
    return { node }
  }

  private walkDocument(
    node: VariableNode,
    steps: readonly ResolvedStep[],
    depth: number,
    scope: Scope,
  ): Found | undefined {
    const text = this.valueOf(node, () => steps.slice(0, depth), scope)
    const document = text === undefined ? undefined : parseJsonDocument(text)
    if (document === undefined) return undefined
    const members = steps.slice(depth).map(step => step.text)
    const member = jsonMember(document, members)
    return member === undefined ? undefined : { text: member }
  }

  /**
   * The text of a variable, with the tokens in it evaluated where it is used. Text that is no template is taken as it
   * stands: a password may well hold a `#{`.
   */
  private valueOf(
    node: VariableNode,
    steps: () => ResolvedStep[] | undefined,
    scope: Scope,
  ): string | undefined {
    const { value } = node
    if (value === undefined || node.isLiteral || !value.includes('#{')) return value
    const template = this.template(value)
    if (template.problems.length > 0) return value
    const name = (steps() ?? [])
      .map(step => (step.kind === 'name' ? `.${step.text}` : `[${step.text}]`))
      .join('')
      .slice(1)
    if (this.chain.some(open => foldCase(open) === foldCase(name)))
      throw new RecursiveDefinitionError([...this.chain, name])
    this.chain.push(name)
    const text = this.nodes(template.nodes, scope)
    this.chain.pop()
    return text
  }

  private template(text: string): ParsedTemplate {
    let template = this.templates.get(text)
    if (template === undefined) {
      template = parseTemplate(text)
      this.templates.set(text, template)
    }
    return template
  }
}

/** What counts as no: nothing, `0`, and `no` or `false` in any case with blanks around. */
export function isTruthyText(text: string): boolean {
  return text !== '' && text !== '0' && !['no', 'false'].includes(text.trim().toLowerCase())
}

function isNullFilter(expression: Expression): boolean {
  return expression.kind === 'filter' && expression.name.toLowerCase() === 'null'
}

function calculate(left: number, operator: '+' | '-' | '*' | '/', right: number): number {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
  }
}

function limitError(what: string): TemplateError {
  return new TemplateError(
    'ERR_TEMPLATE_LIMIT',
    `The template was given up: ${what}. Do its variables multiply each other?`,
  )
}
