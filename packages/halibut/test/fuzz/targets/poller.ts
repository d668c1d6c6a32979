import type { Server } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { nullFrame } from '../../../src/frame/write-frame.ts'
import {
  bytesOfSegment,
  bytesSegment,
  formatSegments,
  mutateSegments,
  parseSegments,
  requestSegments,
  type Segment,
} from '../conversation.ts'
import { LivePeers, portOf, sayAll } from '../live-peers.ts'
import type { FuzzTarget } from '../target.ts'

/** A server that says whatever it is told to a service that polls it, once, and hangs up. */
class HostileServer {
  static async start(): Promise<HostileServer> {
    const peers = await LivePeers.start()
    const hostile = new HostileServer(peers)
    hostile.#server = await peers.listenTls(socket => void hostile.#serve(socket))
    return hostile
  }

  readonly peers: LivePeers
  #server: Server | undefined
  #segments: readonly Segment[] = []
  #said = Promise.withResolvers<void>()

  private constructor(peers: LivePeers) {
    this.peers = peers
  }

  /** Lets the service come, hear the segments, and stop. */
  async say(segments: readonly Segment[]): Promise<void> {
    this.#segments = segments
    this.#said = Promise.withResolvers()
    const polling = this.peers.poll(this.#server ? portOf(this.#server) : 0)
    await this.#said.promise
    await polling.stop()
  }

  async #serve(socket: TLSSocket): Promise<void> {
    await sayAll(socket, this.#segments.map(bytesOfSegment))
    this.#said.resolve()
  }

  async close(): Promise<void> {
    this.#server?.close()
    await this.peers.close()
  }
}

let starting: Promise<HostileServer> | undefined

const identity = bytesSegment('MX-SERVER 1.0\r\n\r\n')
const proceed = bytesSegment('PROCEED\r\n')

export const requests: FuzzTarget = {
  name: 'requests',
  about: 'everything that a server says to a service that polls it',
  testInputs: 24,
  maximumBytes: 48 * 1024,
  seeds: () => [
    ...requestSegments().map(request => formatSegments([identity, ...request, proceed, ...request])),
    formatSegments([identity, bytesSegment(nullFrame), proceed, bytesSegment(nullFrame)]),
  ],
  mutators: [mutateSegments],
  async run(input) {
    starting ??= HostileServer.start()
    const server = await starting
    const before = server.peers.runs
    await server.say(parseSegments(input))
    return server.peers.runs > before ? 'accepted' : 'refused'
  },
  async close() {
    const server = await starting
    starting = undefined
    await server?.close()
  },
}
