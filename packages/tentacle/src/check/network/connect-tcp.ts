import { connect, type Socket } from 'node:net'
import { systemCode, toError } from '../../errors.ts'
import { type ProbeContext, ProbeTimeout, withinTime } from '../probe.ts'

/** How one address took a TCP connection. */
export interface TcpOutcome {
  readonly address: string
  readonly kind: 'open' | 'refused' | 'timed out' | 'unreachable' | 'failed'
  /** How long it took, in ms. */
  readonly ms: number
  /** The system's word or message, unless it is open. */
  readonly reason: string
}

/** Connects to an address. The caller closes the socket; errors after the connection are not thrown by anybody. */
export function connectTcp(address: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, noDelay: true })
    const giveUp = () => socket.destroy(toError(signal.reason))
    socket.once('connect', () => {
      signal.removeEventListener('abort', giveUp)
      resolve(socket)
    })
    socket.on('error', error => {
      signal.removeEventListener('abort', giveUp)
      reject(error)
    })
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  })
}

/** Tries one address and closes the connection again. */
export async function tryTcp(address: string, port: number, context: ProbeContext): Promise<TcpOutcome> {
  const startedAt = performance.now()
  const outcome = (kind: TcpOutcome['kind'], reason = ''): TcpOutcome => {
    return { address, kind, ms: Math.round(performance.now() - startedAt), reason }
  }
  try {
    const socket = await withinTime(context, signal => connectTcp(address, port, signal))
    socket.destroy()
    return outcome('open')
  } catch (error) {
    if (context.signal.aborted) throw error
    if (error instanceof ProbeTimeout) return outcome('timed out', error.message)
    const code = systemCode(error) ?? toError(error).message
    return outcome(kinds.get(code) ?? 'failed', code)
  }
}

const kinds: ReadonlyMap<string, TcpOutcome['kind']> = new Map([
  ['ECONNREFUSED', 'refused'],
  ['ETIMEDOUT', 'timed out'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['EHOSTDOWN', 'unreachable'],
  ['ENETDOWN', 'unreachable'],
  ['EADDRNOTAVAIL', 'unreachable'],
  ['EAFNOSUPPORT', 'unreachable'],
])

/** `10.0.0.5:10943` or `[::1]:10943`. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
