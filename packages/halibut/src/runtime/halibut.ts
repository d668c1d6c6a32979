import type { HostedService, ServiceClient, ServiceContract } from '../contract/service-contract.ts'
import type { HalibutError } from '../errors.ts'
import type { Certificate } from '../tls/certificate.ts'
import type { Thumbprint } from '../tls/thumbprint.ts'
import type { ServiceEndPoint } from '../transport/endpoint.ts'
import type { HalibutLimits } from './limits.ts'

/** One event in the life of a connection or call, for the program's log. */
export interface HalibutLogEntry {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  /** The address, subscription or listener that it is about. */
  readonly endpoint: string
  readonly message: string
  readonly error?: unknown
}

/** A connection, as observers see it. */
export interface ConnectionInfo {
  /** Unique within the process. */
  readonly id: number
  /** Which side dialled. */
  readonly direction: 'incoming' | 'outgoing'
  /** `address:port` of the other side. */
  readonly remoteAddress: string
  /** Undefined until the other side showed a certificate. */
  readonly thumbprint: Thumbprint | undefined
  /** `TLSv1.3`, for example. */
  readonly tlsVersion: string | undefined
  /** Whether the handshake took up an earlier session. */
  readonly isResumed: boolean
  /** What TLS carries: Halibut itself, or WebSocket frames. Every connection begins as `tls`. */
  readonly transport: 'tls' | 'websocket'
}

/** A call, as observers see it. */
export interface CallInfo {
  readonly endpoint: string
  readonly service: string
  readonly method: string
  /** The id of the request message. */
  readonly id: string
}

/** Hears what happens. Observers are called at once, so they should be quick; what they throw is logged. */
export interface HalibutObserver {
  connectionOpened?(connection: ConnectionInfo): void
  /** The other side's certificate was found trustworthy. */
  connectionAuthorised?(connection: ConnectionInfo): void
  /** Exactly once for each connection that was opened. */
  connectionClosed?(
    connection: ConnectionInfo,
    totals: { readonly readBytes: number; readonly writtenBytes: number },
  ): void
  subscriberConnected?(subscription: string, thumbprint: Thumbprint): void
  subscriberDisconnected?(subscription: string, thumbprint: Thumbprint): void
  callStarted?(call: CallInfo): void
  callFinished?(call: CallInfo, outcome: { readonly durationMs: number; readonly error?: unknown }): void
}

/** What is shown to whoever opens a listening port with a web browser. */
export interface FriendlyPage {
  readonly html: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Someone who connected with a certificate that is not trusted. */
export interface UnauthorizedPeer {
  readonly address: string
  readonly thumbprint: Thumbprint
  /** How the connection is called in logs: the address too, since strangers are not asked for a name. */
  readonly clientName: string
}

/** How a runtime is made. */
export interface HalibutOptions {
  /** What this side shows, as server and as client. */
  readonly certificate: Certificate
  /** What it offers to those who call it. */
  readonly services?: readonly HostedService[]
  /** Whose incoming connections are accepted. Default: nobody's. */
  readonly trust?: Iterable<Thumbprint>
  /** Changes to {@link defaultLimits}. */
  readonly limits?: Partial<HalibutLimits>
  readonly friendlyPage?: FriendlyPage
  /** Asked about every stranger. `trust` adds its thumbprint to the trusted ones. Default: `block`. */
  readonly onUnauthorizedConnect?: (who: UnauthorizedPeer) => 'block' | 'trust'
  /** Whether a trusted peer may collect the requests of a subscription. Default: every trusted peer may. */
  readonly authorizeSubscription?: (subscription: string, thumbprint: Thumbprint) => boolean
  /** Makes the error for a call of a service that is not offered; its `name` and `message` reach the caller. */
  readonly unknownService?: (name: string) => Error
  /** Whether an error of a method with `cacheSeconds` is kept for that time as a result would be. Default: none is. */
  readonly cacheError?: (error: HalibutError) => boolean
  readonly observer?: HalibutObserver
  readonly log?: (entry: HalibutLogEntry) => void
  /** Where received data streams wait, in a folder of this runtime's own. Default: the system's temporary folder. */
  readonly temporaryFolder?: string
  /** Whether a new connection takes up an earlier TLS session with the same peer, which spares the key exchange. Default true. */
  readonly resumeSessions?: boolean
  /** The oldest version that is spoken. Default `TLSv1.2`; older ones only for peers that cannot be changed. */
  readonly minimumTlsVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
}

/** An open port. */
export interface HalibutListener {
  readonly port: number
  readonly address: string
  /** Stops accepting and cuts the connections of this port. */
  close(): Promise<void>
}

/** What one connection of a {@link Polling} is doing. */
export type PollingState =
  /** A connection is being made. */
  | { readonly kind: 'connecting' }
  /** The server knows this service; work can arrive. */
  | { readonly kind: 'connected'; readonly since: Date }
  /** The last attempt failed; the next one starts at `nextAttempt`. */
  | { readonly kind: 'waiting'; readonly error: unknown; readonly nextAttempt: Date }
  | { readonly kind: 'stopped' }

/** A service that polls a server. */
export interface Polling {
  /** The best state of its connections. */
  readonly state: PollingState
  /** Finishes what runs, takes no more, and disconnects. */
  stop(): Promise<void>
}

/** Which certificates are trusted on incoming connections. */
export interface Trust {
  add(thumbprint: Thumbprint): void
  /** Cuts its live connections as well. */
  remove(thumbprint: Thumbprint): void
  /** Trusts these and nobody else; the others' live connections are cut. */
  only(thumbprints: Iterable<Thumbprint>): void
  has(thumbprint: Thumbprint): boolean
  list(): Thumbprint[]
}

/** One side of any number of connections: it calls, is called, listens and polls, all with one certificate. */
export interface Halibut {
  readonly certificate: Certificate
  readonly trust: Trust
  /**
   * Accepts clients, and services that poll.
   *
   * @param at `host` defaults to every address of the machine; port 0 takes a free one. With `webSocketPath`, such as
   *   `/HalibutWebSocket`, services may poll the same port by `wss://` at that path as well
   * @throws HalibutError `ERR_LISTEN`; `ERR_INVALID_ARGUMENT` for a path that is none
   */
  listen(at: {
    readonly port: number
    readonly host?: string
    readonly webSocketPath?: string
  }): Promise<HalibutListener>
  /**
   * Offers the services to a server that listens at `https://` or, by WebSocket, at `wss://host:port/path`, by polling
   * it until stopped. Returns at once.
   *
   * @throws HalibutError `ERR_INVALID_ENDPOINT`
   */
  poll(at: {
    readonly subscription: string
    readonly server: ServiceEndPoint
    readonly connections?: number
  }): Polling
  /** The service at an endpoint. `https://` is called over pooled connections, `poll://` through a queue. */
  client<S extends ServiceContract>(contract: S, endpoint: ServiceEndPoint): ServiceClient<S>
  /** Closes the pooled connections to an endpoint, and cuts those in use. */
  disconnect(endpoint: ServiceEndPoint): void
  /** The certificate that the listener at `https://host:port` shows. Nothing is known about whether to trust it. */
  discover(
    address: string,
    options?: {
      readonly signal?: AbortSignal
      readonly timeoutMs?: number
      readonly proxy?: HttpProxyOption
    },
  ): Promise<Thumbprint>
  /**
   * Ends everything: no new calls, `graceMs` (default 0) for those that run, then all connections are cut. What was
   * opened is closed when the promise settles.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>
}

type HttpProxyOption = NonNullable<ServiceEndPoint['proxy']>
