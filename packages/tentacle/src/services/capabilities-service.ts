import { agentCapabilities, type CapabilitiesServiceV2, deployerCapability } from '@tentacle/contracts'
import type { ServiceImplementation } from '@tentacle/halibut'

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
      return { supportedCapabilities: [...agentCapabilities, deployerCapability] }
    },
  }
}
