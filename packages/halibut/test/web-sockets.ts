import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { readHead } from '../src/handshake/control-lines.ts'
import type {
  ConnectionInfo,
  Halibut,
  HalibutLogEntry,
  HalibutOptions,
  HttpProxy,
  Polling,
  ServiceClient,
} from '../src/index.ts'
import { OriginalWebSocket } from './original-web-socket.ts'
import { dialRaw, listenRaw, type RawListener, RawPeer } from './raw-peer.ts'
import { certificateFor, runtime, TestService, TestServiceControl } from './runtimes.ts'

export const webSocketPath = '/HalibutWebSocket'

export interface WebSocketPair {
  /** The side that listens and calls. */
  readonly client: Halibut
  /** The side that polls and is called. */
  readonly service: Halibut
  readonly call: ServiceClient<typeof TestService>
  readonly control: TestServiceControl
  readonly log: HalibutLogEntry[]
  readonly port: number
  readonly polling: Polling
  /** Every connection of both sides. */
  readonly connections: readonly ConnectionInfo[]
}

export interface WebSocketPairOptions {
  readonly client?: Partial<HalibutOptions>
  readonly service?: Partial<HalibutOptions>
  readonly proxy?: HttpProxy
  /** Where the service polls. Default: where the client listens. */
  readonly path?: string
}

/** A client that listens for WebSockets and a service that polls by one. */
export async function webSocketPair(
  t: TestContext,
  { proxy, path = webSocketPath, ...options }: WebSocketPairOptions = {},
): Promise<WebSocketPair> {
  const control = new TestServiceControl()
  const log: HalibutLogEntry[] = []
  const connections: ConnectionInfo[] = []
  const observed = {
    log: (entry: HalibutLogEntry) => void log.push(entry),
    observer: { connectionOpened: (info: ConnectionInfo) => void connections.push(info) },
  }
  const { thumbprint } = await certificateFor('service')
  const client = await runtime(t, 'client', { trust: [thumbprint], ...observed, ...options.client })
  const services = [control.hosted]
  const service = await runtime(t, 'service', { services, ...observed, ...options.service })
  const { port } = await client.listen({ port: 0, host: '127.0.0.1', webSocketPath })
  const baseUri = `wss://127.0.0.1:${port}${path}`
  const server = { baseUri, thumbprint: client.certificate.thumbprint, ...(proxy && { proxy }) }
  const polling = service.poll({ subscription: 'poll://tests/', server })
  const call = client.client(TestService, { baseUri: 'poll://tests/', thumbprint })
  return { client, service, call, control, log, port, polling, connections }
}

/** The request of a .NET poller, with fields changed; undefined leaves one out. */
export function upgradeText(
  changes: Readonly<Record<string, string | undefined>> = {},
  line?: string,
): string {
  const fields = {
    'User-Agent': 'test',
    'Sec-WebSocket-Protocol': 'Octopus',
    'X-Octopus-RequestId': '7f1c6a3e-0000-4000-8000-000000000000',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    Host: '127.0.0.1',
    ...changes,
  }
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  )
  return `${[line ?? `GET ${webSocketPath} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`
}

/** What {@link upgradeText} is answered with. */
export const upgradeAnswer =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: Octopus\r\n\r\n'

/** A poller like that of .NET, up to and with its preamble. @param name of the certificate that it shows */
export async function dialOriginal(
  t: TestContext,
  port: number,
  name: string | null = 'service',
  saysPreamble = true,
): Promise<RawPeer<OriginalWebSocket>> {
  const plain = await dialRaw(t, port, name === null ? undefined : await certificateFor(name))
  plain.say(upgradeText())
  const { text } = await readHead(plain.source, 10_000, 10_000, 'the answer')
  if (text !== upgradeAnswer) throw new Error(`The upgrade was answered by ${text}`)
  plain.socket.removeAllListeners('data')
  const socket = new OriginalWebSocket(plain.socket, true, plain.source.take())
  if (saysPreamble) socket.raw(Buffer.from('MX'), 0x81)
  return new RawPeer(socket)
}

/** A server like that of .NET; the function gets each WebSocket with the request that it began with. */
export function listenOriginal(
  t: TestContext,
  name: string,
  onPeer: (peer: RawPeer<OriginalWebSocket>, request: string) => void | Promise<void>,
): Promise<RawListener> {
  return certificateFor(name).then(certificate =>
    listenRaw(t, certificate, async plain => {
      const { text } = await readHead(plain.source, 10_000, 10_000, 'a request')
      plain.socket.removeAllListeners('data')
      plain.socket.write(answerTo(text))
      const socket = new OriginalWebSocket(plain.socket, false, plain.source.take())
      await onPeer(new RawPeer(socket), text)
    }),
  )
}

/** The right answer to a request. */
export function answerTo(request: string): string {
  const [, key = ''] = /^Sec-WebSocket-Key: (\S+)\r$/m.exec(request) ?? []
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  return upgradeAnswer.replace(/Accept: \S+/, `Accept: ${accept}`)
}

/** An HTTP proxy that makes every tunnel. */
export async function startTunnels(
  t: TestContext,
): Promise<{ readonly port: number; readonly requests: string[] }> {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer(near => {
    sockets.add(near.on('error', () => {}))
    near.once('data', data => {
      requests.push(data.toString())
      const [, port] = /^CONNECT \S+:(\d+) /.exec(data.toString()) ?? []
      const far = connect(Number(port), '127.0.0.1', () => {
        near.write('HTTP/1.0 200 Connection established\r\n\r\n')
        near.pipe(far).pipe(near)
      })
      sockets.add(far.on('error', () => near.destroy()))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, requests }
}
