import { randomBytes, randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Doc, readBody, readCookies, readJson, send, sendPage } from './answers.ts'
import { createFakeTasks, type FakeTask, type FakeTasks } from './fake-tasks.ts'
import { type StaticFiles, serveFile } from './static-files.ts'

/** Everything that the server knows; tests change it as they like and call `changed` for live lists. */
export interface FakeContent {
  readonly spaces: Doc[]
  readonly environments: Doc[]
  readonly machines: Doc[]
  /** Connection documents by machine id. */
  readonly connections: Map<string, Doc>
  readonly projects: Doc[]
  readonly releases: Doc[]
  readonly deployments: Doc[]
  readonly packages: Doc[]
}

/** A small server with the API's shapes: cookies and CSRF, pages, errors, server-sent events. Real sockets, no rules. */
export interface FakeServer {
  /** The server's address with its folder and a slash at the end. */
  readonly url: string
  readonly installationId: string
  readonly content: FakeContent
  readonly tasks: FakeTasks
  /** The requests so far, as `POST /api/tasks`. */
  readonly requests: string[]
  /** What was sent with the last `POST /api/tasks`. */
  lastTask(): Doc | undefined
  /** Called for each task that was asked for over the API. */
  onTask: (task: FakeTask) => void
  /** Tells pages with live lists that something changed. */
  changed(kind: 'task' | 'machine', id: string): void
  /** Makes the next request to a path fail. */
  failNext(path: string, status: number, body: Doc): void
  endSessions(): void
  /** Streams of events that are open now. */
  openStreams(): number
  /** Resolves when the condition holds; asked after each stream that opens or closes. */
  until(condition: () => boolean): Promise<void>
  /** Cuts all connections and stops listening; `start` brings the server back on the same port. */
  stop(): Promise<void>
  start(): Promise<void>
}

export const userName = 'admin'
export const password = 'correct horse'
export const thumbprint = '5FD2C1A7B9E04D3388A16C0F9B7E21D45C3A9F60'

/** Starts a fake server on a port of the system's choice. `folder` is where it lives, such as `/octopus`. */
export async function startFakeServer(
  options: { folder?: string; files?: StaticFiles } = {},
): Promise<FakeServer> {
  const folder = options.folder ?? ''
  const installationId = randomUUID()
  const sessions = new Map<string, string>()
  const failures = new Map<string, { status: number; body: Doc }>()
  const listeners = new Set<ServerResponse>()
  const streams = new Set<ServerResponse>()
  const streamChanges = new EventEmitter()
  const requests: string[] = []
  const content: FakeContent = {
    spaces: [{ Id: 'Spaces-1', Name: 'Default', IsDefault: true }],
    environments: [],
    machines: [],
    connections: new Map(),
    projects: [],
    releases: [],
    deployments: [],
    packages: [],
  }
  const tasks = createFakeTasks(id => fake.changed('task', id))
  let port = 0
  let server: Server | undefined
  let lastTask: Doc | undefined

  const identity = `OctopusIdentificationToken_${installationId}`
  const csrf = `Octopus-Csrf-Token_${installationId}`

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake')
    if (!url.pathname.startsWith(folder))
      return send(response, 404, { ErrorMessage: 'Outside of the folder.' })
    const path = url.pathname.slice(folder.length)
    if (options.files && (path === '/app' || path.startsWith('/app/'))) {
      return serveFile(options.files, folder, path.slice('/app'.length), response)
    }
    requests.push(`${request.method} ${path}${url.search}`)
    if (path.endsWith('/events') || path === '/api/events/live') countStream(response)
    const failure = failures.get(path)
    if (failure) {
      failures.delete(path)
      return send(response, failure.status, failure.body)
    }
    if (path === '/api' || path === '/api/') {
      return send(response, 200, {
        Version: '2026.3.0',
        ApiVersion: '3.0.0',
        InstallationId: installationId,
        Links: {},
      })
    }
    if (path === '/api/users/login') return logIn(request, response)
    const cookies = readCookies(request)
    const session = sessions.get(cookies.get(identity) ?? '')
    if (session === undefined)
      return send(response, 401, { ErrorMessage: 'You must be logged in to request this resource.' })
    if (request.method !== 'GET' && request.headers['x-octopus-csrf-token'] !== session) {
      return send(response, 401, { ErrorMessage: 'The CSRF token is missing or wrong.' })
    }
    return inside(request, response, path, url.searchParams)
  }

  function countStream(response: ServerResponse): void {
    streams.add(response)
    streamChanges.emit('change')
    response.on('close', () => {
      streams.delete(response)
      streamChanges.emit('change')
    })
  }

  async function logIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(request)
    if (body.Username !== userName || body.Password !== password) {
      return send(response, 400, {
        ErrorMessage: 'Invalid username or password.',
        Errors: ['Check that Caps Lock is off.'],
      })
    }
    const token = randomBytes(16).toString('hex')
    const csrfToken = randomBytes(8).toString('base64')
    sessions.set(token, csrfToken)
    response.setHeader('Set-Cookie', [
      `${identity}=${token}; Path=/; HttpOnly; SameSite=Lax`,
      `${csrf}=${encodeURIComponent(csrfToken)}; Path=/; SameSite=Lax`,
    ])
    send(response, 200, { Id: 'Users-1' })
  }

  async function inside(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): Promise<void> {
    const { method } = request
    const plain = path.replace(/^\/api\/(Spaces-\d+\/)?/, '')
    const [area = '', id = '', part = ''] = plain.split('/').map(decodeURIComponent)
    if (plain === 'users/me')
      return send(response, 200, { Id: 'Users-1', Username: userName, DisplayName: 'Ada Admin' })
    if (plain === 'users/logout') {
      response.setHeader('Set-Cookie', [`${identity}=; Path=/; Max-Age=0`, `${csrf}=; Path=/; Max-Age=0`])
      return send(response, 200, {})
    }
    if (area === 'users' && part === 'spaces') return send(response, 200, content.spaces)
    if (area === 'users' && part === 'apikeys') {
      return send(response, 201, { Id: 'apikeys-1', ApiKey: 'API-MADEUPFORTESTS0000000000001' })
    }
    if (plain === 'configuration/certificates/certificate-global') {
      return send(response, 200, {
        Id: 'certificate-global',
        Thumbprint: thumbprint,
        SignatureAlgorithm: 'sha256RSA',
      })
    }
    if (plain === 'events/live') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
      response.write(': hello\n\n')
      listeners.add(response)
      response.on('close', () => listeners.delete(response))
      return
    }
    if (area === 'tasks' && method === 'POST' && id === '') {
      lastTask = await readJson(request)
      const task = tasks.add(lastTask)
      send(response, 201, task.doc)
      return fake.onTask(task)
    }
    if (area === 'tasks') return tasks.answer(request, response, id, part, query)
    if (area === 'machines' && part === 'connection') {
      return send(
        response,
        200,
        content.connections.get(id) ?? { MachineId: id, Status: 'Unknown', Logs: [] },
      )
    }
    if (area === 'machines' && part === 'tasks') return sendPage(response, tasks.ofMachine(id), query)
    if (area === 'machinepolicies') return send(response, 200, { Id: id, Name: 'Default machine policy' })
    if (area === 'packages' && id === 'raw' && method === 'POST') return takePackage(request, response, query)
    if (area === 'packages') {
      const filter = (query.get('filter') ?? '').toLowerCase()
      const found = content.packages.filter(item => String(item.PackageId).toLowerCase().includes(filter))
      return sendPage(response, found, query)
    }
    return sendCollection(response, area, id, query)
  }

  function sendCollection(response: ServerResponse, area: string, id: string, query: URLSearchParams): void {
    const collections: Record<string, Doc[]> = {
      environments: content.environments,
      machines: content.machines,
      projects: content.projects,
      releases: content.releases,
      deployments: content.deployments,
    }
    const all = collections[area]
    if (!all) {
      send(response, 404, { ErrorMessage: 'The resource you requested was not found.' })
      return
    }
    const ids = query.get('ids')?.split(',')
    const found = all.find(item => item.Id === id)
    if (id === 'all') send(response, 200, all)
    else if (id === '')
      sendPage(response, ids ? all.filter(item => ids.includes(String(item.Id))) : all, query)
    else if (found) send(response, 200, found)
    else send(response, 404, { ErrorMessage: `The resource '${id}' was not found.` })
  }

  async function takePackage(
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): Promise<void> {
    const body = await readBody(request)
    const name = /filename="([^"]+)"/.exec(body.subarray(0, 2_000).toString())?.[1] ?? ''
    const parsed = /^(.+?)\.(\d+(?:\.\d+)*)\.(zip|nupkg|tar\.gz)$/.exec(name)
    if (!parsed) {
      return send(response, 400, {
        ErrorMessage: 'The package could not be stored.',
        Errors: [`'${name}' has no package id and version in its name.`],
      })
    }
    const [, packageId, version, extension] = parsed
    const id = `packages-${packageId}.${version}`
    const at = content.packages.findIndex(item => item.Id === id)
    if (at >= 0 && query.get('overwriteMode') !== 'OverwriteExisting') {
      return send(response, 409, {
        ErrorMessage: 'The package could not be stored.',
        Errors: [`A package with the same name and version already exists: ${packageId} ${version}.`],
      })
    }
    const item = {
      Id: id,
      PackageId: packageId,
      Version: version,
      FileExtension: `.${extension}`,
      PackageSizeBytes: body.length,
      Published: new Date().toISOString(),
    }
    if (at >= 0) content.packages.splice(at, 1)
    content.packages.unshift(item)
    send(response, 201, item)
  }

  const fake: FakeServer = {
    get url() {
      return `http://127.0.0.1:${port}${folder}/`
    },
    installationId,
    content,
    tasks,
    requests,
    lastTask: () => lastTask,
    onTask: () => {},
    changed(kind, id) {
      const name = kind === 'task' ? tasks.get(id)?.doc.Name : undefined
      const data = JSON.stringify({ id, name })
      for (const listener of listeners) listener.write(`event: ${kind}\ndata: ${data}\n\n`)
    },
    failNext: (path, status, body) => failures.set(path, { status, body }),
    endSessions() {
      sessions.clear()
      for (const listener of listeners) listener.destroy()
    },
    openStreams: () => streams.size,
    async until(condition) {
      while (!condition()) await once(streamChanges, 'change')
    },
    async stop() {
      server?.closeAllConnections()
      const closed = server ? once(server, 'close') : undefined
      server?.close()
      server?.closeAllConnections()
      await closed
      server = undefined
    },
    async start() {
      server = createServer((request, response) => {
        answer(request, response).catch(error => send(response, 500, { ErrorMessage: String(error) }))
      })
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      port = (server.address() as AddressInfo).port
    },
  }
  await fake.start()
  return fake
}
