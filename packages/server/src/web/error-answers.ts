import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ServerError, type ServerErrorCode } from '../errors.ts'

const statuses: Readonly<Partial<Record<ServerErrorCode, number>>> = {
  ERR_INVALID_INPUT: 400,
  ERR_NAME_TAKEN: 400,
  ERR_MACHINE_UNREACHABLE: 400,
  ERR_UNAUTHENTICATED: 401,
  ERR_FORBIDDEN: 403,
  ERR_NOT_FOUND: 404,
  ERR_CONFLICT: 409,
  ERR_REVISION: 409,
  ERR_THROTTLED: 429,
  ERR_UNAVAILABLE: 503,
}

/** Body of a failed request: docs/wire/server-api.md, error bodies. */
export interface ErrorBody {
  readonly ErrorMessage: string
  readonly Errors?: readonly string[]
}

interface Answer {
  readonly status: number
  readonly body: ErrorBody
  readonly retryAfterSeconds?: number
}

function answerOf(error: FastifyError | ServerError): Answer {
  if (!(error instanceof ServerError)) {
    const status = error.statusCode ?? 500
    if (status >= 500)
      return {
        status: 500,
        body: { ErrorMessage: 'The server failed to handle the request. Its log says why.' },
      }
    const text = ownWords[error.code] ?? error.message
    return {
      status,
      body:
        status === 400 || status === 413 ? { ErrorMessage: text, Errors: [text] } : { ErrorMessage: text },
    }
  }
  const status = statuses[error.code] ?? 500
  const Errors = error.problems.length > 0 ? error.problems : [error.message]
  const body =
    status === 400 || status === 409
      ? { ErrorMessage: error.message, Errors }
      : { ErrorMessage: error.message }
  const { retryAfterSeconds } = error.details
  return typeof retryAfterSeconds === 'number' ? { status, body, retryAfterSeconds } : { status, body }
}

const ownWords: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body must be JSON (Content-Type: application/json).',
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is too large for this address.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is shorter or longer than its Content-Length says.',
}

/** Turns whatever a handler threw into an answer. Only faults of the server itself are logged as errors. */
export function answerError(
  error: FastifyError | ServerError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { status, body, retryAfterSeconds } = answerOf(error)
  if (status >= 500) request.log.error({ err: error }, 'Request failed')
  else request.log.debug({ code: error.code, message: error.message }, 'Request refused')
  if (retryAfterSeconds !== undefined) void reply.header('Retry-After', Math.ceil(retryAfterSeconds))
  void reply.status(status).type('application/json').serializer(JSON.stringify).send(body)
}
