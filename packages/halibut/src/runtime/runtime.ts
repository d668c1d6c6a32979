import { createSecureContext, type SecureContext } from 'node:tls'
import type { Cancellation } from '../client/cancellation.ts'
import { ConnectionPool } from '../client/connection-pool.ts'
import { ListeningCaller, type ListeningTarget } from '../client/listening-caller.ts'
import type { OutgoingCall } from '../client/outgoing-call.ts'
import { ResponseCache } from '../client/response-cache.ts'
import { createServiceClient } from '../client/service-client.ts'
import type { ServiceClient, ServiceContract } from '../contract/service-contract.ts'
import { HalibutError } from '../errors.ts'
import { ReceivedFiles } from '../exchange/received-files.ts'
import { ConnectionGate } from '../listening/connection-gate.ts'
import { type Guest, Reception } from '../listening/incoming.ts'
import { openListener } from '../listening/listener.ts'
import { serveClient } from '../listening/serve-client.ts'
import { encodeEndpoint } from '../messages/endpoint-document.ts'
import { PollingService } from '../polling/polling-service.ts'
import { Queues } from '../polling/queues.ts'
import { serveSubscriber } from '../polling/serve-subscriber.ts'
import { Dispatcher } from '../services/dispatcher.ts'
import type { Certificate } from '../tls/certificate.ts'
import { SessionCache } from '../tls/session-cache.ts'
import type { Thumbprint } from '../tls/thumbprint.ts'
import { tlsSettings } from '../tls/tls-settings.ts'
import { checkServer, TrustStore } from '../tls/trust.ts'
import { dial } from '../transport/dial.ts'
import { discover } from '../transport/discover.ts'
import {
  checkProxy,
  isPolling,
  type ListeningAddress,
  limitsFor,
  normalizeSubscription,
  parseListeningAddress,
  parsePolledAddress,
  type ServiceEndPoint,
} from '../transport/endpoint.ts'
import { openWebSocket } from '../websocket/open-web-socket.ts'
import { checkWebSocketPath } from '../websocket/upgrade.ts'
import { Activity } from './activity.ts'
import { Connections, type LiveConnection } from './connections.ts'
import { guardedObserver } from './guarded-observer.ts'
import type { Halibut, HalibutListener, HalibutLogEntry, HalibutOptions, Polling } from './halibut.ts'
import { defaultLimits, type HalibutLimits } from './limits.ts'

/** A method that does not listen to its signal is waited for this long when the runtime closes, then left alone. */
const stubbornMethodMs = 2000

/**
 * A listener of .NET asks for the certificate after the upgrade of a WebSocket. In TLS 1.2 that can be answered; in
 * TLS 1.3 it would need an extension that Node.js does not offer (docs/wire/halibut.md, "Polling over WebSockets").
 */
const webSocketTlsVersion = 'TLSv1.2'

/** Puts the parts together. */
export class HalibutRuntime implements Halibut {
  readonly certificate: Certificate
  readonly trust: TrustStore
  readonly #options: HalibutOptions
  readonly #limits: HalibutLimits
  readonly #files: ReceivedFiles
  readonly #connections: Connections
  readonly #dispatcher: Dispatcher
  readonly #queues: Queues
  readonly #pool: ConnectionPool
  readonly #caller: ListeningCaller
  readonly #reception: Reception
  readonly #gate: ConnectionGate
  /** Requests that are answered, and calls that are made. */
  readonly #activity = new Activity()
  readonly #calls = new Set<Cancellation>()
  readonly #listeners = new Set<HalibutListener>()
  readonly #pollings = new Set<Polling>()
  readonly #dials = new AbortController()
  #secureContext: SecureContext | undefined
  #webSocketContext: SecureContext | undefined
  readonly #sessions = new SessionCache()
  readonly #cache: ResponseCache
  #closing: Promise<void> | undefined

  constructor(given: HalibutOptions) {
    const observer = guardedObserver(given.observer ?? {}, entry => this.#log(entry))
    const options = { ...given, observer }
    this.#options = options
    this.certificate = options.certificate
    const limits = { ...defaultLimits, ...options.limits }
    this.#limits = limits
    this.#files = new ReceivedFiles(options.temporaryFolder, limits.maximumTemporaryBytes)
    this.#connections = new Connections({ limits, files: this.#files }, observer)
    this.trust = new TrustStore(options.trust ?? [], thumbprint => this.#connections.cut(thumbprint))
    this.#dispatcher = new Dispatcher(options.services ?? [], options.unknownService)
    this.#cache = new ResponseCache(options.cacheError)
    this.#queues = new Queues(limits)
    this.#pool = new ConnectionPool(limits)
    this.#caller = new ListeningCaller({
      limits,
      pool: this.#pool,
      connect: async (target, signal) => (await this.#connect(target, signal)).connection,
    })
    this.#gate = new ConnectionGate(limits, entry => this.#log(entry))
    this.#reception = new Reception({
      limits,
      options,
      connections: this.#connections,
      trust: this.trust,
      log: entry => this.#log(entry),
      serve: guest => {
        this.#gate.identified(guest.info.remoteAddress)
        return this.#serve(guest)
      },
    })
  }

  async listen(at: {
    readonly port: number
    readonly host?: string
    readonly webSocketPath?: string
  }): Promise<HalibutListener> {
    this.#checkOpen()
    const { webSocketPath } = at
    if (webSocketPath !== undefined) checkWebSocketPath(webSocketPath)
    const opened = await openListener(at, {
      tls: tlsSettings(this.certificate, this.#options.minimumTlsVersion ?? 'TLSv1.2'),
      limits: this.#limits,
      log: entry => this.#log(entry),
      gate: this.#gate,
      refused: (address, reason) => this.#options.observer?.connectionRefused?.(address, reason),
      receive: socket => this.#reception.receive(socket, webSocketPath),
    })
    const listener: HalibutListener = {
      ...opened,
      close: async () => {
        await opened.close()
        this.#listeners.delete(listener)
      },
    }
    this.#listeners.add(listener)
    return listener
  }

  poll(at: {
    readonly subscription: string
    readonly server: ServiceEndPoint
    readonly connections?: number
    readonly spareAfterMs?: number
  }): Polling {
    this.#checkOpen()
    const target = this.#target(at.server, parsePolledAddress(at.server.baseUri))
    const polling = new PollingService({
      subscription: normalizeSubscription(at.subscription),
      server: target.address.baseUri,
      serverThumbprint: target.thumbprint,
      connections: at.connections ?? 1,
      spareAfterMs: at.spareAfterMs,
      limits: limitsFor(at.server, this.#limits),
      dispatcher: this.#dispatcher,
      activity: this.#activity,
      connect: signal => this.#connect(target, signal),
      log: entry => this.#log(entry),
    })
    this.#pollings.add(polling)
    return polling
  }

  client<S extends ServiceContract>(contract: S, endpoint: ServiceEndPoint): ServiceClient<S> {
    if (isPolling(endpoint)) {
      const subscription = normalizeSubscription(endpoint.baseUri)
      const timeoutMs = endpoint.pollingRequestQueueTimeoutMs ?? this.#limits.pollingRequestQueueTimeoutMs
      return createServiceClient(contract, {
        endpoint: subscription,
        document: encodeEndpoint(endpoint, subscription, this.#limits),
        cache: this.#cache,
        cacheKey: JSON.stringify([subscription, endpoint.thumbprint ?? null]),
        call: call =>
          this.#call(call, () => this.#queues.call(subscription, call, endpoint.thumbprint, timeoutMs)),
      })
    }
    const target = this.#target(endpoint)
    return createServiceClient(contract, {
      endpoint: target.address.baseUri,
      document: encodeEndpoint(endpoint, target.address.baseUri, this.#limits),
      cache: this.#cache,
      cacheKey: target.poolKey,
      call: call => this.#call(call, () => this.#caller.call(target, call)),
    })
  }

  disconnect(endpoint: ServiceEndPoint): void {
    if (!isPolling(endpoint)) this.#caller.disconnect(this.#target(endpoint).poolKey)
  }

  async discover(
    address: string,
    { signal, ...options }: NonNullable<Parameters<Halibut['discover']>[1]> = {},
  ): Promise<Thumbprint> {
    this.#checkOpen()
    return discover(address, {
      ...options,
      signal: signal ? AbortSignal.any([signal, this.#dials.signal]) : this.#dials.signal,
      limits: this.#limits,
      minVersion: this.#options.minimumTlsVersion ?? 'TLSv1.2',
    })
  }

  close({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close(graceMs: number): Promise<void> {
    const stopped = Promise.all([...this.#pollings].map(polling => polling.stop()))
    await this.#activity.idle(graceMs)
    const closed = new HalibutError('ERR_CLOSED', 'This Halibut was closed.')
    for (const call of this.#calls) call.cancel(connectionState => closedError(connectionState))
    this.#dials.abort()
    await this.#pool.close()
    this.#connections.cutAll(closed)
    const ended = Promise.all([...this.#listeners].map(listener => listener.close()))
    await within(Promise.all([ended, stopped]), stubbornMethodMs)
    await this.#files.close()
  }

  /** Makes a connection to a listening peer, and checks who that is before anything is written. */
  async #connect(
    { address, thumbprint, endpoint, poolKey }: ListeningTarget,
    signal: AbortSignal,
  ): Promise<LiveConnection> {
    const anySignal = AbortSignal.any([signal, this.#dials.signal])
    const { socket, thumbprint: shown } = await dial({
      address,
      proxy: endpoint.proxy,
      forceResolveHost: endpoint.forceResolveHost,
      secureContext: this.#secureContextFor(address),
      sessions: this.#options.resumeSessions === false ? undefined : { cache: this.#sessions, key: poolKey },
      limits: this.#limits,
      connectTimeoutMs: endpoint.connectTimeoutMs,
      signal: anySignal,
    })
    const live = this.#connections.add(socket, 'outgoing', shown)
    try {
      checkServer(`${address.host}:${address.port}`, live.info.thumbprint, thumbprint)
    } catch (error) {
      this.#sessions.forget(poolKey)
      live.connection.hangUp()
      throw error
    }
    this.#connections.authorised(live)
    const path = address.webSocketPath
    if (path === undefined) return live
    try {
      const connections = this.#connections
      await openWebSocket({
        live,
        socket,
        connections,
        limits: this.#limits,
        address,
        path,
        signal: anySignal,
      })
    } catch (error) {
      live.connection.hangUp()
      throw error
    }
    return live
  }

  #secureContextFor({ webSocketPath }: ListeningAddress): SecureContext {
    const { minimumTlsVersion = 'TLSv1.2' } = this.#options
    const isWebSocket = webSocketPath !== undefined && minimumTlsVersion !== 'TLSv1.3'
    const made = isWebSocket ? this.#webSocketContext : this.#secureContext
    if (made) return made
    const context = createSecureContext({
      ...tlsSettings(this.certificate, minimumTlsVersion),
      ...(isWebSocket && { maxVersion: webSocketTlsVersion }),
    })
    if (isWebSocket) this.#webSocketContext = context
    else this.#secureContext = context
    return context
  }

  async #serve(guest: Guest): Promise<void> {
    const { identity } = guest
    if (identity.kind === 'client') {
      const isStopping = () => this.#closing !== undefined
      await serveClient(guest, {
        limits: this.#limits,
        dispatcher: this.#dispatcher,
        activity: this.#activity,
        isStopping,
      })
    } else if (identity.kind === 'subscriber') {
      const parts = {
        limits: this.#limits,
        queues: this.#queues,
        options: this.#options,
        log: (entry: HalibutLogEntry) => this.#log(entry),
      }
      await serveSubscriber(guest, identity.subscription, parts)
    } else {
      throw new HalibutError('ERR_PROTOCOL', 'A peer that dialled called itself a server.')
    }
  }

  /** Does a call, and tells the observer. */
  async #call(call: OutgoingCall, run: () => Promise<unknown>): Promise<unknown> {
    this.#checkOpen()
    const { observer } = this.#options
    const startedAt = performance.now()
    this.#calls.add(call.cancellation)
    observer?.callStarted?.(call)
    try {
      const result = await this.#activity.during(run)
      observer?.callFinished?.(call, { durationMs: performance.now() - startedAt })
      return result
    } catch (error) {
      observer?.callFinished?.(call, { durationMs: performance.now() - startedAt, error })
      throw error
    } finally {
      this.#calls.delete(call.cancellation)
    }
  }

  #target(
    endpoint: ServiceEndPoint,
    address: ListeningAddress = parseListeningAddress(endpoint.baseUri),
  ): ListeningTarget {
    const { thumbprint, proxy, forceResolveHost } = endpoint
    checkProxy(proxy)
    if (thumbprint === undefined) {
      throw new HalibutError(
        'ERR_INVALID_ENDPOINT',
        `The thumbprint of the certificate at ${address.baseUri} is not given.`,
      )
    }
    return {
      address,
      thumbprint,
      endpoint,
      poolKey: JSON.stringify([address.baseUri, thumbprint, proxy ?? null, forceResolveHost]),
    }
  }

  #checkOpen(): void {
    if (this.#closing) throw closedError('connecting')
  }

  #log(entry: HalibutLogEntry): void {
    this.#options.log?.(entry)
  }
}

/** Waits for work, but not longer than this. */
async function within(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise(resolve => {
    timer = setTimeout(resolve, timeoutMs)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}

function closedError(connectionState: 'connecting' | 'unknown'): HalibutError {
  return new HalibutError('ERR_CLOSED', 'This Halibut was closed.', { details: { connectionState } })
}
