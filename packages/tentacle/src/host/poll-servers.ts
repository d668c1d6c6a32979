import type { Halibut, HttpProxy, Polling, Thumbprint } from '@tentacle/halibut'
import type { Log } from '../logging/log.ts'
import type { ProxySettings, TentacleSettings } from '../settings/tentacle-settings.ts'
import { normalizedAddress, type TrustedServer } from '../settings/trusted-servers.ts'
import { usableThumbprint } from './trust-servers.ts'

/** More connections than this are no use to anybody. */
const maximumConnections = 512

/**
 * How long all connections must be busy, in ms, before there is one more for short calls. The original's server lets the
 * start of a script wait for its end for 5 s, and uploads take as long as they take: both keep a connection.
 */
const spareAfterMs = 1000

/** What polling needs. */
export interface PollServersOptions {
  readonly halibut: Pick<Halibut, 'poll'>
  readonly settings: TentacleSettings
  readonly proxy: ProxySettings
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

/** A server that is polled. */
export interface PolledServer {
  readonly baseUri: string
  readonly thumbprint: Thumbprint
  /** How many connections to it are wanted. */
  readonly connections: number
  readonly polling: Polling
}

/** Starts to poll every server that is set to be polled. Entries that cannot be used are reported and left out. */
export function pollServers({ halibut, settings, proxy, env, log }: PollServersOptions): PolledServer[] {
  const connections = connectionCount(settings, env, log)
  return settings.trustedServers
    .filter(({ style }) => style === 'TentacleActive')
    .flatMap(entry => {
      const target = targetOf(entry, settings, log)
      if (target === undefined) return []
      log.info(
        `Agent will poll Octopus Server at ${target.baseUri} for subscription ${target.subscription} expecting thumbprint ${entry.thumbprint}`,
      )
      log.info(`Starting ${connections} polling connections`)
      const { subscription, baseUri, thumbprint } = target
      const server = { baseUri, thumbprint, proxy: httpProxy(proxy) }
      const polling = halibut.poll({ subscription, server, connections, spareAfterMs })
      return [{ baseUri, thumbprint, connections, polling }]
    })
}

function targetOf(server: TrustedServer, settings: TentacleSettings, log: Log) {
  const { address, thumbprint } = server
  const usable = usableThumbprint(thumbprint)
  const squid = settings.squid
  const subscription =
    server.subscriptionId ?? (squid === undefined ? undefined : `poll://${squid.toLowerCase()}/`)
  if (address === null) {
    log.warn(
      `The server with the thumbprint ${thumbprint} cannot be polled: it has no address. Set one with server-comms.`,
    )
  } else if (!/^(https|wss):/i.test(address) || !URL.canParse(address)) {
    log.warn(
      `The server at ${address} cannot be polled: only addresses that start with https:// or wss:// can. Set one with server-comms.`,
    )
  } else if (subscription === undefined) {
    log.warn(
      `The server at ${address} cannot be polled: it has no subscription. Set it up again with server-comms.`,
    )
  } else if (usable === undefined) {
    log.warn(`The server at ${address} cannot be polled: '${thumbprint}' is not a thumbprint.`)
  } else return { baseUri: normalizedAddress(address), subscription, thumbprint: usable }
  return undefined
}

/** The environment comes first, so that containers of one image can differ (docs/wire/tentacle-settings.md 8). */
function connectionCount(settings: TentacleSettings, env: PollServersOptions['env'], log: Log): number {
  const typed = env.TentaclePollingConnectionCount
  const fromEnvironment = typed === undefined || typed.trim() === '' ? undefined : Number(typed)
  if (fromEnvironment !== undefined && !Number.isInteger(fromEnvironment)) {
    log.warn(`TentaclePollingConnectionCount is '${typed}', which is not a whole number; it is not used.`)
  } else if (fromEnvironment !== undefined) {
    log.debug(
      `The number of polling connections is that of TentaclePollingConnectionCount: ${fromEnvironment}`,
    )
    return clamp(fromEnvironment)
  }
  return clamp(settings.pollingConnectionCount ?? 1)
}

function clamp(count: number): number {
  return Math.min(Math.max(count, 1), maximumConnections)
}

function httpProxy({ host, port, username, password }: ProxySettings): HttpProxy | null {
  if (host === undefined) return null
  return {
    host,
    port,
    ...(username === undefined ? {} : { userName: username }),
    ...(password === undefined ? {} : { password }),
  }
}
