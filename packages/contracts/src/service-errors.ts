import { HalibutError } from '@tentacle/halibut'

/**
 * The .NET type that an agent names when it is asked for a service that it does not have. Old callers look for this
 * text to learn that an agent is older than the service.
 */
export const unknownServiceType = 'Octopus.Tentacle.Communications.UnknownServiceNameException'

/** What an agent answers while it stops. Callers look for this text: the service is not unknown, only gone. */
export const shuttingDownMessage = 'The Tentacle service is shutting down and cannot process this request.'

function remoteText(error: HalibutError): string {
  return `${error.details.remoteMessage ?? ''}\n${error.details.remoteDetails ?? ''}`
}

/** Whether a call failed because the agent is about to stop. It may be repeated when the agent is back. */
export function isShuttingDown(thrown: unknown): boolean {
  return thrown instanceof HalibutError && remoteText(thrown).includes(shuttingDownMessage)
}

/** Whether a call failed because the agent does not have the service: it is older, and another one must be used. */
export function isUnknownService(thrown: unknown): boolean {
  if (!(thrown instanceof HalibutError) || isShuttingDown(thrown)) return false
  return thrown.code === 'ERR_SERVICE_NOT_FOUND' || remoteText(thrown).includes(unknownServiceType)
}
