/**
 * Why an operation of this library failed. The codes are stable, the messages are not: switch on `code`.
 *
 * | code | meaning |
 * |---|---|
 * | `ERR_UNTRUSTED_PEER` | the other side showed a certificate that is not the expected one; never retried |
 * | `ERR_CONNECT` | no connection could be made: refused, unknown host, timed out, TLS failed, proxy refused |
 * | `ERR_CONNECTION_LOST` | the connection ended or broke where bytes were expected |
 * | `ERR_TIMEOUT` | the other side was silent for longer than the limit of that step |
 * | `ERR_NOT_COLLECTED` | no polling service collected the request in time; it was never sent |
 * | `ERR_QUEUE_FULL` | too many requests wait for a polling service already |
 * | `ERR_CANCELLED_CONNECTING` | the caller gave up before the request was sent; it did not run |
 * | `ERR_CANCELLED_TRANSFERRING` | the caller gave up after sending began; it may have run |
 * | `ERR_PROTOCOL` | the other side sent bytes that are no Halibut |
 * | `ERR_MESSAGE_TOO_LARGE` | a message is over a limit: its bytes, its values, or its data streams |
 * | `ERR_UNKNOWN_TYPE` | a message names a .NET type that its contract does not |
 * | `ERR_STREAM_LENGTH` | a data stream has fewer or more bytes than it said |
 * | `ERR_STREAM_SOURCE` | a data stream that was to be sent could not be read; `cause` says why |
 * | `ERR_STREAM_STORE` | a received data stream could not be kept on disk; `cause` says why |
 * | `ERR_STREAM_USED` | a received data stream was read twice, or after it was disposed |
 * | `ERR_SERVICE_NOT_FOUND`, `ERR_METHOD_NOT_FOUND`, `ERR_AMBIGUOUS_METHOD` | the other side does not offer the call |
 * | `ERR_SERVICE_INVOCATION` | the service ran the method, and the method threw |
 * | `ERR_REMOTE` | the other side answered with an error of another kind |
 * | `ERR_INVALID_PFX`, `ERR_INVALID_THUMBPRINT`, `ERR_INVALID_CERTIFICATE`, `ERR_INVALID_ENDPOINT`, `ERR_INVALID_ARGUMENT` | an argument that is not what it should be |
 * | `ERR_LISTEN` | the port could not be opened |
 * | `ERR_CLOSED` | the runtime was closed |
 */
export type HalibutErrorCode =
  | 'ERR_UNTRUSTED_PEER'
  | 'ERR_CONNECT'
  | 'ERR_CONNECTION_LOST'
  | 'ERR_TIMEOUT'
  | 'ERR_NOT_COLLECTED'
  | 'ERR_QUEUE_FULL'
  | 'ERR_CANCELLED_CONNECTING'
  | 'ERR_CANCELLED_TRANSFERRING'
  | 'ERR_PROTOCOL'
  | 'ERR_MESSAGE_TOO_LARGE'
  | 'ERR_UNKNOWN_TYPE'
  | 'ERR_STREAM_LENGTH'
  | 'ERR_STREAM_SOURCE'
  | 'ERR_STREAM_STORE'
  | 'ERR_STREAM_USED'
  | 'ERR_SERVICE_NOT_FOUND'
  | 'ERR_METHOD_NOT_FOUND'
  | 'ERR_AMBIGUOUS_METHOD'
  | 'ERR_SERVICE_INVOCATION'
  | 'ERR_REMOTE'
  | 'ERR_INVALID_PFX'
  | 'ERR_INVALID_THUMBPRINT'
  | 'ERR_INVALID_CERTIFICATE'
  | 'ERR_INVALID_ENDPOINT'
  | 'ERR_INVALID_ARGUMENT'
  | 'ERR_LISTEN'
  | 'ERR_CLOSED'

/** How far a failed call had come: only `connecting` proves that the request never reached the other side. */
export type ConnectionState = 'connecting' | 'unknown'

/** Data about a failure, for programs. Which members are set depends on the code. */
export interface HalibutErrorDetails {
  /** How far a call had come when it failed. Set on every error of a call that failed on this side. */
  readonly connectionState?: ConnectionState
  /** `message` of an error that the other side answered with. */
  readonly remoteMessage?: string
  /** `details` of such an error: usually type, message and stack of the exception over there. */
  readonly remoteDetails?: string | undefined
  /** `HalibutErrorType` of such an error: a CLR type name. */
  readonly remoteType?: string | undefined
  /** More, by code: `timeoutMs`, `maxMessageBytes`, `reason`, …; the README of this package lists them. */
  readonly [name: string]: unknown
}

/** The optional parts of a {@link HalibutError}. */
export interface HalibutErrorParts {
  /** Default: no details. */
  readonly details?: HalibutErrorDetails
  /** What led to this error. Default: nothing else did. */
  readonly cause?: unknown
}

/** Everything that this library throws on purpose. */
export class HalibutError extends Error {
  /** Always `HalibutError`: tells it apart from the errors of others where `instanceof` cannot. */
  override readonly name = 'HalibutError'
  /** What went wrong, for programs. Stays the same from version to version, as the message does not. */
  readonly code: HalibutErrorCode
  /** Data about what went wrong; empty where there is none. */
  readonly details: HalibutErrorDetails

  /** For errors that a program throws in the place of this library, in tests for example. */
  constructor(code: HalibutErrorCode, message: string, { details = {}, cause }: HalibutErrorParts = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}

/** Turns whatever was thrown into an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

/** The code of an error of this library, or undefined for any other value. */
export function halibutCode(thrown: unknown): HalibutErrorCode | undefined {
  return thrown instanceof HalibutError ? thrown.code : undefined
}

const networkCodes: ReadonlySet<HalibutErrorCode> = new Set([
  'ERR_CONNECT',
  'ERR_CONNECTION_LOST',
  'ERR_TIMEOUT',
  'ERR_PROTOCOL',
  'ERR_STREAM_LENGTH',
] satisfies HalibutErrorCode[])

/** By these words the other side says that the network failed it: its errors arrive as text only. */
const networkTexts = [
  'System.IO.EndOfStreamException',
  'System.Net.Sockets.SocketException',
  'Unable to read data from the transport connection: ',
  'Unable to write data to the transport connection: ',
  'An existing connection was forcibly closed by the remote host.',
] as const

function speaksOfNetwork({ remoteMessage = '', remoteDetails = '' }: HalibutErrorDetails): boolean {
  const text = `${remoteMessage}\n${remoteDetails}`
  // A file that is missing over there may be named together with the connection on which it was to be sent.
  if (text.includes('System.IO.FileNotFoundException')) return false
  return networkTexts.some(words => text.includes(words))
}

/**
 * Whether the network, not the service and not the caller, made the call fail; for an error of another kind its
 * `cause` decides. A request that no polling service collected is not counted: nothing is known about the network
 * then. A proxy that refused its service is not the network either. What the other side answered with is told apart
 * by the words of .NET in it (docs/wire/halibut.md, "Errors").
 */
export function isNetworkError(thrown: unknown): boolean {
  let error = thrown
  // Ten: nobody wraps errors deeper, and a circle of causes ends.
  for (let depth = 0; depth < 10 && error instanceof Error && !(error instanceof HalibutError); depth++)
    error = error.cause
  return error instanceof HalibutError && isOfNetwork(error)
}

function isOfNetwork({ code, details }: HalibutError): boolean {
  if (code === 'ERR_REMOTE') return speaksOfNetwork(details)
  return networkCodes.has(code) && details.isRefusedByProxy !== true
}

/**
 * Whether a call that is safe to repeat may be repeated. Errors that would come back in the same way are not
 * retryable: the service threw, does not exist, or is not the one that is trusted; the caller gave up.
 */
export function isRetryable(thrown: unknown): boolean {
  return isNetworkError(thrown) || halibutCode(thrown) === 'ERR_NOT_COLLECTED'
}

/** How far the failed call had come; `unknown` for anything that is not an error of a call. */
export function connectionState(thrown: unknown): ConnectionState {
  return thrown instanceof HalibutError ? (thrown.details.connectionState ?? 'unknown') : 'unknown'
}
