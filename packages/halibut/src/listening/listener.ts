import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { HalibutError, toError } from '../errors.ts'
import { addressOf } from '../runtime/connections.ts'
import type { HalibutListener, HalibutLogEntry, RefusalReason } from '../runtime/halibut.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import { keepAlive } from '../transport/keep-alive.ts'
import type { ConnectionGate } from './connection-gate.ts'

/**
 * How many connections may wait to be accepted; the system may allow fewer. After a restart of the server thousands of
 * polling services come back in the same second: those beyond Node's 511 would try again seconds later, and find the
 * queue full of others whose patience has ended.
 */
const backlog = 4096

/** What a listener needs. */
export interface ListenerParts {
  readonly tls: SecureContextOptions
  readonly limits: HalibutLimits
  readonly log: (entry: HalibutLogEntry) => void
  readonly gate: ConnectionGate
  /** Hears of those who are closed before they are received. */
  readonly refused: (remoteAddress: string, reason: RefusalReason) => void
  /** Does everything about a connection. Never fails. */
  readonly receive: (socket: TLSSocket) => Promise<void>
}

/** Opens a port for Halibut. @throws HalibutError `ERR_LISTEN` */
export async function openListener(
  at: { port: number; host?: string },
  parts: ListenerParts,
): Promise<HalibutListener> {
  const { limits, log, gate, refused } = parts
  const secure = createTlsServer({
    ...parts.tls,
    // Everybody may shake hands; whom to trust is decided afterwards, by thumbprint.
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: limits.identificationTimeoutMs,
  })
  const sockets = new Set<Socket>()
  const conversations = new Set<Promise<void>>()
  const server = createServer({ noDelay: true }, socket => {
    const admission = gate.admit(socket)
    if (admission !== 'admitted') {
      if (admission !== 'closed') refused(addressOf(socket), admission)
      socket.destroy()
      return
    }
    keepAlive(socket, limits)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // Until TLS has taken over nobody else would hear of errors.
    socket.on('error', () => {})
    secure.emit('connection', socket)
  })
  secure.on('secureConnection', socket => {
    const conversation = parts.receive(socket).finally(() => conversations.delete(conversation))
    conversations.add(conversation)
  })
  secure.on('tlsClientError', (error, socket) => {
    const from = addressOf(socket)
    refused(from, 'handshake-failed')
    log({
      level: 'debug',
      endpoint: from,
      message: `${from} did not manage the TLS handshake: ${error.message}`,
      error,
    })
    socket.destroy()
  })

  await listening(server, at)
  const { address, port, family } = server.address() as AddressInfo
  const endpoint = `listen://${family === 'IPv6' ? `[${address}]` : address}:${port}/`
  server.on('error', error => log({ level: 'error', endpoint, message: error.message, error }))
  log({ level: 'info', endpoint, message: 'Listener started' })

  let closing: Promise<void> | undefined
  const close = async () => {
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
    await Promise.all(conversations)
    log({ level: 'info', endpoint, message: 'Listener stopped' })
  }
  return { port, address, close: () => (closing ??= close()) }
}

/** Without a host: every address of the machine, IPv4 and IPv6 where there is IPv6. */
async function listening(server: Server, { port, host }: { port: number; host?: string }): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, backlog, ...(host !== undefined && { host }) }, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (thrown) {
    const cause = toError(thrown)
    const systemCode = 'code' in cause ? cause.code : undefined
    const reason =
      systemCode === 'EADDRINUSE'
        ? 'another program uses it. Choose another port, or stop that program'
        : cause.message
    throw new HalibutError(
      'ERR_LISTEN',
      `Cannot listen on ${host ?? 'any address'}, port ${port}: ${reason}.`,
      {
        cause,
        details: { port, host, systemCode },
      },
    )
  }
}
