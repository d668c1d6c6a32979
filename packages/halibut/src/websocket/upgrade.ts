import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { HalibutError } from '../errors.ts'
import type { ListeningAddress } from '../transport/endpoint.ts'

/** The subprotocol by which Halibut is told from other WebSockets. */
const subprotocol = 'Octopus'

/** What the key of a request is hashed with, for the answer (RFC 6455, section 1.3). */
const acceptSalt = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** @throws HalibutError `ERR_INVALID_ARGUMENT` for a path that no request could name */
export function checkWebSocketPath(path: string): void {
  if (/^\/[\x21\x22\x24-\x3e\x40-\x7e]*$/.test(path)) return
  throw new HalibutError(
    'ERR_INVALID_ARGUMENT',
    `'${path}' is not a path for WebSockets. Take one such as /HalibutWebSocket, without a query.`,
  )
}

/** The head of a request or response: its first line, and its fields by their names in lower case. */
interface ParsedHead {
  readonly firstLine: string
  readonly fields: ReadonlyMap<string, string>
}

/** A request of a dialler that wants to poll by WebSocket. */
export interface UpgradeRequest {
  readonly text: string
  /** The answer that proves that the request was understood. */
  readonly accept: string
}

/**
 * Makes the request of a dialler (docs/wire/halibut.md, "Polling over WebSockets").
 *
 * @param path with the query, as the user wrote it
 */
export function upgradeRequest({ host, port }: ListeningAddress, path: string): UpgradeRequest {
  const key = randomBytes(16).toString('base64')
  const shownHost = host.includes(':') ? `[${host}]` : host
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${shownHost}${port === 443 ? '' : `:${port}`}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
    `Sec-WebSocket-Protocol: ${subprotocol}`,
    `X-Octopus-RequestId: ${randomUUID()}`,
  ]
  return { text: `${lines.join('\r\n')}\r\n\r\n`, accept: acceptOf(key) }
}

/**
 * Checks the answer to an upgrade request.
 *
 * @param head the response up to its empty line
 * @throws HalibutError `ERR_PROTOCOL` when the server does not speak Halibut by WebSocket at this address
 */
export function checkUpgradeResponse(head: string, { accept }: UpgradeRequest, address: string): void {
  const { firstLine, fields } = parseHead(head)
  const refuse = (problem: string) => {
    return new HalibutError(
      'ERR_PROTOCOL',
      `${address} is no Halibut that can be polled by WebSocket: ${problem}. Check the port and the path.`,
    )
  }
  if (!/^HTTP\/1\.1 101(?: |$)/.test(firstLine))
    throw refuse(`it answered ${JSON.stringify(firstLine.slice(0, 200))}`)
  if (!hasToken(fields.get('upgrade'), 'websocket') || !hasToken(fields.get('connection'), 'upgrade'))
    throw refuse('it changed to another protocol')
  if (fields.get('sec-websocket-accept') !== accept) throw refuse('its answer is for another request')
  if (fields.get('sec-websocket-protocol') !== subprotocol)
    throw refuse(`it did not choose the subprotocol ${subprotocol}`)
  if (fields.has('sec-websocket-extensions')) throw refuse('it wants an extension that nobody asked for')
}

/**
 * Answers the request of somebody who wants to poll by WebSocket. Paths are compared without regard to case and to a
 * slash at the end.
 *
 * @param head the request up to its empty line
 * @param path where pollers are expected
 * @returns the answer, or undefined for any other request
 */
export function acceptUpgrade(head: string, path: string): string | undefined {
  const { firstLine, fields } = parseHead(head)
  const [, target] = /^GET (\/\S*) HTTP\/1\.1$/.exec(firstLine) ?? []
  const key = fields.get('sec-websocket-key') ?? ''
  const isForUs =
    target !== undefined &&
    normalPath(target) === normalPath(path) &&
    hasToken(fields.get('upgrade'), 'websocket') &&
    hasToken(fields.get('connection'), 'upgrade') &&
    fields.get('sec-websocket-version') === '13' &&
    /^[A-Za-z0-9+/]{22}==$/.test(key) &&
    tokens(fields.get('sec-websocket-protocol')).includes(subprotocol)
  if (!isForUs) return undefined
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptOf(key)}`,
    `Sec-WebSocket-Protocol: ${subprotocol}`,
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${acceptSalt}`).digest('base64')
}

/** A field that is given twice is a list; where no list belongs, it is then wrong. */
function parseHead(head: string): ParsedHead {
  const [firstLine = '', ...lines] = head.split(/\r?\n/)
  const fields = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const before = fields.get(name)
    fields.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return { firstLine, fields }
}

function tokens(list: string | undefined): readonly string[] {
  return (list ?? '').split(',').map(token => token.trim())
}

function hasToken(list: string | undefined, wanted: string): boolean {
  return tokens(list).some(token => token.toLowerCase() === wanted)
}

/** Without query and slashes at the end, in lower case. */
function normalPath(path: string): string {
  const query = path.indexOf('?')
  let end = query < 0 ? path.length : query
  // Not by a pattern: that would try every slash of a hostile path as a beginning.
  while (path[end - 1] === '/') end--
  return path.slice(0, end).toLowerCase()
}
