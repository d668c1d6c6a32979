import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import {
  ApiClient,
  createTerminal,
  type HomeFolder,
  openHome,
  portalFiles,
  type SupervisedProcess,
  serverProgram,
  startAgents,
  supervise,
  type Terminal,
  textOf,
} from '@tentacle/quickstart'

export const environment = 'Test'
export const role = 'web-server'
export const adminPassword = 'a password for the tests'

/** A whole system of real processes: a server and, where asked, a listening and a polling agent. */
export interface System {
  readonly home: HomeFolder
  readonly base: string
  readonly port: number
  readonly commsPort: number
  readonly api: ApiClient
  readonly server: SupervisedProcess
  readonly agents: readonly SupervisedProcess[]
  agent(name: string): SupervisedProcess
  /** Ends every process and removes the home. */
  stop(): Promise<void>
}

/** Ports that nobody listens on. They are free again when this returns, so take them soon. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const probes = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const probe = createServer()
          probe.once('error', reject)
          probe.listen(0, () => resolve(probe))
        }),
    ),
  )
  const ports = probes.map(probe => {
    const address = probe.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  await Promise.all(probes.map(probe => new Promise(resolve => probe.close(resolve))))
  return ports
}

const silent: Terminal = createTerminal(new Writable({ write: (_chunk, _encoding, done) => done() }))

async function signIn(base: string): Promise<{ api: ApiClient; apiKey: string }> {
  const session = await ApiClient.signIn(base, 'admin', adminPassword)
  const me = await session.get('/api/users/me')
  const apiKey = textOf(await session.post(`/api/users/${me.Id}/apikeys`, { Purpose: 'tests' }), 'ApiKey')
  return { api: ApiClient.withKey(base, apiKey), apiKey }
}

/** Starts the system in a temporary home. Whoever starts it stops it. */
export async function startSystem(options: { readonly agents: boolean }): Promise<System> {
  const folder = mkdtempSync(join(tmpdir(), 'tentacle-e2e-'))
  const home = openHome(folder)
  const [port = 0, commsPort = 0, agentPort = 0] = await freePorts(3)
  const server = supervise({
    name: 'The server',
    command: [
      serverProgram,
      'run',
      ...['--home', home.server],
      ...['--port', String(port)],
      ...['--comms-port', String(commsPort)],
      ...['--portal', portalFiles],
      ...['--format', 'json'],
    ],
    env: { ...process.env, OCTOPUS_SERVER_ADMIN_PASSWORD: adminPassword },
    logFile: join(home.logs, 'server.log'),
    pidFile: join(home.path, 'server.pid'),
    isReady: line => line.includes('"event":"ready"'),
    onRestart: () => {},
  })
  const agents: SupervisedProcess[] = []
  const cancelled = new AbortController()
  const stop = async (): Promise<void> => {
    cancelled.abort()
    for (const part of [...agents, server]) await part.stop(5_000)
    rmSync(folder, { recursive: true, force: true })
  }
  await server.ready()
  const base = `http://127.0.0.1:${port}`
  const { api, apiKey } = await signIn(base)
  await api.post('/api/Spaces-1/environments', { Name: environment })
  if (options.agents) {
    await startAgents({
      home,
      api,
      apiKey,
      commsPort,
      agentPort,
      environment,
      role,
      terminal: silent,
      signal: cancelled.signal,
      onStarted: agent => agents.push(agent),
    })
  }
  const agent = (name: string): SupervisedProcess => {
    const found = agents.find(candidate => candidate.name === name)
    if (!found) throw new Error(`No agent is called ${name}.`)
    return found
  }
  return { home, base, port, commsPort, api, server, agents, agent, stop }
}
