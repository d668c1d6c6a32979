import type { HostedService, ServiceClient, ServiceContract } from '../contract/service-contract.ts'
import type { HalibutError } from '../errors.ts'
import type { Certificate } from '../tls/certificate.ts'
import type { Thumbprint } from '../tls/thumbprint.ts'
import type { ServiceEndPoint } from '../transport/endpoint.ts'
import type { HalibutLimits } from './limits.ts'

/** One event in the life of a connection or call, for the program's log. */
export interface HalibutLogEntry {
  /** `warn`: somebody should look at this one day; `error`: at once. A refused peer is `warn`. */
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  /** The address, subscription or listener that it is about. */
  readonly endpoint: string
  /** One sentence for operators, with the addresses and thumbprints that it is about. Not stable. */
  readonly message: string
  /** What was caught, usually a {@link HalibutError}; absent where nothing failed. */
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

/** What a connection carries within TLS: identities, control lines, messages and data streams. */
export interface ConnectionTraffic {
  /** Bytes from the other side. */
  readonly readBytes: number
  /** Bytes to the other side. */
  readonly writtenBytes: number
}

/**
 * Why a connection from outside never got as far as being opened: there were too many, in all or from one address
 * (`limits`), or the other side did not manage the TLS handshake.
 */
export type RefusalReason = 'too-many-connections' | 'too-many-from-address' | 'handshake-failed'

/** A call, as observers see it. */
export interface CallInfo {
  /** Where the call goes: `https://host:port/` or `poll://subscription/`, in lower case. */
  readonly endpoint: string
  /** The name of the .NET interface. */
  readonly service: string
  /** The name of the method on the wire. */
  readonly method: string
  /** The id of the request message. */
  readonly id: string
}

/** Hears what happens. Observers are called at once, so they should be quick; what they throw is logged. */
export interface HalibutObserver {
  /**
   * An incoming connection was closed before it was opened, so that nothing else is told of it.
   *
   * @param remoteAddress `unknown:0` of one that had hung up before anybody could look
   */
  connectionRefused?(remoteAddress: string, reason: RefusalReason): void
  /**
   * The TLS handshake is done, in either direction. Nothing is known yet about whether to trust the other side.
   *
   * @param traffic always what has been carried by now
   */
  connectionOpened?(connection: ConnectionInfo, traffic: ConnectionTraffic): void
  /** The other side's certificate was found trustworthy. */
  connectionAuthorised?(connection: ConnectionInfo): void
  /** Exactly once for each connection that was opened. */
  connectionClosed?(connection: ConnectionInfo, totals: ConnectionTraffic): void
  /** A polling service was let in and may collect calls: once for each of its connections. */
  subscriberConnected?(subscription: string, thumbprint: Thumbprint): void
  /** One of the connections that `subscriberConnected` told of has ended. */
  subscriberDisconnected?(subscription: string, thumbprint: Thumbprint): void
  /** A client of this runtime calls; a call that is answered from the cache is none. */
  callStarted?(call: CallInfo): void
  /**
   * Exactly once for each call that was started.
   *
   * @param outcome from start to answer, waiting in a queue and retries included; `error` is what the caller gets
   */
  callFinished?(call: CallInfo, outcome: { readonly durationMs: number; readonly error?: unknown }): void
}

/** What is shown to whoever opens a listening port with a web browser. */
export interface FriendlyPage {
  /** The whole document. It is sent in UTF-8 to every path and verb. */
  readonly html: string
  /** Sent besides `Content-Type` and `Content-Length`. Default: none. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Someone who connected with a certificate that is not trusted. */
export interface UnauthorizedPeer {
  /** `address:port` of its end of the connection. */
  readonly address: string
  /** Of the certificate that it showed, whose private key it has. */
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
  /** What web browsers see at a listening port. Default: a page that says hello. */
  readonly friendlyPage?: FriendlyPage
  /** Asked about every stranger. `trust` adds its thumbprint to the trusted ones. Default: `block`. */
  readonly onUnauthorizedConnect?: (who: UnauthorizedPeer) => 'block' | 'trust'
  /** Whether a trusted peer may collect the requests of a subscription. Default: every trusted peer may. */
  readonly authorizeSubscription?: (subscription: string, thumbprint: Thumbprint) => boolean
  /** Makes the error for a call of a service that is not offered; its `name` and `message` reach the caller. */
  readonly unknownService?: (name: string) => Error
  /** Whether an error of a method with `cacheSeconds` is kept for that time as a result would be. Default: none is. */
  readonly cacheError?: (error: HalibutError) => boolean
  /** Hears of connections and calls, for metrics. Default: nobody does. */
  readonly observer?: HalibutObserver
  /** Takes the lines for the program's log, at once. Default: nothing is logged. */
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
  /** The port that is open; where 0 was asked for, the one that was free. */
  readonly port: number
  /** The address that it is bound to: `::` for all addresses of the machine. */
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
  /** {@link Polling.stop} was called, or the runtime was closed. */
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
  /** Trusts one more. Those who were refused before are let in when they come again. */
  add(thumbprint: Thumbprint): void
  /** Cuts its live connections as well. */
  remove(thumbprint: Thumbprint): void
  /** Trusts these and nobody else; the others' live connections are cut. */
  only(thumbprints: Iterable<Thumbprint>): void
  /** Whether a connection with this certificate would be accepted. */
  has(thumbprint: Thumbprint): boolean
  /** A copy of what is trusted now, in the order in which it was added. */
  list(): Thumbprint[]
}

/** One side of any number of connections: it calls, is called, listens and polls, all with one certificate. */
export interface Halibut {
  /** What it was made with. */
  readonly certificate: Certificate
  /** Whom it lets in; changes work at once. Servers that it dials are named by their endpoints instead. */
  readonly trust: Trust
  /**
   * Accepts clients, and services that poll.
   *
   * @throws HalibutError `ERR_LISTEN`; `ERR_INVALID_ARGUMENT` for a path that is none; `ERR_CLOSED`
   */
  listen(at: {
    /** 0 takes a free one. */
    readonly port: number
    /** A host name or address of this machine. Default: all its addresses. */
    readonly host?: string
    /** Services may poll the same port by `wss://` at this path as well, `/HalibutWebSocket` for example. */
    readonly webSocketPath?: string
  }): Promise<HalibutListener>
  /**
   * Offers the services to a server that listens at `https://` or, by WebSocket, at `wss://host:port/path`, by polling
   * it until stopped. Returns at once.
   *
   * @throws HalibutError `ERR_INVALID_ENDPOINT`; `ERR_CLOSED`
   */
  poll(at: {
    /** The name under which the server calls this service: `poll://name/`. */
    readonly subscription: string
    /** Where to poll, and which certificate to expect there. */
    readonly server: ServiceEndPoint
    /** How many calls may run at the same time: each needs a connection. Default 1. */
    readonly connections?: number
    /**
     * When all of them have been busy for so long, in milliseconds, one more is opened, so that long calls do not hold up
     * short ones; it is closed when there is nothing left for it to do. Default: none is.
     */
    readonly spareAfterMs?: number
  }): Polling
  /**
   * The service at an endpoint. `https://` is called over pooled connections, `poll://` through a queue. Costs nothing
   * until it is called, and need not be closed.
   *
   * @throws HalibutError `ERR_INVALID_ENDPOINT`, also when the thumbprint for `https://` is missing
   */
  client<S extends ServiceContract>(contract: S, endpoint: ServiceEndPoint): ServiceClient<S>
  /** Closes the pooled connections to an endpoint, and cuts those in use. */
  disconnect(endpoint: ServiceEndPoint): void
  /**
   * The certificate that the listener at `https://host:port` shows. Nothing is known about whether to trust it.
   *
   * @throws HalibutError `ERR_CONNECT`, also when the signal or the time ended it; `ERR_INVALID_ENDPOINT`; `ERR_CLOSED`
   */
  discover(
    address: string,
    options?: {
      /** Gives the attempt up. */
      readonly signal?: AbortSignal
      /** How long everything together may take. Default 1 min. */
      readonly timeoutMs?: number
      /** Through which to connect. Default: none. */
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
