import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { type Answer, describeHttp, exchange, firstLine, hasHead } from './read-answer.ts'

/** What answers on a port after TLS. */
export type HalibutOutcome =
  | { readonly kind: 'trusted' }
  /** It hung up without a word, as Halibut does on those whom it does not trust. */
  | { readonly kind: 'hung up' }
  | { readonly kind: 'web server'; readonly answered: string }
  | { readonly kind: 'something else'; readonly answered: string }
  | { readonly kind: 'silent' }

interface Time {
  readonly silentMs: number
  readonly signal: AbortSignal
}

/**
 * Introduces itself to a listener (docs/wire/halibut.md, "Identity"). As a client and not as a poller: whether it is let
 * in is decided in the same way, and a poller could be given work that is lost when the check hangs up.
 */
export async function introduceAsClient(stream: Duplex, time: Time): Promise<HalibutOutcome> {
  const answer = await exchange(stream, 'MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n', hasLine, time)
  return judge(answer)
}

/**
 * The same by WebSocket (docs/wire/halibut.md, "Polling over WebSockets"), where clients are refused: it subscribes to a
 * name that it has made up, under which nobody calls.
 */
export async function introduceByWebSocket(
  stream: Duplex,
  { host, path }: { readonly host: string; readonly path: string },
  time: Time,
): Promise<HalibutOutcome> {
  const request = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Protocol: Octopus',
  ]
  const head = await exchange(stream, `${request.join('\r\n')}\r\n\r\n`, hasHead, time)
  if (!/^HTTP\/1\.1 101(?: |\r)/.test(head.text)) return judge(head)
  const identity = `MX-SUBSCRIBER 1.0 poll://check-${randomBytes(8).toString('hex')}/\r\n\r\n`
  const frames = Buffer.concat([maskedFrame(0x81, 'MX'), maskedFrame(0x02, identity)])
  const { text, end } = await exchange(stream, frames, seen => /MX-SERVER|^\x88/.test(seen), time)
  if (text.includes('MX-SERVER')) return { kind: 'trusted' }
  return end === 'silent' ? { kind: 'silent' } : { kind: 'hung up' }
}

function judge({ text, end }: Answer): HalibutOutcome {
  if (text.startsWith('MX-SERVER')) return { kind: 'trusted' }
  if (text.startsWith('HTTP/')) return { kind: 'web server', answered: describeHttp(text) }
  if (text !== '') return { kind: 'something else', answered: firstLine(text) }
  return end === 'silent' ? { kind: 'silent' } : { kind: 'hung up' }
}

/** An HTTP answer is read to the end of its head, for the name of the server. */
function hasLine(text: string): boolean {
  return text.startsWith('HTTP/') ? hasHead(text) : text.includes('\n')
}

/** A frame of a dialler; the payload has less than 126 bytes. */
function maskedFrame(firstByte: number, text: string): Buffer {
  const mask = randomBytes(4)
  const payload = Buffer.from(text).map((byte, at) => byte ^ (mask[at % 4] ?? 0))
  return Buffer.concat([Buffer.from([firstByte, 0x80 | payload.length]), mask, payload])
}
