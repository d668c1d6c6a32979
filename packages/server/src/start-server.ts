import { chmodSync, existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { Writable } from 'node:stream'
import { HalibutError } from '@tentacle/halibut'
import { createLoginThrottle } from './access/login-throttle.ts'
import { createSignIn } from './access/sign-in.ts'
import { createAgents } from './agents/agents.ts'
import { ensureInitialContent } from './config/first-start.ts'
import { lockHome } from './config/home-folder.ts'
import { type LogLevel, openLog } from './config/logging.ts'
import { checkMasterKey, createVault, loadMasterKey } from './config/master-key.ts'
import { loadServerCertificate } from './config/server-certificate.ts'
import { readSettings, type Settings } from './config/settings.ts'
import { openDatabase } from './db/database.ts'
import { migrations } from './db/migrations/index.ts'
import { createStore, type Store } from './db/store.ts'
import { ServerError, toError } from './errors.ts'
import { healthRoutes } from './http/health.ts'
import { addApiRoutes } from './http/routes.ts'
import { createEventHub } from './live/event-hub.ts'
import { type MetricsPage, type MetricsServer, serveMetrics } from './metrics/serve-metrics.ts'
import type { Space } from './model/space.ts'
import { createTaskService } from './orchestration/task-service.ts'
import { createPackageStore } from './packages/package-store.ts'
import { productVersion } from './product-version.ts'
import type { App, Caller } from './web/app-types.ts'
import { createApp } from './web/create-app.ts'
import { addPortalRoutes, hasPortal } from './web/portal-files.ts'
import { normalizePrefix } from './web/web-prefix.ts'

/** How a server is to be started. Whatever is left out comes from `config.json` in the home folder, or is the default. */
export interface ServerOptions extends Settings {
  /** The folder with everything that the server keeps; made when it is not there. */
  readonly home: string
  /** Address of the comms port; default: all. */
  readonly commsHost?: string
  /** Only for the first start: default `admin`. */
  readonly adminUsername?: string
  /** Only for the first start: default a random one, see {@link RunningServer.newPassword}. */
  readonly adminPassword?: string
  /** The environment, for the master key; default none. */
  readonly env?: NodeJS.ProcessEnv
  /** Where log lines go besides the file; default nowhere. */
  readonly console?: Writable
  /** Form of the log lines on the console; default `text`: warnings and errors for people. */
  readonly consoleFormat?: 'json' | 'text'
  /** The clock; default the system's. */
  readonly now?: () => Date
}

/** A server that answers. */
export interface RunningServer {
  /** Address of the portal and the REST API, with the prefix, for people on this machine. */
  readonly url: string
  readonly webPort: number
  readonly commsPort: number
  /** Where `/metrics` is shown on this machine; undefined: nowhere. */
  readonly metricsPort: number | undefined
  /** What Tentacles must trust. */
  readonly thumbprint: string
  /** The administrator's password when this start made it up. It is stored nowhere. */
  readonly newPassword: string | undefined
  readonly hasPortal: boolean
  /**
   * Takes no more requests and no more tasks, lets go of the tasks in work (they go on after the next start), closes
   * everything.
   */
  stop(): Promise<void>
}

/** The version that clients are told unless the settings say otherwise: docs/wire/server-api.md, version. */
export const defaultReportedVersion = '2026.3.0'

/** How long requests may go on after a stop was asked for. */
const stopGraceMs = 5_000

function listenError(error: unknown, port: number, option: string, what: string): unknown {
  const cause = error instanceof HalibutError ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EADDRINUSE') {
    return new ServerError(
      'ERR_PORT_TAKEN',
      `Port ${port}, ${what}, is used by another program. Stop that one, or choose another port with --${option}.`,
      { cause: error, details: { port, option } },
    )
  }
  if (error instanceof HalibutError || code !== undefined) {
    return new ServerError(
      'ERR_PORT',
      `Port ${port}, ${what}, could not be opened: ${toError(error).message}. Choose another port with --${option}.`,
      { cause: error, details: { port, option } },
    )
  }
  return error
}

async function listenWeb(app: App, port: number, host: string): Promise<number> {
  try {
    await app.listen({ port, host })
  } catch (error) {
    throw listenError(error, port, 'port', 'for the portal and the REST API')
  }
  const address = app.server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

async function listenMetrics(port: number, page: MetricsPage): Promise<MetricsServer> {
  try {
    return await serveMetrics(port, page)
  } catch (error) {
    throw listenError(error, port, 'metrics-port', 'for metrics')
  }
}

/** Waits for requests in work, but not forever: a browser may keep a connection open as long as it likes. */
async function closeWeb(app: App): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), stopGraceMs)
  try {
    await app.close()
  } finally {
    clearTimeout(cut)
  }
}

async function findSpace({ spaces }: Store, text: string | null): Promise<Space | undefined> {
  if (text === null) return spaces.default()
  const byId = await spaces.get(text)
  if (byId !== undefined) return byId
  const wanted = text.toLowerCase()
  return (await spaces.list()).items.find(
    space => space.slug === wanted || space.name.toLowerCase() === wanted,
  )
}

/**
 * Starts a server. Throws ServerError with a message for the operator when something is in the way: `ERR_HOME`,
 * `ERR_HOME_IN_USE`, `ERR_CONFIG`, `ERR_MASTER_KEY`, `ERR_DATABASE`, `ERR_PORT_TAKEN`, `ERR_PORT`; then nothing is left
 * open.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  await using opened = new AsyncDisposableStack()
  const home = lockHome(options.home)
  opened.defer(() => home.release())
  const settings: Settings & ServerOptions = { ...readSettings(home.settings), ...withoutUndefined(options) }
  const prefix = normalizePrefix(settings.webPrefix ?? '')
  const log = openLog({
    level: (settings.logLevel ?? 'info') satisfies LogLevel,
    folder: home.logs,
    console: options.console ?? new Writable({ write: (_chunk, _encoding, done) => done() }),
    format: options.consoleFormat ?? 'text',
  })
  opened.defer(() => log.close())
  const { logger } = log

  const vault = createVault(loadMasterKey(home.masterKey, options.env ?? {}, !existsSync(home.database)))
  const db = await openDatabase(home.database, migrations)
  opened.defer(() => db.destroy())
  if (process.platform !== 'win32') chmodSync(home.database, 0o600)
  const store = createStore(db, options.now)
  await checkMasterKey(vault, store.settings)
  const certificate = await loadServerCertificate(store.settings, vault)
  const { installationId, newPassword } = await ensureInitialContent(store, {
    adminUsername: options.adminUsername ?? 'admin',
    adminPassword: options.adminPassword,
  })
  const packages = createPackageStore(store, home.packages)
  await packages.cleanUp()

  const hub = createEventHub()
  // Loaded for those who ask for it: its library costs time and memory.
  const metrics =
    settings.metricsPort === undefined
      ? undefined
      : (await import('./metrics/server-metrics.ts')).createServerMetrics(productVersion)
  const agents = await createAgents({
    certificate,
    store,
    vault,
    hub,
    logger,
    temporaryFolder: home.temporary,
    ...(metrics && { observer: metrics.observer }),
  })
  opened.defer(() => agents.close())
  const webPort = settings.port ?? 8080
  const tasks = createTaskService({
    store,
    vault,
    hub,
    agents,
    packages,
    serverUri: settings.serverUri ?? `http://${hostname()}:${webPort}${prefix}`,
    node: settings.nodeName ?? hostname(),
    queue: settings.taskCap === undefined ? {} : { cap: settings.taskCap },
    onError: (error, taskId) =>
      logger.error({ err: error, taskId }, 'A task failed because of the server itself'),
  })
  opened.defer(() => tasks.stop())

  const signIn = createSignIn(store, createLoginThrottle({ now: () => store.now().getTime() }))
  let isStopping = false
  const app = await createApp(
    {
      authenticator: {
        byApiKey: async key => ({ user: await signIn.userOfApiKey(key), by: 'api-key' }),
        byAccessToken: async token => ({ user: await signIn.userOfAccessToken(token), by: 'access-token' }),
        async bySession(value): Promise<Caller> {
          const { user, session } = await signIn.userOfSession(value)
          return { user, by: 'session', session: { id: session.id, csrfToken: session.csrfToken } }
        },
      },
      findSpace: text => findSpace(store, text),
      installationId,
      prefix,
      logger,
    },
    routed => {
      addApiRoutes(routed, {
        store,
        vault,
        signIn,
        packages,
        tasks,
        agents,
        hub,
        certificate,
        prefix,
        identity: {
          installationId,
          application: settings.reportedApplication ?? 'Octopus Deploy',
          version: settings.reportedVersion ?? defaultReportedVersion,
          productVersion,
        },
      })
      healthRoutes(routed, { store, isStopping: () => isStopping })
      addPortalRoutes(routed, { folder: settings.portal, prefix })
    },
  )
  opened.defer(() => closeWeb(app))

  const commsPort = settings.commsPort ?? 10_943
  const comms = await agents
    .listen({ port: commsPort, ...(options.commsHost === undefined ? {} : { host: options.commsHost }) })
    .catch(error => {
      throw listenError(error, commsPort, 'comms-port', 'for polling Tentacles')
    })
  const metricsServer =
    metrics &&
    (await listenMetrics(settings.metricsPort ?? 0, {
      contentType: metrics.contentType,
      text: () => metrics.text({ pollingConnections: agents.pollingConnections, tasks: store.tasks }),
    }))
  opened.defer(() => metricsServer?.close())
  const port = await listenWeb(app, webPort, settings.host ?? '::')
  tasks.start()
  logger.info(
    {
      webPort: port,
      commsPort: comms.port,
      metricsPort: metricsServer?.port,
      home: home.path,
      version: productVersion,
    },
    'Server started',
  )

  const running = opened.move()
  let stopped: Promise<void> | undefined
  return {
    url: `http://localhost:${port}${prefix}`,
    webPort: port,
    commsPort: comms.port,
    metricsPort: metricsServer?.port,
    thumbprint: certificate.thumbprint,
    newPassword,
    hasPortal: hasPortal(settings.portal),
    stop() {
      if (stopped === undefined) {
        isStopping = true
        logger.info('Server stops')
        stopped = running.disposeAsync()
      }
      return stopped
    },
  }
}

/** Options that a caller passed on without having them must not hide those of the settings file. */
function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}
