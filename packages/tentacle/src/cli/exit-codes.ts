import { TentacleError, type TentacleErrorCode } from '../errors.ts'

/** How the program ends (docs/wire/tentacle-cli.md 3). Scripts test these numbers. */
export const exitCodes = {
  success: 0,
  /** Something was asked for that cannot be done; the message on standard error says what to change. */
  refused: 1,
  /** No command, or one that does not exist. */
  noCommand: 2,
  /** Anything else that went wrong; standard error tells where the details are. */
  failed: 100,
} as const

/** The errors that an operator can act on by changing the command: message alone, exit code 1. */
const refusals: ReadonlySet<TentacleErrorCode> = new Set([
  'ERR_USAGE',
  'ERR_INSTANCE',
  'ERR_SETTINGS_MISSING',
  'ERR_NO_CERTIFICATE',
  'ERR_REFUSED',
  'ERR_PACKAGE',
  'ERR_SERVICE',
])

export function exitCodeOf(error: Error): number {
  return error instanceof TentacleError && refusals.has(error.code) ? exitCodes.refused : exitCodes.failed
}
