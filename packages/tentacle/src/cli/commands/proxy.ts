import { agentProxyKeys } from '../../settings/settings-keys.ts'
import { proxyCommand } from './proxy-command.ts'

/** The proxy of the agent, which scripts find in their environment. */
export const proxy = proxyCommand(agentProxyKeys)
