import type { HostedService } from '@tentacle/halibut'
import type { Log } from '../logging/log.ts'

/** What the agent offers to the servers that it trusts. Made once the instance's settings are known. */
export interface AgentServices {
  readonly hosted: readonly HostedService[]
  /** Deletes workspaces that nobody has asked about for longer than `olderThanMs`. */
  cleanWorkspaces(olderThanMs: number): Promise<void>
  /** From now on callers hear that the agent is stopping. Scripts go on. */
  beginStop(): void
  /** Lets go of what the services hold. Scripts go on, and the next agent finds them. */
  close(): Promise<void>
}

/** What services need to know of the instance. */
export interface AgentServicesOptions {
  /** The folder with the workspaces; relative paths of file transfers start here too. */
  readonly home: string
  /** What scripts find in their environment beside the agent's own. */
  readonly environment: Readonly<Record<string, string>>
  /** Blotted out of what scripts print. */
  readonly secrets: readonly string[]
  /** The account that scripts run as. */
  readonly user: string
  readonly log: Log
}

export type OpenAgentServices = (options: AgentServicesOptions) => Promise<AgentServices>
