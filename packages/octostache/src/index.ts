export { RecursiveDefinitionError, TemplateError, type TemplateErrorCode } from './errors.ts'
export {
  type EvaluateOptions,
  type Evaluation,
  type EvaluationError,
  evaluate,
  isTruthy,
} from './evaluation/evaluate.ts'
export type { Filter, FilterEnvironment, FilterTable } from './filters/filter-table.ts'
export type {
  CalcExpression,
  CalcNode,
  CalcOperator,
  ConditionalBranch,
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
} from './grammar/nodes.ts'
export { type ParsedTemplate, parseTemplate, type TemplateProblem } from './grammar/parse-template.ts'
export { Variables } from './variables/variables.ts'
