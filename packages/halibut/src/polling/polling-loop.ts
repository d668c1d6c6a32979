import { Cancellation, pause } from '../client/cancellation.ts'
import { HalibutError, toError } from '../errors.ts'
import type { Connection } from '../exchange/connection.ts'
import type { ServingParts } from '../listening/serve-client.ts'
import { decodeRequest } from '../messages/request.ts'
import type { LiveConnection } from '../runtime/connections.ts'
import type { HalibutLogEntry, PollingState } from '../runtime/halibut.ts'
import { answerRequest } from '../services/answer-request.ts'
import type { Thumbprint } from '../tls/thumbprint.ts'
import { Backoff } from './backoff.ts'

/** Whom to poll, and how. */
export interface PollingLoopParts extends Omit<ServingParts, 'isStopping'> {
  /** In normal form. */
  readonly subscription: string
  /** The server's address, for messages. */
  readonly server: string
  readonly serverThumbprint: Thumbprint
  /** Makes a connection whose server is checked already. */
  readonly connect: (signal: AbortSignal) => Promise<LiveConnection>
  readonly log: (entry: HalibutLogEntry) => void
}

/** One connection after another to one server, forever: connection, requests, pause (docs/wire/halibut.md, "Reconnecting"). */
export class PollingLoop {
  state: PollingState = { kind: 'connecting' }
  readonly #parts: PollingLoopParts
  /** Told when a call begins and when it has ended. */
  readonly #onChange: () => void
  #isBusy = false
  #isRetiring = false
  readonly #backoff: Backoff
  readonly #stopping = new Cancellation()
  /** Set while a request may arrive: then stopping need not wait for anything. */
  #waiting: Connection | undefined

  constructor(parts: PollingLoopParts, onChange: () => void) {
    this.#parts = parts
    this.#onChange = onChange
    this.#backoff = new Backoff(parts.limits)
  }

  /** Whether a call is carried out. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  async run(): Promise<void> {
    while (!this.#stopping.isCancelled && !this.#isRetiring) {
      const failure = await this.#pass()
      if (this.#stopping.isCancelled || this.#isRetiring) break
      const pauseMs = this.#backoff.pauseAfter(performance.now(), failure !== undefined)
      this.state = { kind: 'waiting', error: failure, nextAttempt: new Date(Date.now() + pauseMs) }
      this.#report(failure, pauseMs)
      await pause(pauseMs, this.#stopping)
    }
    this.state = { kind: 'stopped' }
  }

  stop(): void {
    this.#stopping.cancel(() => stopped())
    this.#waiting?.hangUp(stopped())
  }

  /**
   * Ends when the server has no request for it, which is at most as long as the server waits with its word for that: a
   * connection that is cut while it waits might lose a request.
   */
  retire(isRetiring: boolean): void {
    this.#isRetiring = isRetiring
  }

  /** One connection from its beginning to its end. @returns why it failed */
  async #pass(): Promise<unknown> {
    this.state = { kind: 'connecting' }
    const abort = new AbortController()
    const stopListening = this.#stopping.onCancel(() => abort.abort())
    try {
      const live = await this.#connected(abort.signal)
      try {
        await this.#introduced(live)
        await this.#serve(live)
        return undefined
      } finally {
        live.connection.hangUp()
      }
    } catch (error) {
      return error
    } finally {
      stopListening()
    }
  }

  /** Short troubles are sat out here; what will not pass within seconds ends the pass at once. */
  async #connected(signal: AbortSignal): Promise<LiveConnection> {
    const { limits, connect } = this.#parts
    const startedAt = performance.now()
    for (let attempt = 1; ; attempt++) {
      try {
        return await connect(signal)
      } catch (error) {
        const isLate = performance.now() - startedAt >= limits.connectionErrorRetryTimeoutMs
        if (attempt >= limits.retryCountLimit || isLate || this.#stopping.isCancelled || !isPassing(error))
          throw error
      }
      await pause(limits.retryListeningSleepIntervalMs, this.#stopping)
    }
  }

  async #introduced({ connection }: LiveConnection): Promise<void> {
    const { subscription, server, log } = this.#parts
    this.#waiting = connection
    try {
      await connection.introduce({ kind: 'subscriber', subscription })
    } finally {
      this.#waiting = undefined
    }
    this.#backoff.identified()
    this.state = { kind: 'connected', since: new Date() }
    log({ level: 'info', endpoint: server, message: `Polling ${server} as ${subscription}` })
  }

  async #serve({ connection, info }: LiveConnection): Promise<void> {
    const { limits, dispatcher, serverThumbprint } = this.#parts
    const caller = { thumbprint: serverThumbprint, remoteAddress: info.remoteAddress }
    while (!this.#stopping.isCancelled) {
      this.#waiting = connection
      const document = await connection.receive(limits.tcpClientReceiveRequestTimeoutForPollingMs)
      this.#waiting = undefined
      if (!document) return
      const request = decodeRequest(document)
      if (request) await this.#answer(() => answerRequest(connection, request, dispatcher, caller))
      if (this.#stopping.isCancelled || (this.#isRetiring && !request)) return await connection.end()
      this.#waiting = connection
      await connection.next()
    }
  }

  async #answer(run: () => Promise<void>): Promise<void> {
    this.#isBusy = true
    this.#onChange()
    try {
      await this.#parts.activity.during(run)
    } finally {
      this.#isBusy = false
      this.#onChange()
    }
  }

  #report(failure: unknown, pauseMs: number): void {
    const { server, log } = this.#parts
    const reason = failure === undefined ? 'the server ended the connection.' : toError(failure).message
    log({
      level: failure === undefined ? 'info' : 'warn',
      endpoint: server,
      message: `Polling ${server} was interrupted: ${reason} Trying again in ${(pauseMs / 1000).toFixed(1)} s.`,
      error: failure,
    })
  }
}

/** Refused, unknown and untrusted servers stay so for a while. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof HalibutError) || error.code !== 'ERR_CONNECT') return false
  return error.details.isUnknownHost !== true && error.details.systemCode !== 'ECONNREFUSED'
}

function stopped(): HalibutError {
  return new HalibutError('ERR_CLOSED', 'Polling was stopped.')
}
