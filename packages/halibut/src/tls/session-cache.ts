import type { TLSSocket } from 'node:tls'
import type { Thumbprint } from './thumbprint.ts'
import { peerThumbprint } from './tls-settings.ts'

/** A session that a listening peer gave out, and the certificate that it showed when the session began. */
export interface Session {
  readonly session: Buffer
  readonly thumbprint: Thumbprint
}

/** One takes about 3 KiB. */
const maximumSessions = 1000

/**
 * TLS sessions of listening peers, so that the next connection needs no new key exchange, which costs more than
 * everything else about it. On a resumed session OpenSSL does not tell a client the peer's certificate again; that the
 * peer can take the session up proves that it is the one that showed it. The thumbprint is compared on every
 * connection (docs/wire/halibut.md, "TLS and trust"). A peer that does not know the session does a full handshake.
 */
export class SessionCache {
  readonly #sessions = new Map<string, Session>()

  /** The session to offer to a peer. @param key equal for connections that show and expect the same certificates */
  get(key: string): Session | undefined {
    return this.#sessions.get(key)
  }

  /**
   * Remembers what the peer gives out on a connection. The newest is kept.
   *
   * @param offered what {@link get} gave for this connection
   * @returns what to call once after the handshake: it tells whose certificate the peer showed, on this connection
   *   or on the one that the session comes from
   */
  watch(key: string, socket: TLSSocket, offered: Session | undefined): () => Thumbprint | undefined {
    let thumbprint: Thumbprint | undefined
    let latest: Buffer | undefined
    const keep = () => {
      if (thumbprint !== undefined && latest !== undefined) this.#keep(key, { session: latest, thumbprint })
    }
    socket.on('session', session => {
      latest = session
      keep()
    })
    return () => {
      // To be asked once: Node takes a listening peer's certificate out of the connection when it gives it.
      thumbprint = peerThumbprint(socket) ?? (socket.isSessionReused() ? offered?.thumbprint : undefined)
      keep()
      return thumbprint
    }
  }

  /** Forgets a peer that turned out to be another one. */
  forget(key: string): void {
    this.#sessions.delete(key)
  }

  #keep(key: string, session: Session): void {
    this.#sessions.delete(key)
    this.#sessions.set(key, session)
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size > maximumSessions && oldest !== undefined) this.#sessions.delete(oldest)
  }
}
