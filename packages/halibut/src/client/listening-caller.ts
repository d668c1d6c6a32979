import { HalibutError, toError } from '../errors.ts'
import type { Connection } from '../exchange/connection.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import type { Thumbprint } from '../tls/thumbprint.ts'
import type { ListeningAddress, ServiceEndPoint } from '../transport/endpoint.ts'
import { type Cancellation, pause } from './cancellation.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { type Answer, callFailed, exchange, type OutgoingCall } from './outgoing-call.ts'

/** A listening service, with everything that is needed to call it. */
export interface ListeningTarget {
  readonly address: ListeningAddress
  readonly thumbprint: Thumbprint
  readonly endpoint: ServiceEndPoint
  /** Equal for endpoints that can share connections. */
  readonly poolKey: string
}

/** Makes a connection whose server is checked already. */
export type Connect = (target: ListeningTarget, signal: AbortSignal) => Promise<Connection>

interface CallerParts {
  readonly limits: HalibutLimits
  readonly pool: ConnectionPool
  readonly connect: Connect
}

/** What one call has been through. */
interface Attempts {
  readonly startedAt: number
  count: number
  /** Pooled connections that turned out to be dead. */
  deadConnections: number
}

/**
 * Calls listening services: over a pooled connection if there is one, else over a new one. Connecting is tried
 * again; once the request is on its way nothing is (docs/wire/halibut.md, "Retries").
 */
export class ListeningCaller {
  readonly #limits: HalibutLimits
  readonly #pool: ConnectionPool
  readonly #connect: Connect
  readonly #inUse = new Map<string, Set<Connection>>()

  constructor({ limits, pool, connect }: CallerParts) {
    this.#limits = limits
    this.#pool = pool
    this.#connect = connect
  }

  async call(target: ListeningTarget, call: OutgoingCall): Promise<unknown> {
    const connection = await this.#acquire(target, call)
    const { cancellation } = call
    const release = this.#markInUse(target.poolKey, connection)
    const stopListening = cancellation.onCancel(() => connection.hangUp(cancellation.error('unknown')))
    let answer: Answer
    try {
      answer = await exchange(connection, call, this.#limits.tcpClientReceiveResponseTimeoutMs)
      this.#pool.give(target.poolKey, connection)
    } catch (error) {
      connection.hangUp()
      throw cancellation.isCancelled ? cancellation.error('unknown') : callFailed(call, error, 'unknown')
    } finally {
      stopListening()
      release()
    }
    if (answer.kind === 'error') throw answer.error
    return answer.value
  }

  /** Closes the connections to an endpoint: idle ones politely, the others at once. */
  disconnect(poolKey: string): void {
    void this.#pool.drop(poolKey)
    for (const connection of this.#inUse.get(poolKey) ?? []) connection.hangUp()
  }

  /** A connection on which a request can be written now. */
  async #acquire(target: ListeningTarget, call: OutgoingCall): Promise<Connection> {
    const attempts: Attempts = { startedAt: performance.now(), count: 0, deadConnections: 0 }
    for (;;) {
      attempts.count++
      try {
        return (
          (await this.#fromPool(target, call.cancellation, attempts)) ??
          (await this.#dialled(target, call.cancellation))
        )
      } catch (error) {
        if (call.cancellation.isCancelled) throw call.cancellation.error('connecting')
        if (!this.#mayTryAgain(target, attempts, error)) throw callFailed(call, error, 'connecting')
      }
      await pause(
        target.endpoint.retryListeningSleepIntervalMs ?? this.#limits.retryListeningSleepIntervalMs,
        call.cancellation,
      )
      if (call.cancellation.isCancelled) throw call.cancellation.error('connecting')
    }
  }

  async #fromPool(
    { poolKey }: ListeningTarget,
    cancellation: Cancellation,
    attempts: Attempts,
  ): Promise<Connection | undefined> {
    const connection = this.#pool.take(poolKey)
    if (!connection) return undefined
    const stopListening = cancellation.onCancel(() => connection.hangUp())
    try {
      await connection.next()
      return connection
    } catch (error) {
      connection.hangUp()
      // Where two are dead the others most likely are, too: the service was restarted.
      if (++attempts.deadConnections === 2) await this.#pool.drop(poolKey)
      throw error
    } finally {
      stopListening()
    }
  }

  async #dialled(target: ListeningTarget, cancellation: Cancellation): Promise<Connection> {
    const abort = new AbortController()
    let connection: Connection | undefined
    const stopListening = cancellation.onCancel(() => {
      abort.abort()
      connection?.hangUp()
    })
    try {
      connection = await this.#connect(target, abort.signal)
      await connection.introduce({ kind: 'client' })
      return connection
    } catch (error) {
      connection?.hangUp()
      throw toError(error)
    } finally {
      stopListening()
    }
  }

  #mayTryAgain({ endpoint }: ListeningTarget, attempts: Attempts, error: unknown): boolean {
    const isFinal =
      error instanceof HalibutError &&
      (error.code === 'ERR_UNTRUSTED_PEER' || error.details.isUnknownHost === true)
    const elapsedMs = performance.now() - attempts.startedAt
    return (
      !isFinal &&
      attempts.count < (endpoint.retryCountLimit ?? this.#limits.retryCountLimit) &&
      elapsedMs < (endpoint.connectionErrorRetryTimeoutMs ?? this.#limits.connectionErrorRetryTimeoutMs)
    )
  }

  #markInUse(poolKey: string, connection: Connection): () => void {
    const connections = this.#inUse.get(poolKey) ?? new Set()
    this.#inUse.set(poolKey, connections.add(connection))
    return () => {
      connections.delete(connection)
      if (connections.size === 0 && this.#inUse.get(poolKey) === connections) this.#inUse.delete(poolKey)
    }
  }
}
