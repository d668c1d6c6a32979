import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, type Server, type Socket } from 'node:net'
import { connect as connectTls, createServer, type TLSSocket } from 'node:tls'
import {
  type Certificate,
  createCertificate,
  createHalibut,
  type Halibut,
  type HalibutLimits,
  type HalibutListener,
  host,
  type Polling,
  type ServiceClient,
  type ServiceImplementation,
} from '../../src/index.ts'
import { argumentsFor, FuzzService, type MethodKey, results } from './realistic-contract.ts'

export const webSocketPath = '/HalibutWebSocket'

/** Generous: what a hostile input makes somebody wait for must not be a time limit. */
const limits: Partial<HalibutLimits> = { retryCountLimit: 1, maxMessageBytes: 1024 * 1024 }

/** Made once: a key takes a while. */
let certificates: Promise<[Certificate, Certificate]> | undefined

/** A service that listens, a client that knows it, and hostile strangers with a certificate that is trusted. */
export class LivePeers {
  static async start(): Promise<LivePeers> {
    certificates ??= Promise.all([
      createCertificate({ commonName: 'fuzz client' }),
      createCertificate({ commonName: 'fuzz service' }),
    ])
    const [client, service] = await certificates
    const peers = new LivePeers(client, service)
    peers.#listener = await peers.#service.listen({ port: 0, host: '127.0.0.1', webSocketPath })
    return peers
  }

  readonly #clientCertificate: Certificate
  readonly #client: Halibut
  readonly #service: Halibut
  #listener: HalibutListener | undefined
  /** How many methods the service has run. */
  runs = 0

  private constructor(client: Certificate, service: Certificate) {
    this.#clientCertificate = client
    this.#client = createHalibut({ certificate: client, trust: [service.thumbprint], limits })
    this.#service = createHalibut({
      certificate: service,
      trust: [client.thumbprint],
      limits,
      services: [
        host(
          FuzzService,
          implementation(() => this.runs++),
        ),
      ],
    })
  }

  get port(): number {
    return this.#listener?.port ?? 0
  }

  /** Fails when the service does not answer a good client any more. */
  async check(): Promise<void> {
    const call = this.callTo(this.port)
    const answer = await call.sayHello('fuzz')
    if (answer !== results.sayHello()) throw new Error(`The service answered '${answer}'.`)
  }

  /** Calls what listens on a port; `thumbprint` is that of the service unless it is given. */
  callTo(port: number): ServiceClient<typeof FuzzService> {
    const { thumbprint } = this.#service.certificate
    return this.#client.client(FuzzService, { baseUri: `https://127.0.0.1:${port}`, thumbprint })
  }

  /** Lets the service poll what listens on a port by `listenTls`. */
  poll(port: number): Polling {
    const { thumbprint } = this.#service.certificate
    const server = { baseUri: `https://127.0.0.1:${port}`, thumbprint }
    return this.#service.poll({ subscription: 'poll://fuzz/', server })
  }

  /** Says something to the listening service before TLS. */
  async dialTcp(): Promise<Socket> {
    const socket = connectTcp({ port: this.port, host: '127.0.0.1', noDelay: true })
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }

  /** A connection that has done the TLS handshake. */
  async dialTls(isTrusted: boolean): Promise<TLSSocket> {
    const { certificatePem: cert, privateKeyPem: key } = this.#clientCertificate
    const socket = connectTls({
      port: this.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ...(isTrusted && { cert, key }),
    })
    socket.setNoDelay(true).on('error', () => {})
    await once(socket, 'secureConnect')
    return socket
  }

  /** Listens with the certificate that the client expects, and says whatever `onSocket` says. */
  async listenTls(onSocket: (socket: TLSSocket) => void): Promise<Server> {
    const { certificatePem: cert, privateKeyPem: key } = this.#service.certificate
    const server = createServer({ cert, key, noDelay: true, requestCert: true, rejectUnauthorized: false })
    server.on('tlsClientError', () => {})
    server.on('secureConnection', socket => {
      socket.on('error', () => {})
      onSocket(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }

  async close(): Promise<void> {
    await this.check()
    await this.#client.close()
    await this.#service.close()
  }
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

function implementation(onRun: () => void): ServiceImplementation<typeof FuzzService> {
  const answer =
    <T>(value: () => T) =>
    () => {
      onRun()
      return value()
    }
  return {
    sayHello: answer(() => results.sayHello()),
    startScript: answer(() => results.startScript()),
    getStatus: answer(() => results.getStatus()),
    upload: answer(() => results.upload()),
    download: answer(() => results.download()),
    everything: answer(() => results.everything()),
    addLong: answer(() => results.addLong()),
    addDouble: answer(() => results.addDouble()),
    pairs: answer(() => results.pairs()),
    nothing: answer(() => results.nothing()),
  }
}

/** Any method of the service. */
export function callMethod(client: ServiceClient<typeof FuzzService>, key: MethodKey): Promise<unknown> {
  const run: unknown = Reflect.get(client, key)
  if (typeof run !== 'function') throw new Error(`There is no method ${key}.`)
  return Promise.resolve(Reflect.apply(run, client, argumentsFor(key)))
}

/** Says the pieces one after the other, hangs up, and waits until the other side has hung up as well. */
export async function sayAll(socket: Socket, pieces: readonly Uint8Array[]): Promise<void> {
  if (socket.closed) return
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  socket.resume()
  for (const piece of pieces) {
    if (socket.destroyed || socket.writableEnded) break
    await new Promise<void>(resolve => {
      socket.write(piece, () => resolve())
    })
  }
  socket.end()
  await closed
}
