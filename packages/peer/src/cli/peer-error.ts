/** Why the peer could not do what it was told. `ERR_USAGE`: the command line; `ERR_FAILED`: anything later. */
export type PeerErrorCode = 'ERR_USAGE' | 'ERR_FAILED'

/** Everything that the peer throws on purpose. The message is for the person at the command line. */
export class PeerError extends Error {
  override readonly name = 'PeerError'
  readonly code: PeerErrorCode

  constructor(code: PeerErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** The error for a command line that cannot be obeyed. */
export function usageError(message: string): PeerError {
  return new PeerError('ERR_USAGE', message)
}
