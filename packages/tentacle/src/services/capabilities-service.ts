import {
  agentCapabilities,
  type CapabilitiesServiceV2,
  deployerCapability,
  ResumableFileTransferService,
} from '@tentacle/contracts'
import type { ServiceImplementation } from '@tentacle/halibut'

/** What only our own agents can do; behind the names of the original, so that those stand where they always do. */
const ownCapabilities = [deployerCapability, ResumableFileTransferService.wireName]

/**
 * Names what this agent serves, and that its own program can deploy packages.
 *
 * @param onAsked callers ask for this right before they send a script, so it is the time to get ready for one
 */
export function createCapabilitiesService(
  onAsked: () => void,
): ServiceImplementation<typeof CapabilitiesServiceV2> {
  return {
    getCapabilities() {
      onAsked()
      return { supportedCapabilities: [...agentCapabilities, ...ownCapabilities] }
    },
  }
}
