import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { HalibutLimits, ServiceClient } from '../src/index.ts'
import { certificateFor, runtime, TestService } from './runtimes.ts'

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A client for the service that listens, or does not, on a port of this machine. */
export async function callTo(
  t: TestContext,
  port: number,
  limits: Partial<HalibutLimits> = {},
): Promise<ServiceClient<typeof TestService>> {
  const client = await runtime(t, 'client', { limits })
  const { thumbprint } = await certificateFor('service')
  return client.client(TestService, { baseUri: `https://127.0.0.1:${port}`, thumbprint })
}

/** A TCP server that is closed after the test, with its connections. */
export async function listenTcp(t: TestContext, onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** One connection through a relay: `near` leads to whoever dialled, `far` to whoever listens. */
export interface Relayed {
  readonly near: Socket
  readonly far: Socket
}

/** Passes bytes on to a port, and lets the test cut or half-close the TCP below TLS. */
export async function relay(t: TestContext, to: number): Promise<{ port: number; connections: Relayed[] }> {
  const connections: Relayed[] = []
  const port = await listenTcp(t, near => {
    const far = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
    far.on('error', () => near.destroy())
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
    near.pipe(far).pipe(near)
    connections.push({ near, far })
  })
  return { port, connections }
}

/** A port whose connections are never made: the queue of those that nobody accepts is full. */
export async function blackHole(t: TestContext): Promise<number> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
     const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
     })`,
    { eval: true },
  )
  const [port] = (await once(worker, 'message')) as [number]
  const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  t.after(async () => {
    for (const socket of fillers) socket.destroy()
    await worker.terminate()
  })
  await Promise.race(fillers.map(socket => once(socket, 'connect')))
  return port
}
