import { HalibutError, type HalibutErrorCode, toError } from '../errors.ts'

/** An error as it travels in a response (docs/wire/halibut.md, "Errors"). */
export interface ServerError {
  readonly message: string
  /** Type, message and stack of the exception on the service's side. */
  readonly details: string | undefined
  /** CLR name of the exception's type, for errors of the protocol's own; undefined for what a method threw. */
  readonly errorType: string | undefined
}

const prefix = 'Halibut.Exceptions.'

/** The CLR names that tell callers what went wrong. */
const errorTypes = {
  ERR_SERVICE_NOT_FOUND: `${prefix}ServiceNotFoundHalibutClientException`,
  ERR_METHOD_NOT_FOUND: `${prefix}MethodNotFoundHalibutClientException`,
  ERR_AMBIGUOUS_METHOD: `${prefix}AmbiguousMethodMatchHalibutClientException`,
} as const satisfies Partial<Record<HalibutErrorCode, string>>

const codesByType: ReadonlyMap<string, HalibutErrorCode> = new Map<string, HalibutErrorCode>([
  [errorTypes.ERR_SERVICE_NOT_FOUND, 'ERR_SERVICE_NOT_FOUND'],
  [errorTypes.ERR_METHOD_NOT_FOUND, 'ERR_METHOD_NOT_FOUND'],
  [errorTypes.ERR_AMBIGUOUS_METHOD, 'ERR_AMBIGUOUS_METHOD'],
  [`${prefix}NoMatchingServiceOrMethodHalibutClientException`, 'ERR_METHOD_NOT_FOUND'],
  [`${prefix}ServiceInvocationHalibutClientException`, 'ERR_SERVICE_INVOCATION'],
  [`${prefix}ConnectingRequestCancelledException`, 'ERR_CANCELLED_CONNECTING'],
  [`${prefix}TransferringRequestCancelledException`, 'ERR_CANCELLED_TRANSFERRING'],
])

/** How `details` begin when a method threw. Callers know such errors by this text alone. */
const invocationText =
  'System.Reflection.TargetInvocationException: Exception has been thrown by the target of an invocation.'

const ambiguousText = 'System.Reflection.AmbiguousMatchException: '

/** The error for a call that names something that is not there. */
export function callError(code: keyof typeof errorTypes, message: string): ServerError {
  const errorType = errorTypes[code]
  return { message, details: `${errorType}: ${message}`, errorType }
}

/** The error for what a service's method threw. */
export function invocationError(thrown: unknown): ServerError {
  const error = toError(thrown)
  return {
    message: error.message,
    details: `${invocationText}\n ---> ${describe(error)}\n   --- End of inner exception stack trace ---`,
    errorType: undefined,
  }
}

/** The error for what was thrown before a method could be chosen: its name and message reach the caller as they are. */
export function plainError(thrown: unknown): ServerError {
  const error = toError(thrown)
  return { message: error.message, details: describe(error), errorType: undefined }
}

/** `name: message` and the stack, which V8 begins with the same words. */
function describe(error: Error): string {
  const head = `${error.name}: ${error.message}`
  const stack = error.stack ?? ''
  const at = stack.indexOf('\n    at ')
  return at < 0 ? head : `${head}${stack.slice(at)}`
}

/**
 * The error that a caller gets for an error response. The text rules are for peers before Halibut 5.0.464, which
 * name no types.
 */
export function toCallerError({ message, details, errorType }: ServerError): HalibutError {
  return new HalibutError(codeOf(message, details ?? '', errorType), `The service answered: ${message}`, {
    details: {
      remoteMessage: message,
      remoteDetails: details,
      remoteType: errorType,
      connectionState: 'unknown',
    },
  })
}

function codeOf(message: string, details: string, errorType: string | undefined): HalibutErrorCode {
  const known = errorType === undefined ? undefined : codesByType.get(errorType)
  if (known) return known
  if (message.startsWith('Service not found: ')) return 'ERR_SERVICE_NOT_FOUND'
  if (message.startsWith('Service ') && message.endsWith(' not found')) return 'ERR_METHOD_NOT_FOUND'
  if (details.startsWith(ambiguousText)) return 'ERR_AMBIGUOUS_METHOD'
  return details.startsWith(invocationText) ? 'ERR_SERVICE_INVOCATION' : 'ERR_REMOTE'
}
