import type { TLSSocket } from 'node:tls'
import { HalibutError } from '../errors.ts'
import { readHead } from '../handshake/control-lines.ts'
import type { Connections, LiveConnection } from '../runtime/connections.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import type { ListeningAddress } from '../transport/endpoint.ts'
import { checkUpgradeResponse, upgradeRequest } from './upgrade.ts'
import { WebSocketStream } from './web-socket-stream.ts'

/** A connection that is to become a WebSocket. */
export interface WebSocketParts {
  readonly live: LiveConnection
  readonly socket: TLSSocket
  readonly connections: Connections
  readonly limits: HalibutLimits
}

/** What a dialler needs beyond that. */
export interface OpenWebSocketParts extends WebSocketParts {
  readonly address: ListeningAddress
  /** With the query. */
  readonly path: string
  /** Gives up. */
  readonly signal: AbortSignal
}

/**
 * Dialler: asks the server, who is known and trusted by now, to go on by WebSocket, and says the preamble
 * (docs/wire/halibut.md, "Polling over WebSockets").
 *
 * @throws HalibutError `ERR_PROTOCOL` when it does not, `ERR_TIMEOUT`, `ERR_CONNECTION_LOST`, `ERR_CLOSED`; the
 *   connection is then of no use
 */
export async function openWebSocket(parts: OpenWebSocketParts): Promise<void> {
  const { live, socket, connections, limits, address, path, signal } = parts
  const { source } = live.connection
  const { tcpClientReceiveTimeoutMs: timeoutMs, maximumPreambleBytes } = limits
  const giveUp = () => live.connection.hangUp(givenUp(address))
  if (signal.aborted) throw givenUp(address)
  signal.addEventListener('abort', giveUp, { once: true })
  const deadline = setTimeout(() => live.connection.hangUp(late(address, timeoutMs)), timeoutMs)
  try {
    const request = upgradeRequest(address, path)
    socket.write(request.text)
    const what = 'the answer to the upgrade request'
    const { text, isWhole } = await readHead(source, timeoutMs, maximumPreambleBytes, what)
    if (!isWhole) throw source.failure ?? endless(address)
    checkUpgradeResponse(text, request, address.baseUri)
    connections.wrap(
      live,
      unread => new WebSocketStream(socket, { role: 'dialler', unread, maximumPreambleBytes }),
    )
  } finally {
    clearTimeout(deadline)
    signal.removeEventListener('abort', giveUp)
  }
}

/**
 * Listener: goes on by WebSocket, and reads the preamble.
 *
 * @param answer to the request of the dialler
 * @throws HalibutError `ERR_PROTOCOL` when something else than the preamble comes; `ERR_CONNECTION_LOST`
 */
export async function becomeWebSocket(answer: string, parts: WebSocketParts): Promise<void> {
  const { live, socket, connections, limits } = parts
  const { maximumPreambleBytes } = limits
  socket.write(answer)
  let preamble: Promise<void> | undefined
  connections.wrap(live, unread => {
    const stream = new WebSocketStream(socket, { role: 'listener', unread, maximumPreambleBytes })
    preamble = stream.preamble
    return stream
  })
  await preamble
}

function late({ baseUri }: ListeningAddress, timeoutMs: number): HalibutError {
  return new HalibutError('ERR_TIMEOUT', `${baseUri} did not become a WebSocket within ${timeoutMs} ms.`, {
    details: { timeoutMs },
  })
}

function endless({ baseUri }: ListeningAddress): HalibutError {
  return new HalibutError('ERR_PROTOCOL', `The answer of ${baseUri} to the upgrade request has no end.`)
}

function givenUp({ baseUri }: ListeningAddress): HalibutError {
  return new HalibutError('ERR_CLOSED', `Connecting to ${baseUri} was given up.`)
}
