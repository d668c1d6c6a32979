import { join } from 'node:path'
import { startAgents } from './agents.ts'
import { ApiClient } from './api-client.ts'
import { openHome } from './home-folder.ts'
import { parseOptions, QuickstartError, usage } from './options.ts'
import { demandFree, portalFiles, projectFolder, serverProgram } from './programs.ts'
import { type SupervisedProcess, stopLeftOver, supervise } from './supervised-process.ts'
import { createTerminal } from './terminal.ts'
import {
  checkHealth,
  deploy,
  deployedFolders,
  ensureEnvironment,
  sample,
  showFolders,
  uploadPackage,
} from './walk.ts'

const terminal = createTerminal(process.stdout)
const stopping = new AbortController()
const running: SupervisedProcess[] = []

/** The first signal asks for an orderly end. Ctrl+C reaches us twice (from the terminal and from npm): that is one. */
function watchSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort())
}

async function startServer(
  options: ReturnType<typeof parseOptions>,
  home: ReturnType<typeof openHome>,
): Promise<string> {
  const pidFile = join(home.path, 'server.pid')
  if (await stopLeftOver(pidFile))
    terminal.line('The server of an earlier start was still running; stopped it')
  await demandFree(options.port, 'port')
  await demandFree(options.commsPort, 'comms-port')
  const server = supervise({
    name: 'The server',
    command: [
      serverProgram,
      'run',
      '--home',
      home.server,
      '--port',
      String(options.port),
      '--comms-port',
      String(options.commsPort),
      '--portal',
      portalFiles,
      '--format',
      'json',
    ],
    env: { ...process.env, OCTOPUS_SERVER_ADMIN_PASSWORD: home.load().adminPassword },
    logFile: join(home.logs, 'server.log'),
    pidFile,
    isReady: line => line.includes('"event":"ready"'),
    onRestart: reason => terminal.warn(reason),
  })
  running.push(server)
  await server.ready()
  return `http://localhost:${options.port}`
}

/** A client with an API key of its own; the key of an earlier start is used again while it is valid. */
async function connect(
  base: string,
  home: ReturnType<typeof openHome>,
): Promise<{ api: ApiClient; apiKey: string }> {
  const { apiKey, adminPassword } = home.load()
  if (apiKey !== undefined) {
    const api = ApiClient.withKey(base, apiKey)
    const known = await api.get('/api/users/me').then(
      () => true,
      () => false,
    )
    if (known) return { api, apiKey }
  }
  const session = await ApiClient.signIn(base, 'admin', adminPassword)
  const me = await session.get('/api/users/me')
  const made = await session.post(`/api/users/${me.Id}/apikeys`, { Purpose: 'quickstart' })
  const key = String(made.ApiKey)
  home.save({ apiKey: key })
  return { api: ApiClient.withKey(base, key), apiKey: key }
}

/** Cancels what still runs on the agents: a script would go on without its agent otherwise, as it is meant to. */
async function cancelTasks(api: ApiClient): Promise<void> {
  const active = await api.items('/api/tasks?active=true&take=2147483647')
  await Promise.all(active.map(task => api.request('POST', `/api/tasks/${task.Id}/cancel`, {})))
  const deadline = Date.now() + 15_000
  while (Date.now() < deadline && (await api.items('/api/tasks?active=true&take=1')).length > 0) {
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

async function run(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), join(projectFolder, 'home'))
  if (options.help) {
    process.stdout.write(usage)
    return
  }
  watchSignals()
  const home = openHome(options.home)
  const abortable = <T>(work: Promise<T>): Promise<T> => Promise.race([work, aborted])
  let api: ApiClient | undefined
  const aborted = new Promise<never>((_, reject) =>
    stopping.signal.addEventListener('abort', () => reject(stopping.signal.reason)),
  )
  aborted.catch(() => {})

  try {
    terminal.stage('Server')
    const base = await abortable(startServer(options, home))
    const connection = await abortable(connect(base, home))
    api = connection.api
    terminal.line(`REST API and portal on ${base}, Tentacles on port ${options.commsPort}`)

    const walk = { home, api, terminal, signal: stopping.signal }
    await abortable(ensureEnvironment(api))
    terminal.stage('Agents')
    const agents = startAgents({
      ...walk,
      apiKey: connection.apiKey,
      commsPort: options.commsPort,
      agentPort: options.agentPort,
      environment: sample.environment,
      role: sample.role,
      onStarted: agent => running.push(agent),
    })
    await abortable(agents)

    terminal.stage('Health')
    await abortable(checkHealth(walk))
    terminal.stage('Package')
    const version = await abortable(uploadPackage(walk))
    terminal.stage('Deployment')
    await abortable(deploy(walk, version))

    terminal.stage('Done')
    showFolders(terminal, deployedFolders(home, version))
    terminal.fact('portal', base)
    terminal.fact('sign in', `admin / ${home.load().adminPassword}`)
    for (const part of running) terminal.fact('process', `${part.pid} ${part.name}`)
    terminal.fact('logs', home.logs)
    terminal.line('Press Ctrl+C to stop everything; npm start goes on from here.')
    await aborted
  } catch (error) {
    if (!stopping.signal.aborted) throw error
  } finally {
    await stopAll(api)
  }
}

async function stopAll(api: ApiClient | undefined): Promise<void> {
  if (running.length === 0) return
  terminal.stage('Stopping')
  if (api)
    await cancelTasks(api).catch(() =>
      terminal.warn('The running tasks could not be cancelled; they go on at the next start.'),
    )
  for (const part of [...running].reverse()) {
    await part.stop()
    terminal.line(`${part.name} has stopped`)
  }
}

run().catch(error => {
  const isKnown = error instanceof QuickstartError || error instanceof Error
  process.stderr.write(`\n${isKnown ? error.message : String(error)}\n`)
  process.exitCode = 1
})
