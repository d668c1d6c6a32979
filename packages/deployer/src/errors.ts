/** Why a deployment or a script was given up. Codes are stable, messages are not. */
export type DeployerErrorCode =
  | 'ERR_USAGE'
  | 'ERR_VARIABLES_FILE'
  | 'ERR_PACKAGE_NOT_FOUND'
  | 'ERR_PACKAGE_NAME'
  | 'ERR_UNSUPPORTED_FORMAT'
  | 'ERR_DAMAGED_ARCHIVE'
  | 'ERR_UNSAFE_ARCHIVE'
  | 'ERR_ARCHIVE_LIMIT'
  | 'ERR_FREE_SPACE'
  | 'ERR_FOLDER'
  | 'ERR_LOCK_TIMEOUT'
  | 'ERR_NO_SCRIPT'
  | 'ERR_LANGUAGE'
  | 'ERR_SCRIPT_FAILED'
  | 'ERR_SUBSTITUTION'
  | 'ERR_STRUCTURED_VARIABLES'
  | 'ERR_UNSUPPORTED_FEATURE'
  | 'ERR_CANCELLED'

/**
 * Everything that this package throws on purpose: expected failures of a deployment, whose message is all that the
 * operator needs. The command that threw one ends with exit code 1 (docs/wire/deployment.md, section 1).
 */
export class DeployerError extends Error {
  override readonly name = 'DeployerError'
  readonly code: DeployerErrorCode

  constructor(code: DeployerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Whatever was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

/** The code of an error of the operating system, such as ENOENT; `undefined` for any other error. */
export function systemCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && 'syscall' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined
}

/** Stops work that was cancelled. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new DeployerError('ERR_CANCELLED', 'The work was cancelled before it was finished.')
}
