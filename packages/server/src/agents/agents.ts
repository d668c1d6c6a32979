import {
  type Certificate,
  createHalibut,
  type HalibutLimits,
  type HalibutListener,
  type HalibutLogEntry,
  parseThumbprint,
  recommendedLimits,
  type Thumbprint,
} from '@tentacle/halibut'
import type { Store } from '../db/store.ts'
import { ServerError, toError } from '../errors.ts'
import type { EventHub } from '../live/event-hub.ts'
import type { AnyMachine, ConnectionLogLine } from '../model/machine.ts'
import type { SecretVault } from '../model/secret.ts'
import { type CallObserver, createCallMeter } from './call-metrics.ts'
import { createConnectionLog } from './connection-log.ts'
import { endpointOf, policyOf, proxyById, subscriptionKey } from './endpoints.ts'
import { createStrangerLog } from './stranger-log.ts'
import { createCapabilityCache, createTentacle, type Tentacle } from './tentacle.ts'

/** An original Tentacle answers with everything that a script has printed since the last question: a million lines. */
const maximumValuesPerMessage = 5_000_000

/** The log that the room writes to; a pino logger fits. */
export interface AgentsLogger {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export interface AgentsOptions {
  /** The server's own certificate: what Tentacles trust. */
  readonly certificate: Certificate
  readonly store: Store
  readonly vault: SecretVault
  readonly hub: EventHub
  readonly logger: AgentsLogger
  /** Changes to the recommended limits. */
  readonly limits?: Partial<HalibutLimits>
  /** Where received files wait; default: the system's temporary folder. */
  readonly temporaryFolder?: string
  /** Hears of every call. Default: nobody does. */
  readonly observer?: CallObserver
}

/** Everything that has to do with Tentacles over the wire. */
export interface Agents {
  /** The server's thumbprint. */
  readonly thumbprint: Thumbprint
  /**
   * Opens the port that polling Tentacles dial. Throws HalibutError `ERR_LISTEN` when it is taken. Returns the port,
   * which matters when 0 was asked for.
   */
  listen(at: { readonly port: number; readonly host?: string }): Promise<HalibutListener>
  /** To be called after machines were created, changed or deleted: connections of those no longer trusted are cut. */
  refreshTrust(): Promise<void>
  /** The client of a machine's Tentacle, as the machine and its policy are now. */
  tentacle(machine: AnyMachine): Promise<Tentacle>
  /**
   * The certificate that a listening Tentacle shows. Throws `ERR_MACHINE_UNREACHABLE` with a text for people when
   * nothing answers there.
   */
  discover(at: {
    readonly host: string
    readonly port: number
    readonly proxyId?: string | null
    readonly signal?: AbortSignal
  }): Promise<Thumbprint>
  /** What happened lately with this machine's connections, oldest first. */
  connectionLog(machineId: string): readonly ConnectionLogLine[]
  /** True while at least one connection of the polling machine waits for work here. */
  isPolling(machine: AnyMachine): boolean
  /** How many connections of polling machines wait for work here. */
  pollingConnections(): number
  close(): Promise<void>
}

/** A connection attempt of the "add a machine" page gives up after this. */
const discoverTimeoutMs = 15_000

const friendlyHtml = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Tentacle communication port</title></head>
<body><h1>This port is for Tentacles</h1>
<p>A server listens here for Tentacles that fetch their work. It is ready. The portal has another address.</p>
</body></html>
`

/** Opens the Halibut side of the server. Nothing listens before `listen`. */
export async function createAgents(options: AgentsOptions): Promise<Agents> {
  const { certificate, store, vault, hub, logger } = options
  const connectionLog = createConnectionLog(store.now)
  const strangers = createStrangerLog()
  const capabilities = createCapabilityCache()
  /** Subscription → the thumbprints that may collect its work, with the machines they belong to. */
  let subscriptions = new Map<string, readonly AnyMachine[]>()
  const connections = new Map<string, number>()

  const halibut = createHalibut({
    certificate,
    limits: { ...recommendedLimits, maximumValuesPerMessage, ...options.limits },
    friendlyPage: { html: friendlyHtml },
    ...(options.temporaryFolder === undefined ? {} : { temporaryFolder: options.temporaryFolder }),
    log: writeLog,
    onUnauthorizedConnect({ address, thumbprint, clientName }) {
      const skipped = strangers.shouldTell(address, thumbprint)
      if (skipped !== undefined) {
        logger.warn(
          { address, thumbprint, clientName, skipped },
          'A connection was turned away: no machine of this server has the certificate that it showed',
        )
      }
      return 'block'
    },
    authorizeSubscription(subscription, thumbprint) {
      if (machinesOf(subscription, thumbprint).length > 0) return true
      const skipped = strangers.shouldTell(subscription, thumbprint)
      if (skipped !== undefined) {
        logger.warn(
          { subscription, thumbprint, skipped },
          'A Tentacle asked for the work of a subscription that does not belong to its certificate',
        )
      }
      return false
    },
    observer: {
      subscriberConnected(subscription, thumbprint) {
        countConnection(subscription, thumbprint, 1)
      },
      subscriberDisconnected(subscription, thumbprint) {
        countConnection(subscription, thumbprint, -1)
      },
    },
  })

  function writeLog({ level, endpoint, message, error }: HalibutLogEntry): void {
    const facts = error === undefined ? { endpoint } : { endpoint, err: toError(error) }
    // What the library calls information is one line for each connection: too much for an operator's log.
    if (level === 'error') logger.error(facts, message)
    else if (level === 'warn') logger.warn(facts, message)
    else if (level === 'info') logger.debug(facts, message)
  }

  function machinesOf(subscription: string, thumbprint: string): readonly AnyMachine[] {
    const machines = subscriptions.get(subscriptionKey(subscription)) ?? []
    return machines.filter(machine => machine.endpoint.thumbprint === thumbprint)
  }

  function countConnection(subscription: string, thumbprint: string, by: 1 | -1): void {
    const key = subscriptionKey(subscription)
    const before = connections.get(key) ?? 0
    const after = before + by
    if (after > 0) connections.set(key, after)
    else connections.delete(key)
    // The first connection and the last one are news; those beside them are not.
    if (by === 1 ? before > 0 : after > 0) return
    for (const machine of machinesOf(subscription, thumbprint)) {
      const text = by === 1 ? 'The Tentacle connected and waits for work.' : 'The Tentacle disconnected.'
      connectionLog.add(machine.id, by === 1 ? 'Info' : 'Warning', text)
      hub.publish({ kind: 'machine', machineId: machine.id, change: 'changed' })
    }
  }

  async function refreshTrust(): Promise<void> {
    const [machines, workers] = [await store.machines.list(), await store.workers.list()]
    const all: readonly AnyMachine[] = [...machines.items, ...workers.items]
    const bySubscription = new Map<string, AnyMachine[]>()
    for (const machine of all) {
      if (machine.endpoint.style !== 'TentacleActive') continue
      const key = subscriptionKey(machine.endpoint.uri)
      const sharing = bySubscription.get(key) ?? []
      sharing.push(machine)
      bySubscription.set(key, sharing)
    }
    subscriptions = bySubscription
    halibut.trust.only(all.map(machine => parseThumbprint(machine.endpoint.thumbprint)))
  }

  await refreshTrust()
  return {
    thumbprint: certificate.thumbprint,
    listen: at => halibut.listen(at),
    refreshTrust,
    async tentacle(machine) {
      const policy = await policyOf(store, machine)
      const endpoint = await endpointOf(store, vault, machine, policy)
      const { enabled, durationMs } = policy.rpcCallRetry
      const meter = createCallMeter({
        machineId: machine.id,
        observer: options.observer ?? {},
        now: store.now,
        onError: err => logger.error({ err, machineId: machine.id }, 'A call could not be measured'),
      })
      return createTentacle({
        halibut,
        machine,
        endpoint,
        retries: { enabled, durationMs },
        capabilities,
        meter,
      })
    },
    async discover({ host, port, proxyId = null, signal }) {
      const address = `https://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}/`
      try {
        return await halibut.discover(address, {
          timeoutMs: discoverTimeoutMs,
          ...(signal === undefined ? {} : { signal }),
          ...(proxyId === null ? {} : { proxy: await proxyById(store, vault, proxyId) }),
        })
      } catch (error) {
        throw new ServerError(
          'ERR_MACHINE_UNREACHABLE',
          `No Tentacle answered at ${address}: ${toError(error).message} Is it running, is the port right, and do ` +
            'firewalls on the way let this server connect?',
          { cause: error, details: { host, port } },
        )
      }
    },
    connectionLog: machineId => connectionLog.of(machineId),
    isPolling: ({ endpoint }) =>
      endpoint.style === 'TentacleActive' && connections.has(subscriptionKey(endpoint.uri)),
    pollingConnections: () => [...connections.values()].reduce((sum, count) => sum + count, 0),
    close: () => halibut.close(),
  }
}
