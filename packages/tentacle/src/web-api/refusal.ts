import { TentacleError } from '../errors.ts'

/**
 * The error for an answer that is not a success. `details.status` has the HTTP status. The server's own words come
 * first: they say what is wrong with the request (docs/wire/tentacle-registration.md 1).
 */
export function describeRefusal(status: number, text: string, what: string): TentacleError {
  const words = serverWords(text)
  const details = { status }
  if (status === 401 || status === 403) {
    return new TentacleError(
      'ERR_NOT_ALLOWED',
      words ?? `The server does not allow ${what} (HTTP ${status}).`,
      { details },
    )
  }
  return new TentacleError('ERR_SERVER', words ?? `The server answered ${what} with HTTP ${status}.`, {
    details,
  })
}

function serverWords(text: string): string | undefined {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof answer !== 'object' || answer === null) return undefined
  const { ErrorMessage: message, Errors: errors, HelpText: help } = answer as Record<string, unknown>
  if (typeof message !== 'string' || message === '') return undefined
  const reasons = Array.isArray(errors) ? errors.map(error => ` - ${String(error)}`) : []
  return [message, ...reasons, ...(typeof help === 'string' && help !== '' ? [help] : [])].join('\n')
}

/** Whether the server said that the request itself is wrong: a validation error or a conflict. */
export function isValidationError(error: unknown): error is TentacleError {
  return error instanceof TentacleError && (error.details.status === 400 || error.details.status === 409)
}
