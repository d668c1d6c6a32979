import type { TLSSocket } from 'node:tls'
import { HalibutError, halibutCode, toError } from '../errors.ts'
import { type Preamble, readPreamble } from '../handshake/control-lines.ts'
import { defaultFriendlyPage, renderFriendlyPage } from '../handshake/friendly-page.ts'
import { type Identity, readIdentity } from '../handshake/identity.ts'
import type { Connections, LiveConnection } from '../runtime/connections.ts'
import type { HalibutLogEntry, HalibutOptions } from '../runtime/halibut.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import type { Thumbprint } from '../tls/thumbprint.ts'
import { peerThumbprint } from '../tls/tls-settings.ts'
import { admits, type TrustStore } from '../tls/trust.ts'
import { becomeWebSocket } from '../websocket/open-web-socket.ts'
import { acceptUpgrade } from '../websocket/upgrade.ts'

/** A connection whose peer is trusted and has said who it is. */
export interface Guest extends LiveConnection {
  readonly thumbprint: Thumbprint
  readonly identity: Identity
}

/** What the reception of incoming connections needs. */
export interface ReceptionParts {
  readonly limits: HalibutLimits
  readonly connections: Connections
  readonly trust: TrustStore
  readonly options: HalibutOptions
  readonly log: (entry: HalibutLogEntry) => void
  /** Takes over from here, until the conversation ends. */
  readonly serve: (guest: Guest) => Promise<void>
}

/**
 * Receives what comes in on a listening port: tells Halibut from web browsers, strangers from trusted peers, and
 * hands the latter over. Strangers have little time and few bytes, and learn nothing
 * (docs/wire/halibut.md, "Who is let in").
 */
export class Reception {
  readonly #parts: ReceptionParts

  constructor(parts: ReceptionParts) {
    this.#parts = parts
  }

  /**
   * Does everything about one connection. Never fails: a bad connection concerns nobody else.
   *
   * @param webSocketPath where services may poll by WebSocket
   */
  async receive(socket: TLSSocket, webSocketPath?: string): Promise<void> {
    const live = this.#parts.connections.add(socket, 'incoming', peerThumbprint(socket))
    const { connection, info } = live
    try {
      const guest = await this.#identify(live, socket, webSocketPath)
      if (guest) await this.#parts.serve(guest)
    } catch (error) {
      const isPlainEnd =
        toError(error) instanceof HalibutError && halibutCode(error) === 'ERR_CONNECTION_LOST'
      this.#parts.log({
        level: isPlainEnd ? 'debug' : 'warn',
        endpoint: info.remoteAddress,
        message: `The connection from ${info.remoteAddress} ended: ${toError(error).message}`,
        error,
      })
    } finally {
      // The page for browsers is still being sent when there was one.
      if (!socket.writableEnded || info.transport === 'websocket') connection.hangUp()
    }
  }

  async #identify(
    live: LiveConnection,
    socket: TLSSocket,
    webSocketPath: string | undefined,
  ): Promise<Guest | undefined> {
    const { connection, info } = live
    const { limits, connections } = this.#parts
    const timeoutMs = limits.identificationTimeoutMs
    const deadline = setTimeout(() => connection.hangUp(notIdentified(timeoutMs)), timeoutMs)
    try {
      const preamble = await readPreamble(connection.source, timeoutMs, limits.maximumPreambleBytes)
      if (!preamble.isHalibut) {
        const answer = webSocketAnswer(preamble, webSocketPath)
        if (answer === undefined) {
          this.#showPage(live, socket, preamble.text)
          return undefined
        }
        await becomeWebSocket(answer, { live, socket, connections, limits })
      }
      const thumbprint = this.#admitted(live)
      if (thumbprint === undefined) return undefined
      connections.authorised(live)
      const identity = await readIdentity(connection.source, timeoutMs)
      if (info.transport === 'websocket' && identity.kind !== 'subscriber')
        throw new HalibutError('ERR_PROTOCOL', 'A WebSocket is for polling alone, but it did not subscribe.')
      return { connection, info, thumbprint, identity }
    } catch (error) {
      // Which of the two clocks is first, that of one read or that of all, is nobody's concern.
      throw halibutCode(error) === 'ERR_TIMEOUT' ? notIdentified(timeoutMs) : error
    } finally {
      clearTimeout(deadline)
    }
  }

  #admitted({ info }: LiveConnection): Thumbprint | undefined {
    const { trust, options, log } = this.#parts
    const { remoteAddress, thumbprint } = info
    if (
      admits(trust, thumbprint, stranger => {
        const who = { address: remoteAddress, thumbprint: stranger, clientName: remoteAddress }
        return options.onUnauthorizedConnect?.(who) ?? 'block'
      })
    ) {
      return thumbprint
    }
    const message =
      thumbprint === undefined
        ? `${remoteAddress} was refused: it showed no certificate.`
        : `${remoteAddress} was refused: its certificate ${thumbprint} is not trusted.`
    log({ level: 'warn', endpoint: remoteAddress, message })
    return undefined
  }

  #showPage({ info }: LiveConnection, socket: TLSSocket, request: string): void {
    const { options, log } = this.#parts
    const [firstLine = ''] = request.split(/\r?\n/, 1)
    const shown = JSON.stringify(firstLine.slice(0, 80))
    log({
      level: 'debug',
      endpoint: info.remoteAddress,
      message: `${info.remoteAddress} is no Halibut and got the page: ${shown}.`,
    })
    socket.end(renderFriendlyPage(options.friendlyPage ?? defaultFriendlyPage))
    // Whoever does not read or hang up is not waited for.
    socket.setTimeout(5000, () => socket.destroy())
  }
}

/** The answer to a request to poll by WebSocket; undefined for anything else. */
function webSocketAnswer({ text, isWhole }: Preamble, path: string | undefined): string | undefined {
  return path === undefined || !isWhole ? undefined : acceptUpgrade(text, path)
}

function notIdentified(timeoutMs: number): HalibutError {
  return new HalibutError('ERR_TIMEOUT', `It did not say who it is within ${timeoutMs} ms.`, {
    details: { timeoutMs },
  })
}
