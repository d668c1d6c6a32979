/**
 * What went wrong, as a stable word. Codes may be relied upon, messages may not. Which code ends the program with which
 * exit code is written in one place: `cli/exit-codes.ts`.
 */
export type TentacleErrorCode =
  /** The command line makes no sense: unknown words, a required option left out, options that exclude each other. */
  | 'ERR_USAGE'
  /** An option has no value, or one that is not a number, Boolean, address or URL. */
  | 'ERR_OPTION_VALUE'
  /** No instance fits what was asked for, or several do. */
  | 'ERR_INSTANCE'
  /** The file of an instance or of a named settings file does not exist. */
  | 'ERR_SETTINGS_MISSING'
  /** A settings or index file is there but cannot be understood. */
  | 'ERR_SETTINGS_DAMAGED'
  /** A file could not be read or written: rights, disk, a folder in its place. */
  | 'ERR_FILE'
  /** A stored secret cannot be read with this machine's keys, or no key can be made. */
  | 'ERR_SECRET'
  /** A certificate cannot be read or has no private key. */
  | 'ERR_CERTIFICATE'
  /** The command needs a certificate and the instance has none. */
  | 'ERR_NO_CERTIFICATE'
  /** The server's answer makes the request impossible: a name that does not exist, a name that is taken. */
  | 'ERR_REFUSED'
  /** The server does not know who asks, or does not let them do it. */
  | 'ERR_NOT_ALLOWED'
  /** The server answered something that is no answer to the question. */
  | 'ERR_SERVER'
  /** Nobody answers at the given address. */
  | 'ERR_UNREACHABLE'
  /** The agent cannot listen where it was told to. */
  | 'ERR_LISTEN'
  /** A script ticket, file name or path from a caller cannot be used. */
  | 'ERR_INVALID_NAME'
  /** There is not enough room on a disk. */
  | 'ERR_DISK_SPACE'
  /** The folder of a script cannot be made or used. */
  | 'ERR_WORKSPACE'
  /** The shell of a script cannot be started. */
  | 'ERR_SHELL'
  /** A call came while the agent stops; callers know the message. */
  | 'ERR_STOPPING'
  /** This system cannot do what was asked for. */
  | 'ERR_PLATFORM'
  /** A package file is damaged, hostile, or of a kind that cannot be unpacked. */
  | 'ERR_PACKAGE'
  /** A service of the system could not be installed, changed, started or stopped; the message says by whom it can. */
  | 'ERR_SERVICE'

/** What an error carries beside its message. */
export interface TentacleErrorParts {
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** Everything that the agent throws on purpose. `code` is stable; the message is for people and never holds a secret. */
export class TentacleError extends Error {
  override readonly name = 'TentacleError'
  readonly code: TentacleErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: TentacleErrorCode, message: string, { details = {}, cause }: TentacleErrorParts = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}

/** Turns whatever was thrown into an `Error`, once, at the border where it is caught. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

/** The system's word for a failed call (`ENOENT`, `EACCES`, …), if the error carries one. */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}
