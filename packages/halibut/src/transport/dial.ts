import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls'
import { HalibutError, toError } from '../errors.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import type { SessionCache } from '../tls/session-cache.ts'
import type { Thumbprint } from '../tls/thumbprint.ts'
import { peerThumbprint } from '../tls/tls-settings.ts'
import type { HttpProxy, ListeningAddress } from './endpoint.ts'
import { openTunnel } from './http-proxy.ts'
import { keepAlive } from './keep-alive.ts'

/** What it takes to reach a listening peer. */
export interface DialOptions {
  readonly address: ListeningAddress
  readonly proxy?: HttpProxy | null | undefined
  /** Where to connect to when there is no proxy, instead of the host of the address. */
  readonly forceResolveHost?: string | undefined
  readonly secureContext: SecureContext
  /** Where TLS sessions are kept, and under which key. Default: every connection does a full handshake. */
  readonly sessions?: { readonly cache: SessionCache; readonly key: string } | undefined
  readonly limits: HalibutLimits
  readonly connectTimeoutMs?: number | undefined
  /** Gives up. */
  readonly signal: AbortSignal
}

/** A connection whose peer has shown who it is. */
export interface Dialled {
  readonly socket: TLSSocket
  /** Undefined: it showed nothing. */
  readonly thumbprint: Thumbprint | undefined
}

/**
 * Connects by TCP, through a proxy if there is one, and does the TLS handshake. Whose certificate was shown is not
 * looked at here.
 *
 * @throws HalibutError `ERR_CONNECT`; its `details.isUnknownHost` tells that trying again is useless
 */
export async function dial(options: DialOptions): Promise<Dialled> {
  const { address, proxy, limits, signal, forceResolveHost } = options
  const target = proxy ?? { host: forceResolveHost ?? address.host, port: address.port }
  const socket = connectTcp({ host: target.host, port: target.port, noDelay: true })
  const giveUp = () => socket.destroy(new Error('the attempt was given up'))
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    if (signal.aborted) giveUp()
    await connected(socket, options)
    // Only now: where the system does not know these settings, no connection would be made with them.
    keepAlive(socket, limits)
    if (proxy) await openTunnel(socket, proxy, address)
    return await secured(socket, options)
  } catch (error) {
    socket.destroy()
    throw error instanceof HalibutError ? error : failed(target, error)
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

/** Waits for TCP, on behalf of the dialled host or of the proxy in front of it. */
function connected(socket: Socket, { limits, connectTimeoutMs }: DialOptions): Promise<void> {
  const timeoutMs = connectTimeoutMs ?? limits.tcpClientConnectTimeoutMs
  return settled(socket, 'connect', timeoutMs, `no connection within ${timeoutMs} ms`)
}

async function secured(
  socket: Socket,
  { address, secureContext, sessions, limits }: DialOptions,
): Promise<Dialled> {
  const { serverName } = address
  const offered = sessions?.cache.get(sessions.key)
  const secure = connectTls({
    socket,
    secureContext,
    // The thumbprint decides, once the handshake has shown it.
    rejectUnauthorized: false,
    ...(serverName !== undefined && { servername: serverName }),
    ...(offered && { session: offered.session }),
  })
  const shown = sessions?.cache.watch(sessions.key, secure, offered) ?? (() => peerThumbprint(secure))
  const timeoutMs = limits.tcpClientReceiveTimeoutMs
  await settled(secure, 'secureConnect', timeoutMs, `no TLS handshake within ${timeoutMs} ms`)
  return { socket: secure, thumbprint: shown() }
}

/** Waits for an event of a socket, or its end. A socket that fails later must not crash the process. */
function settled(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  timeoutMs: number,
  late: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error(late)), timeoutMs)
    const done = (error?: Error) => {
      clearTimeout(timer)
      socket.off(event, onEvent).off('close', onClose)
      if (error) reject(error)
      else resolve()
    }
    const onEvent = () => done()
    const onClose = () => done(new Error('the other side hung up'))
    socket.once(event, onEvent).once('close', onClose)
    socket.on('error', done)
  })
}

function failed({ host, port }: { host: string; port: number }, thrown: unknown): HalibutError {
  const cause = toError(thrown)
  const code = 'code' in cause ? cause.code : undefined
  const reason = cause.message === '' ? String(code ?? 'unknown reason') : cause.message
  return new HalibutError('ERR_CONNECT', `Cannot connect to ${host}:${port}: ${reason}.`, {
    cause,
    details: { isUnknownHost: code === 'ENOTFOUND', systemCode: code },
  })
}
