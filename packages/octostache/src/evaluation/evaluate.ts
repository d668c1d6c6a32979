import type { FilterTable } from '../filters/filter-table.ts'
import { parseTemplate, type TemplateProblem } from '../grammar/parse-template.ts'
import type { Variables } from '../variables/variables.ts'
import { Evaluator, isTruthyText } from './evaluator.ts'

export interface EvaluateOptions {
  /**
   * What a piece that cannot be read does: `true` (the default) leaves the whole text as it is, `false` leaves that
   * piece as text and evaluates the rest, as it is done in files.
   */
  readonly haltOnError?: boolean
  /** The clock of NowDate and NowDateUtc; the system's by default. */
  readonly now?: () => Date
  /** Filters beyond the built-in ones, by their names in lower case. */
  readonly filters?: FilterTable
}

export interface EvaluationError {
  readonly kind: 'parse' | 'missing'
  readonly message: string
}

export interface Evaluation {
  readonly text: string
  /** True when the filter Null was met outside of variables: the text stands for null. */
  readonly isNull: boolean
  /** The tokens that were left in the text, in their normal form, each once. */
  readonly missing: readonly string[]
  /** Set when the text was not evaluated at all (`parse`) or has tokens left in it (`missing`). */
  readonly error?: EvaluationError
  /** The pieces that could not be read, with offsets. */
  readonly problems: readonly TemplateProblem[]
}

/**
 * Evaluates a template: text with `#{tokens}` (docs/wire/octostache.md). Text without `#{` is answered untouched.
 *
 * Throws {@link RecursiveDefinitionError} for variables that are defined by themselves, and {@link TemplateError} for
 * base64 text that is none and for templates beyond any sensible size. Everything else is answered as a value.
 */
export function evaluate(text: string, variables: Variables, options: EvaluateOptions = {}): Evaluation {
  if (!text.includes('#{')) return { text, isNull: false, missing: [], problems: [] }
  const { nodes, problems } = parseTemplate(text)
  const first = problems[0]
  if (first !== undefined && options.haltOnError !== false) {
    return { text, isNull: false, missing: [], problems, error: { kind: 'parse', message: first.message } }
  }
  const evaluator = new Evaluator({ now: options.now ?? (() => new Date()) }, options.filters ?? {})
  const result = evaluator.nodes(nodes, { names: variables.root(), parent: undefined })
  const missing = [...evaluator.missing]
  const evaluation = { text: result, isNull: evaluator.isNull, missing, problems }
  return missing.length === 0
    ? evaluation
    : { ...evaluation, error: { kind: 'missing', message: missingMessage(missing) } }
}

/** Whether a template comes out as something other than no: empty, 0, no and false are no, as are missing tokens. */
export function isTruthy(template: string, variables: Variables, options: EvaluateOptions = {}): boolean {
  const { text, error, isNull } = evaluate(template, variables, options)
  return error === undefined && !isNull && isTruthyText(text)
}

function missingMessage(missing: readonly string[]): string {
  const tokens = missing.map(token => `'${token}'`).join(', ')
  return `No value was found for ${tokens}. Is the variable defined for this scope, and is its name spelled right?`
}
