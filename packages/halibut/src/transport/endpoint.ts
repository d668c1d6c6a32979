import { isIP } from 'node:net'
import { HalibutError } from '../errors.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import type { Thumbprint } from '../tls/thumbprint.ts'

/** A proxy that tunnels by HTTP CONNECT. */
export interface HttpProxy {
  /** Host name or address, without `http://`. */
  readonly host: string
  /** Usually 3128 or 8080; there is no default. */
  readonly port: number
  /** Basic authentication is sent when there is a user name. */
  readonly userName?: string
  /** Goes with the user name. Travels to the proxy unencrypted, and nowhere else. */
  readonly password?: string
}

/** The other side of a call or of a poll. */
export interface ServiceEndPoint {
  /** `https://host:port/` of something that listens, or `poll://subscription/` of a polling service. */
  readonly baseUri: string
  /**
   * The certificate that the other side must show. Required for `https://`. For `poll://` it is optional: when given,
   * only a service with this certificate can collect the request.
   */
  readonly thumbprint?: Thumbprint
  /** Through which to connect. For `poll://` it is ignored. Default: none. */
  readonly proxy?: HttpProxy | null
  /**
   * Connects to this host instead, by TCP alone: name indication, certificate and the address in messages stay those
   * of `baseUri`. A proxy is still asked for `baseUri`.
   */
  readonly forceResolveHost?: string
  /** How long a call waits to be collected, in place of {@link HalibutLimits.pollingRequestQueueTimeoutMs}. */
  readonly pollingRequestQueueTimeoutMs?: number
  /** The pause between two attempts, in place of {@link HalibutLimits.retryListeningSleepIntervalMs}. */
  readonly retryListeningSleepIntervalMs?: number
  /** How many attempts are made, in place of {@link HalibutLimits.retryCountLimit}. */
  readonly retryCountLimit?: number
  /** When to begin no more attempts, in place of {@link HalibutLimits.connectionErrorRetryTimeoutMs}. */
  readonly connectionErrorRetryTimeoutMs?: number
  /** How long connecting may take, in place of {@link HalibutLimits.tcpClientConnectTimeoutMs}. */
  readonly connectTimeoutMs?: number
}

/** The limits of a runtime with those of an endpoint in their places. */
export function limitsFor(endpoint: ServiceEndPoint, limits: HalibutLimits): HalibutLimits {
  return {
    ...limits,
    pollingRequestQueueTimeoutMs:
      endpoint.pollingRequestQueueTimeoutMs ?? limits.pollingRequestQueueTimeoutMs,
    retryListeningSleepIntervalMs:
      endpoint.retryListeningSleepIntervalMs ?? limits.retryListeningSleepIntervalMs,
    retryCountLimit: endpoint.retryCountLimit ?? limits.retryCountLimit,
    connectionErrorRetryTimeoutMs:
      endpoint.connectionErrorRetryTimeoutMs ?? limits.connectionErrorRetryTimeoutMs,
    tcpClientConnectTimeoutMs: endpoint.connectTimeoutMs ?? limits.tcpClientConnectTimeoutMs,
  }
}

/** @throws HalibutError `ERR_INVALID_ENDPOINT` for a proxy that is written as an address of the web */
export function checkProxy(proxy: HttpProxy | null | undefined): void {
  if (!proxy?.host.includes('://')) return
  throw new HalibutError(
    'ERR_INVALID_ENDPOINT',
    `The proxy '${proxy.host}' must be given as a host name alone, without http:// before it.`,
  )
}

/** Where a listening peer is. */
export interface ListeningAddress {
  readonly host: string
  readonly port: number
  /** The name for TLS server name indication: addresses have none. */
  readonly serverName: string | undefined
  /** `https://host:port/` in lower case, or `wss://host:port/path`: what pools and messages use. */
  readonly baseUri: string
  /** Of `wss://`: the path with its query, to be polled by WebSocket. */
  readonly webSocketPath?: string
}

/** The port of `https://host/` without a port, as for any web address. */
const defaultPort = 443

/**
 * Parses the address of a server that is to be polled: `https://host:port`, or `wss://host:port/path` for a WebSocket,
 * whose path and query stay as they are.
 *
 * @throws HalibutError `ERR_INVALID_ENDPOINT`
 */
export function parsePolledAddress(baseUri: string): ListeningAddress {
  const text = baseUri.trim()
  if (!/^wss:/i.test(text)) return parseListeningAddress(baseUri)
  const [, authority, rest = ''] = /^wss:\/\/([^/?#\s]+)([/?][^#\s]*)?$/i.exec(text.toWellFormed()) ?? []
  if (authority === undefined || !URL.canParse(text)) {
    throw new HalibutError(
      'ERR_INVALID_ENDPOINT',
      `'${baseUri}' is not an address such as wss://host:443/HalibutWebSocket.`,
    )
  }
  const address = parseListeningAddress(`https://${authority}`)
  // A request line has no other characters; everything else is left alone.
  const path = (rest.startsWith('/') ? rest : `/${rest}`).replace(/[^\x21-\x7e]+/g, encodeURIComponent)
  return {
    ...address,
    baseUri: address.baseUri.replace(/^https/, 'wss').replace(/\/$/, () => path),
    webSocketPath: path,
  }
}

/**
 * Parses `https://host:port`.
 *
 * @throws HalibutError `ERR_INVALID_ENDPOINT`
 */
export function parseListeningAddress(baseUri: string): ListeningAddress {
  const url = URL.canParse(baseUri) ? new URL(baseUri) : undefined
  if (url?.protocol === 'wss:') {
    throw new HalibutError(
      'ERR_INVALID_ENDPOINT',
      `'${baseUri}' can only be polled: services are not called by WebSocket.`,
    )
  }
  if (url?.protocol !== 'https:' || url.hostname === '') {
    throw new HalibutError(
      'ERR_INVALID_ENDPOINT',
      `'${baseUri}' is not an address such as https://host:10933/.`,
    )
  }
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  const port = url.port === '' ? defaultPort : Number(url.port)
  return {
    host,
    port,
    serverName: isIP(host) === 0 ? host : undefined,
    baseUri: `https://${url.hostname}${port === defaultPort ? '' : `:${port}`}/`,
  }
}

/**
 * The subscription of a polling service as it is sent and looked up: scheme and host in lower case, an empty path
 * as `/` (docs/wire/halibut.md, "Subscriptions").
 *
 * @throws HalibutError `ERR_INVALID_ENDPOINT`
 */
export function normalizeSubscription(subscription: string): string {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#\s]+)(\/[^\s#]*|\?[^\s#]*)?$/i.exec(subscription.trim())
  if (!match) {
    throw new HalibutError(
      'ERR_INVALID_ENDPOINT',
      `'${subscription}' is not a subscription such as poll://name/.`,
    )
  }
  const [, scheme = '', host = '', rest = '/'] = match
  return `${scheme.toLowerCase()}://${host.toLowerCase()}${rest.startsWith('/') ? rest : `/${rest}`}`
}

/** Whether calls to an endpoint wait in a queue for a polling service. Its address is not checked further. */
export function isPolling(endpoint: ServiceEndPoint): boolean {
  return /^poll:/i.test(endpoint.baseUri)
}
