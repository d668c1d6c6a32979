import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { HalibutError } from '../errors.ts'
import { Connection, type ConnectionParts } from '../exchange/connection.ts'
import type { Thumbprint } from '../tls/thumbprint.ts'
import type { ConnectionInfo, ConnectionTraffic, HalibutObserver } from './halibut.ts'

/** A connection of this runtime. */
export interface LiveConnection {
  readonly connection: Connection
  readonly info: ConnectionInfo & { transport: ConnectionInfo['transport'] }
}

let lastId = 0

/** Every connection of a runtime, from the end of its TLS handshake to its own end. */
export class Connections {
  readonly #parts: ConnectionParts
  readonly #observer: HalibutObserver
  readonly #live = new Set<LiveConnection>()

  constructor(parts: ConnectionParts, observer: HalibutObserver) {
    this.#parts = parts
    this.#observer = observer
  }

  /** @param thumbprint of the certificate that the other side showed */
  add(
    socket: TLSSocket,
    direction: ConnectionInfo['direction'],
    thumbprint: Thumbprint | undefined,
  ): LiveConnection {
    const { connectionClosed } = this.#observer
    const info: LiveConnection['info'] = {
      id: ++lastId,
      direction,
      remoteAddress: addressOf(socket),
      thumbprint,
      tlsVersion: socket.getProtocol() ?? undefined,
      isResumed: socket.isSessionReused(),
      transport: 'tls',
    }
    const live: LiveConnection = { info, connection: new Connection(socket, this.#parts) }
    this.#live.add(live)
    this.#observer.connectionOpened?.(info, trafficOf(live.connection))
    live.connection.source.onEnd(() => {
      this.#live.delete(live)
      const { readBytes, writtenBytes } = trafficOf(live.connection)
      connectionClosed?.call(this.#observer, info, { readBytes, writtenBytes })
    })
    return live
  }

  /**
   * The connection goes on as a WebSocket.
   *
   * @param wrap makes its stream, given the bytes that arrived but were not read
   */
  wrap({ connection, info }: LiveConnection, wrap: (unread: Buffer) => Duplex): void {
    connection.wrap(wrap)
    info.transport = 'websocket'
  }

  authorised(live: LiveConnection): void {
    this.#observer.connectionAuthorised?.(live.info)
  }

  /** Cuts the incoming connections of a peer that is not trusted any more. */
  cut(thumbprint: Thumbprint): void {
    const reason = new HalibutError(
      'ERR_UNTRUSTED_PEER',
      `The certificate ${thumbprint} is not trusted any more.`,
    )
    for (const { connection, info } of this.#live) {
      if (info.direction === 'incoming' && info.thumbprint === thumbprint) connection.hangUp(reason)
    }
  }

  cutAll(reason: HalibutError): void {
    for (const { connection } of this.#live) connection.hangUp(reason)
  }
}

function trafficOf(connection: Connection): ConnectionTraffic {
  return {
    get readBytes() {
      return connection.source.totalBytes
    },
    get writtenBytes() {
      return connection.writtenBytes
    },
  }
}

/** `address:port` of the other side. IPv4 in a dual-stack socket is shown as IPv4. */
export function addressOf({
  remoteAddress = 'unknown',
  remotePort = 0,
}: {
  remoteAddress?: string | undefined
  remotePort?: number | undefined
}): string {
  const plain = remoteAddress.replace(/^::ffff:(?=\d+\.)/, '')
  return plain.includes(':') ? `[${plain}]:${remotePort}` : `${plain}:${remotePort}`
}
