import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Direction, Fault, FaultPlan } from './fault.ts'
import { Lane, type LaneEnd } from './lane.ts'

/** What one direction of a connection has been through. */
export interface LaneState {
  /** How many bytes were forwarded. */
  readonly bytes: number
  /** Whether the fault of this direction has had an effect. */
  readonly hasStruck: boolean
}

/** A connection through the proxy. */
export interface ProxiedConnection {
  /** Counts from 0 in the order of the connections. */
  readonly index: number
  readonly up: LaneState
  readonly down: LaneState
  /** Whether a socket of it is open. */
  readonly isOpen: boolean
}

/** How a proxy is made. */
export interface FaultProxyOptions {
  /** The listener behind the proxy. The host defaults to `127.0.0.1`. */
  readonly to: { readonly host?: string; readonly port: number }
  /** What happens to a connection, asked when it comes in. Default: nothing does. */
  readonly plan?: (index: number) => FaultPlan
  readonly onConnection?: (connection: ProxiedConnection) => void
  /** Sees every chunk as it is forwarded. */
  readonly onChunk?: (connection: ProxiedConnection, direction: Direction, chunk: Buffer) => void
}

/** A TCP proxy on the loopback that damages connections as it is told. */
export interface FaultProxy {
  readonly port: number
  /** How many connections came in. */
  readonly connections: number
  /** How many sockets are open, on both sides together. */
  readonly openSockets: number
  /** Resets every connection, and goes on accepting new ones. */
  reset(): void
  /** Stops listening and cuts everything. */
  close(): Promise<void>
}

/**
 * Opens a proxy in front of a listener. It reorders and invents nothing: what is forwarded are the bytes of the sender
 * in their order, up to the fault.
 */
export async function openFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { to, plan = () => ({}) } = options
  const sockets = new Set<Socket>()
  let connections = 0
  const track = (socket: Socket): Socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // Whoever reads or writes hears of it, too.
    socket.on('error', () => {})
    return socket
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, dialler => {
    const index = connections++
    const listener = connect({
      host: to.host ?? '127.0.0.1',
      port: to.port,
      allowHalfOpen: true,
      noDelay: true,
    })
    relay(index, { dialler: track(dialler), listener: track(listener) }, plan(index), options)
  })
  // Many diallers may come at once.
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    get connections() {
      return connections
    },
    get openSockets() {
      return sockets.size
    },
    reset() {
      for (const socket of sockets) reset(socket)
    },
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      const ended = [...sockets].map(socket => once(socket, 'close'))
      for (const socket of sockets) socket.destroy()
      await Promise.all([closed, ...ended])
    },
  }
}

function relay(
  index: number,
  { dialler, listener }: { dialler: Socket; listener: Socket },
  plan: FaultPlan,
  options: FaultProxyOptions,
): void {
  const { onChunk } = options
  const seen = (direction: Direction) => onChunk && ((chunk: Buffer) => onChunk(connection, direction, chunk))
  const up = new Lane(dialler, listener, plan.up, seen('up'))
  const down = new Lane(listener, dialler, plan.down, seen('down'))
  const connection: ProxiedConnection = {
    index,
    up,
    down,
    get isOpen() {
      return !dialler.destroyed || !listener.destroyed
    },
  }
  options.onConnection?.(connection)
  void up.run().then(end => finish(end, plan.up, { from: dialler, to: listener, back: down }))
  void down.run().then(end => finish(end, plan.down, { from: listener, to: dialler, back: up }))
}

/** Does to the sockets what follows from the end of a direction. */
function finish(
  end: LaneEnd,
  fault: Fault | undefined,
  { from, to, back }: { from: Socket; to: Socket; back: Lane },
): void {
  switch (end) {
    case 'ended':
      return
    case 'sender-lost':
      reset(to)
      return
    case 'receiver-lost':
      // This news would go back the other way.
      if (back.isStalled) from.resume()
      else reset(from)
      return
    case 'struck':
      strike(fault, { from, to, back })
  }
}

function strike(
  fault: Fault | undefined,
  { from, to, back }: { from: Socket; to: Socket; back: Lane },
): void {
  switch (fault?.kind) {
    case 'cut':
      back.stop()
      to.end()
      from.end()
      from.resume()
      break
    case 'half-close':
      to.end()
      from.resume()
      break
    case 'reset':
      reset(from)
      reset(to)
      break
  }
}

/** Node cannot reset a socket whose end still waits for its receiver, and would then never close it. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}
