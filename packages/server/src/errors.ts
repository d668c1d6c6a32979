/** What can go wrong on purpose. Codes are stable, messages are not. */
export type ServerErrorCode =
  // asked for by a caller: become HTTP answers
  | 'ERR_INVALID_INPUT'
  | 'ERR_NAME_TAKEN'
  | 'ERR_NOT_FOUND'
  | 'ERR_CONFLICT'
  | 'ERR_REVISION'
  | 'ERR_UNAUTHENTICATED'
  | 'ERR_FORBIDDEN'
  | 'ERR_THROTTLED'
  | 'ERR_MACHINE_UNREACHABLE'
  | 'ERR_UNAVAILABLE'
  // found while starting: end the process with a message
  | 'ERR_HOME'
  | 'ERR_HOME_IN_USE'
  | 'ERR_CONFIG'
  | 'ERR_DATABASE'
  | 'ERR_MASTER_KEY'
  | 'ERR_PORT_TAKEN'
  | 'ERR_PORT'
  | 'ERR_USAGE'

/** What an error carries besides its message. */
export interface ServerErrorParts {
  /** Facts for logs and tests; never secrets. */
  readonly details?: Readonly<Record<string, unknown>>
  /** One line for each problem; shown to the caller of the REST API. */
  readonly problems?: readonly string[]
  readonly cause?: unknown
}

/** Everything that the server throws on purpose. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
  readonly code: ServerErrorCode
  readonly details: Readonly<Record<string, unknown>>
  readonly problems: readonly string[]

  constructor(
    code: ServerErrorCode,
    message: string,
    { details = {}, problems = [], cause }: ServerErrorParts = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
    this.problems = problems
  }
}

/** True for a ServerError, with one of the codes when codes are given. */
export function isServerError(error: unknown, ...codes: readonly ServerErrorCode[]): error is ServerError {
  return error instanceof ServerError && (codes.length === 0 || codes.includes(error.code))
}

/** Makes an Error of whatever was thrown, once, at a border. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
