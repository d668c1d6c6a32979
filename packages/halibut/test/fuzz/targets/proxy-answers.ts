import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { openTunnel } from '../../../src/transport/http-proxy.ts'
import { portOf, sayAll } from '../live-peers.ts'
import { textMutators } from '../mutations.ts'
import { moveCuts, ofPayload, parseSplit, piecesOf, splitSeeds } from '../split-input.ts'
import { type FuzzTarget, refusing } from '../target.ts'

/** A proxy that answers with whatever it is told to. */
class HostileProxy {
  static async start(): Promise<HostileProxy> {
    const proxy = new HostileProxy()
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  readonly #server: Server = createServer(socket => this.#answer(socket))
  #answering: Promise<void> = Promise.resolve()
  pieces: readonly Uint8Array[] = []

  get port(): number {
    return portOf(this.#server)
  }

  #answer(socket: Socket): void {
    socket.setNoDelay(true).on('error', () => {})
    this.#answering = sayAll(socket, this.pieces)
  }

  async settled(): Promise<void> {
    await this.#answering
  }

  close(): void {
    this.#server.close()
  }
}

let starting: Promise<HostileProxy> | undefined

export const proxyAnswers: FuzzTarget = {
  name: 'proxy-answers',
  about: 'what an HTTP proxy answers to CONNECT',
  testInputs: 150,
  maximumBytes: 20_000,
  seeds: () =>
    [
      'HTTP/1.0 200 Connection established\r\nVia: test\r\n\r\n',
      'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n',
      'HTTP/1.1  200\r\n\r\n',
      `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(2000)}\r\n`,
    ].flatMap(text => splitSeeds(Buffer.from(text))),
  mutators: [
    moveCuts,
    ...textMutators(['HTTP/', '1.0', ' ', '200', '\r\n', '\r\n\r\n', '\n\n', ':', '\0']).map(ofPayload),
  ],
  async run(input) {
    starting ??= HostileProxy.start()
    const proxy = await starting
    proxy.pieces = piecesOf(parseSplit(input))
    const socket = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true })
    socket.on('error', () => {})
    const closed = once(socket, 'close')
    try {
      await once(socket, 'connect')
      const to = { host: 'host', port: 1, serverName: 'host', baseUri: 'https://host:1/' }
      return await refusing(['ERR_CONNECT'], () =>
        openTunnel(socket, { host: 'proxy', port: proxy.port }, to),
      )
    } finally {
      socket.destroy()
      await closed
      await proxy.settled()
    }
  },
  async close() {
    const proxy = await starting
    starting = undefined
    proxy?.close()
  },
}
