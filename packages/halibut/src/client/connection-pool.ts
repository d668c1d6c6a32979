import type { Connection } from '../exchange/connection.ts'
import type { HalibutLimits } from '../runtime/limits.ts'

interface Idle {
  readonly connection: Connection
  expiry: NodeJS.Timeout
  readonly stopWatching: () => void
}

/** The least time that a service waits longer than we keep a connection to it. */
const safetyMs = 10_000

/**
 * Connections above the number that is kept are closed this much later: callers that come in bursts would otherwise
 * shake hands anew for every call.
 */
const surplusLifetimeMs = 2000

/**
 * Connections to listening services between two calls, by endpoint (docs/wire/halibut.md, "Pool"). One that the
 * service closes, or says anything on, is dropped at once: nothing may be said on an idle connection.
 */
export class ConnectionPool {
  readonly #idle = new Map<string, Idle[]>()
  readonly #perEndpoint: number
  readonly #lifetimeMs: number
  #isClosed = false

  constructor(limits: HalibutLimits) {
    const { tcpClientPooledConnectionTimeoutMs, tcpListeningNextRequestIdleTimeoutMs } = limits
    this.#perEndpoint = limits.idleConnectionsPerEndpoint
    this.#lifetimeMs =
      tcpClientPooledConnectionTimeoutMs < tcpListeningNextRequestIdleTimeoutMs
        ? tcpClientPooledConnectionTimeoutMs
        : Math.max(0, tcpListeningNextRequestIdleTimeoutMs - safetyMs)
  }

  /** The connection that was used last. The service must still confirm it with `PROCEED`. */
  take(key: string): Connection | undefined {
    const idle = this.#idle.get(key)?.at(-1)
    if (idle) this.#remove(key, idle)
    return idle?.connection
  }

  /** Keeps a connection after a successful exchange. Of too many the oldest are closed, after a little while. */
  give(key: string, connection: Connection): void {
    if (this.#isClosed || connection.source.failure || connection.source.available > 0) {
      void connection.end()
      return
    }
    const connections = this.#idle.get(key) ?? []
    this.#idle.set(key, connections)
    const drop = () => this.#close(key, idle)
    const idle: Idle = {
      connection,
      expiry: setTimeout(drop, this.#lifetimeMs),
      stopWatching: connection.source.onDisturbance(drop),
    }
    connections.push(idle)
    const surplus = connections.at(-1 - this.#perEndpoint)
    if (surplus) {
      clearTimeout(surplus.expiry)
      surplus.expiry = setTimeout(
        () => this.#close(key, surplus),
        Math.min(surplusLifetimeMs, this.#lifetimeMs),
      )
    }
  }

  /** Closes the idle connections to an endpoint. */
  async drop(key: string): Promise<void> {
    const idle = [...(this.#idle.get(key) ?? [])]
    for (const entry of idle) this.#remove(key, entry)
    await Promise.all(idle.map(({ connection }) => connection.end()))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#idle.keys()].map(key => this.drop(key)))
  }

  #close(key: string, idle: Idle): void {
    this.#remove(key, idle)
    void idle.connection.end()
  }

  #remove(key: string, idle: Idle): void {
    clearTimeout(idle.expiry)
    idle.stopWatching()
    const connections = this.#idle.get(key)
    const index = connections?.indexOf(idle) ?? -1
    if (index >= 0) connections?.splice(index, 1)
    if (connections?.length === 0) this.#idle.delete(key)
  }
}
