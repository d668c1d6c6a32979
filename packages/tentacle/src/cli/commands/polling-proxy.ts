import { pollingProxyKeys } from '../../settings/settings-keys.ts'
import { proxyCommand } from './proxy-command.ts'

/** The proxy for polling connections and for calls to the web API of a server. */
export const pollingProxy = proxyCommand(pollingProxyKeys)
