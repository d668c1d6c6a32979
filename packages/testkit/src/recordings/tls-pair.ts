import { once } from 'node:events'
import type { Server } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'

/** PEM texts of a certificate and its key. */
export interface KeyPair {
  readonly certificatePem: string
  readonly privateKeyPem: string
}

/** Dials a listener as a Halibut peer does: shows its certificate, takes any of the other side. */
export async function dialTls(port: number, own: KeyPair): Promise<TLSSocket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    cert: own.certificatePem,
    key: own.privateKeyPem,
    rejectUnauthorized: false,
  })
  await once(socket, 'secureConnect')
  socket.setNoDelay(true)
  return socket
}

/** Something that listens until it is closed. */
export interface TlsAcceptor {
  readonly port: number
  /** The next connection that comes, or came already. */
  accept(): Promise<TLSSocket>
  close(): Promise<void>
}

/** Listens on a free port of the loopback and hands out the connections in the order in which they came. */
export async function acceptTls(own: KeyPair): Promise<TlsAcceptor> {
  const waiting: TLSSocket[] = []
  const takers: ((socket: TLSSocket) => void)[] = []
  const open = new Set<TLSSocket>()
  const server: Server = createServer(
    { cert: own.certificatePem, key: own.privateKeyPem, requestCert: true, rejectUnauthorized: false },
    socket => {
      open.add(socket)
      socket.on('close', () => open.delete(socket))
      socket.on('error', () => socket.destroy())
      socket.setNoDelay(true)
      const taker = takers.shift()
      if (taker) taker(socket)
      else waiting.push(socket)
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The listener has no port.')
  return {
    port: address.port,
    accept: () => {
      const socket = waiting.shift()
      return socket ? Promise.resolve(socket) : new Promise(done => takers.push(done))
    },
    close: async () => {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
