/**
 * - `ERR_UNREACHABLE`: no answer came: the server is down or the network is.
 * - `ERR_SIGNED_OUT`: the session is missing or has ended (401).
 * - `ERR_FORBIDDEN`: signed in, without the permission (403).
 * - `ERR_NOT_FOUND`: no such thing, or no such address (404).
 * - `ERR_REFUSED`: the request was understood and not accepted (other 4xx).
 * - `ERR_SERVER`: the server failed (5xx).
 * - `ERR_BAD_ANSWER`: something answered that is not this server's API.
 */
export type ApiErrorCode =
  | 'ERR_UNREACHABLE'
  | 'ERR_SIGNED_OUT'
  | 'ERR_FORBIDDEN'
  | 'ERR_NOT_FOUND'
  | 'ERR_REFUSED'
  | 'ERR_SERVER'
  | 'ERR_BAD_ANSWER'

/** What else is known of a failed request. */
export interface ApiErrorParts {
  readonly status?: number
  readonly problems?: readonly string[]
  readonly cause?: unknown
}

/** Every failure of a request to the server. `code` is stable; `message` and `problems` are for people. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ApiErrorCode
  /** The HTTP status, or 0 when no answer came. */
  readonly status: number
  /** One line per problem, as the server told them. */
  readonly problems: readonly string[]

  constructor(code: ApiErrorCode, message: string, { status = 0, problems = [], cause }: ApiErrorParts = {}) {
    super(message, { cause })
    this.code = code
    this.status = status
    this.problems = problems
  }
}

const fallbacks: Record<Exclude<ApiErrorCode, 'ERR_UNREACHABLE' | 'ERR_BAD_ANSWER'>, string> = {
  ERR_SIGNED_OUT: 'You are not signed in.',
  ERR_FORBIDDEN: 'You do not have the permission for this.',
  ERR_NOT_FOUND: 'The server has nothing at this address.',
  ERR_REFUSED: 'The server did not accept the request.',
  ERR_SERVER: 'The server met an error of its own. Its log says more.',
}

/** Turns the answer to a failed request (its status and its body as text) into an error. */
export function errorFromAnswer(status: number, body: string): ApiError {
  const code = codeOf(status)
  const { message, problems } = readErrorBody(body)
  return new ApiError(code, message ?? fallbacks[code], { status, problems })
}

function codeOf(status: number): keyof typeof fallbacks {
  if (status === 401) return 'ERR_SIGNED_OUT'
  if (status === 403) return 'ERR_FORBIDDEN'
  if (status === 404) return 'ERR_NOT_FOUND'
  return status >= 500 ? 'ERR_SERVER' : 'ERR_REFUSED'
}

function readErrorBody(body: string): { message: string | undefined; problems: string[] } {
  try {
    const parsed: unknown = JSON.parse(body)
    if (typeof parsed !== 'object' || parsed === null) return { message: undefined, problems: [] }
    const message =
      'ErrorMessage' in parsed && typeof parsed.ErrorMessage === 'string' ? parsed.ErrorMessage : undefined
    const problems = 'Errors' in parsed && Array.isArray(parsed.Errors) ? parsed.Errors.map(String) : []
    return { message: message === '' ? undefined : message, problems }
  } catch {
    // A proxy's error page: nothing in it is for the reader of this page.
    return { message: undefined, problems: [] }
  }
}

/** Whether the thing that was asked for is not there, or no longer. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'ERR_NOT_FOUND'
}

/** Whether trying the same request again may help. */
export function isPassing(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 'ERR_UNREACHABLE' || error.code === 'ERR_SERVER')
}
