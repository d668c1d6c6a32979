import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

const fixtures = join(import.meta.dirname, 'fixtures')

/** One answer of the stand-in. */
export interface StandInAnswer {
  readonly status: number
  readonly body: unknown
}

/** A request that arrived, in the vocabulary of the recorded rows. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  /** 10943 stands for a request over TLS. */
  readonly port?: number
  readonly override?: string
  readonly auth?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** A real web server, plain and over TLS, that answers from a table, as the one did that the rows were recorded with. */
export interface StandInServer {
  readonly httpPort: number
  readonly httpsPort: number
  readonly commsPort: number
  readonly seen: SeenRequest[]
  /** Answers that come before those of the table, by `METHOD path`. */
  answers: Readonly<Record<string, StandInAnswer>>
  close(): Promise<void>
}

const table: Readonly<Record<string, StandInAnswer>> = JSON.parse(
  readFileSync(join(fixtures, 'stand-in-server.json'), 'utf8'),
).answers

export async function startStandInServer(): Promise<StandInServer> {
  const tls = {
    key: readFileSync(join(fixtures, 'files/server.key')),
    cert: readFileSync(join(fixtures, 'files/server.crt')),
  }
  const seen: SeenRequest[] = []
  const standIn = { answers: {} as Readonly<Record<string, StandInAnswer>> }
  const listener =
    (overTls: boolean): RequestListener =>
    (request, response) => {
      void bodyOf(request).then(body => {
        const arrived = toSeen(request, body, overTls)
        seen.push(arrived)
        const { status, body: answer } = answerTo(arrived, standIn.answers)
        const cookies = arrived.path === '/api/users/login' && status === 200 ? loginCookies : []
        response.writeHead(status, { 'Content-Type': 'application/json', 'Set-Cookie': cookies })
        response.end(answer === null || answer === undefined ? '' : JSON.stringify(answer))
      })
    }
  const servers = [
    createServer(listener(false)),
    createTlsServer(tls, listener(true)),
    createTlsServer(tls, listener(true)),
  ]
  const [httpPort = 0, httpsPort = 0, commsPort = 0] = await Promise.all(servers.map(listen))
  return Object.assign(standIn, {
    httpPort,
    httpsPort,
    commsPort,
    seen,
    close: async () => void (await Promise.all(servers.map(close))),
  })
}

const loginCookies = [
  'OctopusIdentificationToken_5b1f2f0e=tok123; path=/; httponly',
  'Octopus-Csrf-Token_5b1f2f0e=csrf456; path=/',
]

function answerTo(request: SeenRequest, special: Readonly<Record<string, StandInAnswer>>): StandInAnswer {
  const { method, override, path, auth } = request
  const url = new URL(path, 'http://stand-in')
  const key = `${override ?? method} ${url.pathname}`
  if (key === 'POST /handshake' && special[key] === undefined) return { status: 200, body: null }
  if (key === 'GET /api/users/me' && auth === undefined)
    return { status: 401, body: { ErrorMessage: 'Who are you?' } }
  const answer = special[key] ??
    table[key] ?? { status: 404, body: { ErrorMessage: `no such resource: ${path}` } }
  const thumbprint = url.searchParams.get('thumbprint')
  const isOthers = thumbprint !== null && !JSON.stringify(answer.body).includes(thumbprint)
  return isOthers && Array.isArray(answer.body) ? { ...answer, body: [] } : answer
}

function toSeen(request: IncomingMessage, body: string, overTls: boolean): SeenRequest {
  const header = (name: string) => {
    const value = request.headers[name.toLowerCase()]
    return typeof value === 'string' ? { [name]: value } : {}
  }
  const auth = {
    ...header('X-Octopus-ApiKey'),
    ...header('X-Octopus-Csrf-Token'),
    ...(request.headers.authorization === undefined ? {} : header('Authorization')),
    ...(request.headers.cookie === undefined ? {} : header('Cookie')),
  }
  const override = request.headers['x-http-method-override']
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    ...(overTls ? { port: 10943 } : {}),
    ...(typeof override === 'string' ? { override } : {}),
    ...(Object.keys(auth).length === 0 ? {} : { auth }),
    ...(body === '' ? {} : { body: JSON.parse(body) }),
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address() as AddressInfo
  return address.port
}

export async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
}
