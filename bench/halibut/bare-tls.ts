import { once } from 'node:events'
import { connect, createServer, type TLSSocket } from 'node:tls'
import type { Certificate } from '@tentacle/halibut'
import { mib, piece } from './contract.ts'

/**
 * The limit: Node's TLS alone, moving the bytes of the same conversations in the same order and the same writes,
 * without a protocol around them. The first byte of a connection says what it is for.
 */
const upload = 0
const download = 1
const listeningCalls = 2
const pollingCalls = 3

/** As many bytes as the messages of `echo` have. */
const sizes = { request: 560, response: 154, next: 6, proceed: 9 }
const parts = {
  request: Buffer.alloc(sizes.request, 1),
  response: Buffer.alloc(sizes.response, 2),
  next: Buffer.alloc(sizes.next, 3),
  proceed: Buffer.alloc(sizes.proceed, 4),
}

/** Gives back from what has arrived exactly what is asked for. */
class Reader {
  #available = 0
  #wanted = 0
  #resolve: (() => void) | undefined

  constructor(socket: TLSSocket) {
    socket.on('data', chunk => {
      this.#available += chunk.length
      if (this.#available >= this.#wanted) this.#resolve?.()
    })
  }

  async take(size: number): Promise<void> {
    if (this.#available < size) {
      this.#wanted = size
      await new Promise<void>(resolve => {
        this.#resolve = resolve
      })
      this.#resolve = undefined
    }
    this.#available -= size
  }
}

const write = (socket: TLSSocket, bytes: Buffer) =>
  new Promise<void>(resolve => void socket.write(bytes, () => resolve()))

export async function serveBare({ certificatePem, privateKeyPem }: Certificate) {
  const tls = { cert: certificatePem, key: privateKeyPem, requestCert: true, rejectUnauthorized: false }
  const server = createServer({ ...tls, noDelay: true }, socket => {
    socket.on('error', () => {})
    socket.once('data', (order: Buffer) => void answer(socket, order))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return { port, close: async () => void server.close() }
}

async function answer(socket: TLSSocket, order: Buffer): Promise<void> {
  const length = order.readUInt32LE(1) * mib
  if (order[0] === upload) {
    await swallow(socket, length)
    socket.end('.')
  } else if (order[0] === download) await pour(socket, length)
  else if (order[0] === listeningCalls) await beListening(socket)
  else await bePolling(socket)
}

async function beListening(socket: TLSSocket): Promise<void> {
  const reader = new Reader(socket)
  while (!socket.destroyed) {
    await reader.take(sizes.request)
    await write(socket, parts.response)
    await reader.take(sizes.next)
    await write(socket, parts.proceed)
  }
}

async function bePolling(socket: TLSSocket): Promise<void> {
  const reader = new Reader(socket)
  while (!socket.destroyed) {
    await reader.take(sizes.request)
    await write(socket, parts.response)
    await write(socket, parts.next)
    await reader.take(sizes.proceed)
  }
}

function swallow(socket: TLSSocket, length: number): Promise<void> {
  let remaining = length
  return new Promise(resolve => {
    socket.on('data', part => {
      remaining -= part.length
      if (remaining <= 0) resolve()
    })
  })
}

/** Two pieces are on their way at any time. */
async function pour(socket: TLSSocket, length: number): Promise<void> {
  let before = Promise.resolve()
  for (let sent = 0; sent < length; sent += piece.length) {
    const now = write(socket, piece)
    await before
    before = now
  }
  await before
}

async function opened(port: number, order: number, size = 0, own?: Certificate): Promise<TLSSocket> {
  const certificate = own ? { cert: own.certificatePem, key: own.privateKeyPem } : {}
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...certificate })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  socket.setNoDelay(true)
  const head = Buffer.alloc(5)
  head[0] = order
  head.writeUInt32LE(size, 1)
  await write(socket, head)
  return socket
}

/** One bare connection that does calls, one at a time. */
export async function bareCaller(mode: 'listening' | 'polling', port: number) {
  const socket = await opened(port, mode === 'listening' ? listeningCalls : pollingCalls)
  const reader = new Reader(socket)
  let isFirst = true
  const call = async () => {
    if (mode === 'listening' && !isFirst) {
      await write(socket, parts.next)
      await reader.take(sizes.proceed)
    }
    isFirst = false
    await write(socket, parts.request)
    await reader.take(sizes.response)
    if (mode === 'polling') {
      await reader.take(sizes.next)
      await write(socket, parts.proceed)
    }
  }
  return { call, close: () => socket.destroy() }
}

export async function bareUpload(port: number, sizeMib: number): Promise<void> {
  const socket = await opened(port, upload, sizeMib)
  await pour(socket, sizeMib * mib)
  await once(socket, 'data')
  socket.destroy()
}

export async function bareDownload(port: number, sizeMib: number): Promise<void> {
  const socket = await opened(port, download, sizeMib)
  await swallow(socket, sizeMib * mib)
  socket.destroy()
}

/** A full handshake with both certificates, and one exchange. */
export async function bareConnect(port: number, own: Certificate): Promise<void> {
  const socket = await opened(port, listeningCalls, 0, own)
  const reader = new Reader(socket)
  await write(socket, parts.request)
  await reader.take(sizes.response)
  socket.destroy()
}
