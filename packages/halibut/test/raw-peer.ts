import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TestContext } from 'node:test'
import { connect, createServer, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { ByteSource } from '../src/bytes/byte-source.ts'
import { readBson } from '../src/frame/bson-reader.ts'
import { BsonDocument } from '../src/frame/bson-value.ts'
import { BsonWriter } from '../src/frame/bson-writer.ts'
import { readFrame } from '../src/frame/read-frame.ts'
import { encodeFrame } from '../src/frame/write-frame.ts'
import { readLine } from '../src/handshake/control-lines.ts'
import type { Certificate } from '../src/index.ts'

const limits = { firstByteTimeoutMs: 10_000, timeoutMs: 10_000, maxMessageBytes: 100_000_000 }

/** One end of a TLS connection, or of what it carries, that says exactly what the test says. */
export class RawPeer<S extends Duplex = TLSSocket> {
  readonly socket: S
  readonly source: ByteSource
  readonly closed: Promise<void>

  constructor(socket: S) {
    this.socket = socket
    this.source = new ByteSource(socket)
    this.closed = new Promise(resolve => socket.once('close', () => resolve()))
  }

  say(text: string): void {
    this.socket.write(text)
  }

  line(): Promise<string> {
    return readLine(this.source, 10_000, 'a line')
  }

  async lines(...expected: readonly string[]): Promise<void> {
    for (const wanted of expected) {
      const line = await this.line()
      if (line !== wanted) throw new Error(`The peer said '${line}' instead of '${wanted}'.`)
    }
  }

  async message(): Promise<BsonDocument> {
    const bytes = await readFrame(this.source, limits)
    if (!bytes) throw new Error('The peer said END.')
    return readBson(bytes)
  }

  async send(build: (out: BsonWriter) => void): Promise<void> {
    const out = new BsonWriter()
    build(out)
    this.socket.write(await encodeFrame(out.finish()))
  }

  /** Sends a request for `sayHello`. */
  request(id: string, argument: string, service = 'ITestService'): Promise<void> {
    return this.send(out => {
      out.openDocument('Message')
      out.string('$type', 'Halibut.Transport.Protocol.RequestMessage, Halibut')
      out.string('id', id)
      out.nothing('endpoint')
      out.string('service', service)
      out.string('method', 'SayHello')
      out.openArray('params')
      out.string('0', argument)
      out.close()
      out.close()
    })
  }

  /** Sends a response with a text. */
  async respond(id: string, result: string): Promise<void> {
    this.socket.write(await this.encoded(id, result))
  }

  /** The bytes of a response with a text. */
  async encoded(id: string, result: string): Promise<Buffer> {
    const out = new BsonWriter()
    out.openDocument('Message')
    out.string('$type', 'Halibut.Transport.Protocol.ResponseMessage, Halibut')
    out.string('id', id)
    out.nothing('error')
    out.string('result', result)
    out.close()
    return encodeFrame(out.finish())
  }

  /** Everything that arrives until the other side hangs up. */
  async rest(): Promise<string> {
    const parts: Buffer[] = []
    await this.closed
    while (this.source.available > 0) parts.push(this.source.take())
    return Buffer.concat(parts).toString()
  }
}

/** Dials by TLS, with a certificate or without. */
export async function dialRaw(t: TestContext, port: number, certificate?: Certificate): Promise<RawPeer> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...(certificate && { cert: certificate.certificatePem, key: certificate.privateKeyPem }),
  })
  socket.setNoDelay(true)
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  return new RawPeer(socket)
}

/** A client by hand, introduced: the next word is its request. */
export async function introducedClient(
  t: TestContext,
  port: number,
  certificate: Certificate,
): Promise<RawPeer> {
  const peer = await dialRaw(t, port, certificate)
  peer.socket.on('error', () => {})
  peer.say('MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n')
  await peer.lines('MX-SERVER 1.0', '')
  return peer
}

/** A polling service by hand, introduced and waiting for work. */
export async function subscriber(
  t: TestContext,
  port: number,
  certificate: Certificate,
  subscription = 'poll://tests/',
): Promise<RawPeer> {
  const peer = await dialRaw(t, port, certificate)
  peer.socket.on('error', () => {})
  peer.say(`MX\r\n\r\nMX-SUBSCRIBER 1.0 ${subscription}\r\n\r\n`)
  await peer.lines('MX-SERVER 1.0', '')
  return peer
}

/** A request as a service by hand sees it. */
export interface SeenRequest {
  readonly id: string
  readonly argument: unknown
  readonly message: BsonDocument
}

export async function nextRequest(peer: RawPeer): Promise<SeenRequest> {
  const message = (await peer.message()).get('Message')
  if (!(message instanceof BsonDocument)) throw new Error('The peer sent no request.')
  const params = message.get('params')
  return { id: String(message.get('id')), argument: Array.isArray(params) ? params[0] : undefined, message }
}

/** Reads the preamble and identity of a client, and introduces itself as a server. */
export async function greetClient(peer: RawPeer): Promise<void> {
  peer.socket.on('error', () => {})
  await peer.lines('MX', '', 'MX-CLIENT 1.0', '')
  peer.say('MX-SERVER 1.0\r\n\r\n')
}

/** A listening service by hand that answers every request, until its client leaves. */
export async function serveByHand(peer: RawPeer, answer: (request: SeenRequest) => string): Promise<void> {
  await greetClient(peer)
  for (;;) {
    const request = await nextRequest(peer)
    await peer.respond(request.id, answer(request))
    if ((await peer.line()) !== 'NEXT') return
    peer.say('PROCEED\r\n')
  }
}

export interface RawListener {
  readonly port: number
  /** How many TCP connections came in. */
  readonly connections: number
}

/** Listens by TLS; each connection is given to the function. */
export async function listenRaw(
  t: TestContext,
  certificate: Certificate,
  onPeer: (peer: RawPeer) => void | Promise<void>,
  settings: SecureContextOptions = {},
): Promise<RawListener> {
  const sockets = new Set<TLSSocket>()
  const server = createServer(
    {
      cert: certificate.certificatePem,
      key: certificate.privateKeyPem,
      requestCert: true,
      rejectUnauthorized: false,
      noDelay: true,
      ...settings,
    },
    (socket: TLSSocket) => {
      sockets.add(socket)
      void Promise.resolve(onPeer(new RawPeer(socket))).catch(() => socket.destroy())
    },
  )
  server.on('tlsClientError', () => {})
  let connections = 0
  server.on('connection', () => connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    get connections() {
      return connections
    },
  }
}
