import type { CalcExpression, Expression, SymbolExpression, TemplateNode } from './nodes.ts'

/**
 * Writes expressions in their normal form: what an unresolved token looks like in the result and in the list of
 * missing tokens (docs/wire/octostache.md, section 7). Blanks are normalised, options are quoted.
 */
export function printExpression(expression: Expression): string {
  if (expression.kind === 'symbol') return printSymbol(expression)
  const input = expression.input === undefined ? '' : printExpression(expression.input)
  const options = expression.options.map(option => ` ${printOption(option)}`).join('')
  return `${input} | ${expression.name}${options}`
}

export function printSymbol(symbol: SymbolExpression): string {
  let text = ''
  for (const step of symbol.steps) {
    if (step.kind === 'name') text += text === '' ? step.name : `.${step.name}`
    else if (step.kind === 'index') text += `[${step.index}]`
    else text += `[#{${printSymbol(step.symbol)}}]`
  }
  return text
}

export function printCalc(expression: CalcExpression): string {
  switch (expression.kind) {
    case 'number':
      return expression.source
    case 'variable':
      return expression.wrapped ? `{${printSymbol(expression.symbol)}}` : printSymbol(expression.symbol)
    case 'group':
      return `(${printCalc(expression.inner)})`
    case 'operation':
      return `${printCalc(expression.left)}${expression.operator}${printCalc(expression.right)}`
  }
}

function printOption(option: TemplateNode): string {
  switch (option.kind) {
    case 'text':
      return `"${option.text}"`
    case 'substitution':
      return `#{${printExpression(option.expression)}}`
    case 'calc':
      return `#{calc ${printCalc(option.sum)}}`
    case 'conditional':
    case 'each':
      return option.source
  }
}
