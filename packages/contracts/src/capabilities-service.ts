import { defineService, method, types, type ValueOf } from '@tentacle/halibut'
import { currentName } from './dotnet-names.ts'

export interface CapabilitiesResponseV2 extends ValueOf<typeof CapabilitiesResponseV2> {}
export const CapabilitiesResponseV2 = types.record({
  ...currentName('Capabilities.CapabilitiesResponseV2'),
  fields: { supportedCapabilities: types.list(types.text) },
})

/** What an agent can do. The answer does not change while it runs: callers keep it for ten minutes. */
export const CapabilitiesServiceV2 = defineService('ICapabilitiesServiceV2', {
  getCapabilities: method([], CapabilitiesResponseV2),
})

/** The services that an agent names; the names are those of the interfaces. */
export const agentCapabilities = ['IScriptService', 'IFileTransferService', 'IScriptServiceV2'] as const

/** What an agent can do that has no capabilities service at all. */
export const capabilitiesOfOldAgents = ['IScriptService', 'IFileTransferService'] as const

/**
 * Named by our own agent: `"$TentacleExecutablePath" deploy-package …` and `run-script …` work in its scripts, so
 * nothing has to be brought along. Agents without it are driven by plain scripts.
 */
export const deployerCapability = 'TentacleDeployerV1'

/** Whether an agent named a capability. Case means nothing. */
export function hasCapability(response: CapabilitiesResponseV2, capability: string): boolean {
  const wanted = capability.toLowerCase()
  return response.supportedCapabilities.some(name => name.toLowerCase() === wanted)
}
