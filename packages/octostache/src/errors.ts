/** The reasons for which evaluating a template throws instead of answering with text. */
export type TemplateErrorCode = 'ERR_RECURSIVE_DEFINITION' | 'ERR_INVALID_BASE64' | 'ERR_TEMPLATE_LIMIT'

/**
 * Everything that this package throws on purpose. `code` is stable, the message is not. A missing variable or a
 * template that does not parse is no exception: both are answered as values (docs/wire/octostache.md, section 7).
 */
export class TemplateError extends Error {
  override readonly name: string = 'TemplateError'
  readonly code: TemplateErrorCode

  constructor(code: TemplateErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Variables refer to each other in a circle. `chain` lists the symbols in the order in which they were opened. */
export class RecursiveDefinitionError extends TemplateError {
  override readonly name = 'RecursiveDefinitionError'
  readonly chain: readonly string[]

  constructor(chain: readonly string[]) {
    super(
      'ERR_RECURSIVE_DEFINITION',
      `The variable ${chain[0] ?? ''} is defined by itself: ${chain.join(' -> ')}. Change one of these variables.`,
    )
    this.chain = chain
  }
}
