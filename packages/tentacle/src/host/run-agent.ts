import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { unknownServiceType } from '@tentacle/contracts'
import {
  type Certificate,
  createHalibut,
  type Halibut,
  type HalibutListener,
  recommendedLimits,
} from '@tentacle/halibut'
import { generateIfMissing, loadCertificate } from '../certificates/instance-certificate.ts'
import { TentacleError, toError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import type { AgentMetrics } from '../metrics/agent-metrics.ts'
import { createScriptServices, type ScriptServices } from '../services/create-script-services.ts'
import { withoutOwnCredentials } from '../settings/environment-settings.ts'
import type { SettingsStore } from '../settings/settings-store.ts'
import type { TentacleSettings } from '../settings/tentacle-settings.ts'
import { fileError } from '../settings/write-file.ts'
import { workFolder } from '../workspaces/script-workspace.ts'
import { type BackgroundTask, startBackgroundTask } from './background-task.ts'
import { friendlyPage } from './friendly-page.ts'
import { createHalibutReporter } from './halibut-log.ts'
import { createHeartbeat } from './heartbeat.ts'
import { listenForServers } from './listen.ts'
import { pollServers } from './poll-servers.ts'
import { followTrust, type TrustReload } from './trust-reload.ts'
import { trustServers, usableThumbprints } from './trust-servers.ts'

/** What the agent needs from outside. */
export interface AgentOptions {
  /** The instance's name, if it has one. */
  readonly instance: string | undefined
  readonly settings: SettingsStore
  /** What scripts call as `TentacleExecutablePath`. */
  readonly executable: string
  /** Semantic version that servers compare. */
  readonly version: string
  /** The process's own environment, which scripts inherit. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => Date
  readonly log: Log
  /** Keeps a secret out of the log. */
  readonly keepSecret: (secret: string | undefined) => void
  /**
   * Waits until the agent is to stop. Called when it is ready for work.
   *
   * @param work - what it does, in a few words
   */
  readonly untilStopped: (work: string) => Promise<void>
}

/**
 * The agent's life: certificate, trust, polling, listening, background tasks, then waiting, then the same in reverse
 * (docs/wire/tentacle-settings.md 9). Scripts that run are neither awaited nor ended: they outlive the agent, and the
 * next one finds them.
 *
 * @throws TentacleError when the agent cannot start; what was opened until then is closed.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { log, settings: store, now } = options
  const certificate = await ownCertificate(store, now(), log)
  const settings = await trustServers(store, log)
  const metrics = await openMetrics(settings, certificate, options)
  const services = await openServices(settings, options, metrics)
  const reporter = createHalibutReporter(log, now)
  const halibut = createHalibut({
    certificate,
    services: metrics?.observed(services.hosted) ?? services.hosted,
    trust: usableThumbprints(settings.trustedServers, log),
    limits: recommendedLimits,
    friendlyPage,
    unknownService,
    // On the volume that the packages are for: the system's temporary folder may be small, or memory.
    temporaryFolder: join(workFolder(settings.home), '.received'),
    log: reporter.log,
    onUnauthorizedConnect(who) {
      metrics?.stranger(who)
      return reporter.onUnauthorizedConnect(who)
    },
    ...(metrics && { observer: metrics.connections }),
  })
  const life = new AgentLife(services, halibut, metrics)
  try {
    const proxy = await settings.pollingProxy()
    options.keepSecret(proxy.password)
    const polled = pollServers({ halibut, settings, proxy, env: options.env, log })
    life.listener = await listenForServers(halibut, settings, log)
    await metrics?.show({ polled, scripts: services.census })
    life.trust = followTrust(store, halibut.trust, log)
    life.cleaner = startBackgroundTask('WorkspaceCleanerTask', services.cleaner, log)
    life.heartbeat = startBackgroundTask(
      'LivenessHeartbeatTask',
      createHeartbeat(settings.home, now, log),
      log,
    )
    await options.untilStopped(workOf(life.listener, polled.length))
  } finally {
    await life.end()
  }
}

function workOf(listener: HalibutListener | undefined, polled: number): string {
  const listens = listener === undefined ? [] : [`listens on port ${listener.port}`]
  const polls = polled === 0 ? [] : [`polls ${polled === 1 ? 'a server' : `${polled} servers`}`]
  return [...listens, ...polls].join(', ') || 'neither listens nor polls'
}

async function ownCertificate(store: SettingsStore, now: Date, log: Log): Promise<Certificate> {
  const fresh = await generateIfMissing(store, now)
  if (fresh !== undefined) {
    log.info('There was no certificate, so a new one has been generated and installed. Thumbprint:')
    log.info(fresh.thumbprint)
    return fresh
  }
  const certificate = await loadCertificate(await store.read())
  if (certificate !== undefined) return certificate
  throw new TentacleError(
    'ERR_CERTIFICATE',
    `The settings in ${store.path} have the thumbprint of a certificate, but not the certificate. Make one with new-certificate.`,
  )
}

/** An agent that shows no metrics does not even load what counts. One that cannot show them works without. */
async function openMetrics(
  settings: TentacleSettings,
  { thumbprint }: Certificate,
  { instance, now, log }: AgentOptions,
): Promise<AgentMetrics | undefined> {
  try {
    const { home, metricsPort: port, metricsFile: file } = settings
    if (port === undefined && file === undefined) return undefined
    const { AgentMetrics } = await import('../metrics/agent-metrics.ts')
    return new AgentMetrics({
      agent: instance ?? thumbprint.slice(0, 8),
      home,
      port,
      file,
      now,
      log,
    })
  } catch (error) {
    log.error(`There are no metrics: ${toError(error).message}`)
    return undefined
  }
}

async function openServices(
  settings: TentacleSettings,
  options: AgentOptions,
  metrics: AgentMetrics | undefined,
): Promise<ScriptServices> {
  const { home, applicationDirectory } = settings
  const proxy = await settings.agentProxy()
  options.keepSecret(proxy.password)
  await mkdir(home, { recursive: true }).catch((error: unknown) => {
    throw fileError('create', home, error)
  })
  return await createScriptServices({
    home,
    applications: applicationDirectory,
    log: options.log,
    secrets: proxy.password === undefined ? [] : [proxy.password],
    clock: { now: options.now },
    observer: metrics?.scripts,
    powerShell: settings.powerShellPath,
    environment: {
      inherited: withoutOwnCredentials(options.env),
      instanceName: options.instance,
      executablePath: options.executable,
      version: options.version,
      proxy: {
        useDefaultProxy: proxy.useDefault,
        host: proxy.host,
        port: proxy.port,
        username: proxy.username,
        password: proxy.password,
      },
    },
  })
}

/** Callers recognise an agent without a service by the name of this exception (docs/wire/tentacle-services.md). */
function unknownService(name: string): Error {
  const error = new Error(`This agent has no service called '${name}'.`)
  error.name = unknownServiceType
  return error
}

/** What has been opened, and how it ends. */
class AgentLife {
  readonly #services: ScriptServices
  readonly #halibut: Halibut
  readonly #metrics: AgentMetrics | undefined
  cleaner: BackgroundTask | undefined
  heartbeat: BackgroundTask | undefined
  listener: HalibutListener | undefined
  trust: TrustReload | undefined

  constructor(services: ScriptServices, halibut: Halibut, metrics: AgentMetrics | undefined) {
    this.#services = services
    this.#halibut = halibut
    this.#metrics = metrics
  }

  /** From the first moment on callers hear that the agent stops. */
  async end(): Promise<void> {
    const servicesStopped = this.#services.stop()
    this.trust?.stop()
    await this.cleaner?.stop()
    await this.heartbeat?.stop()
    this.heartbeat?.dispose()
    this.cleaner?.dispose()
    await this.listener?.close()
    await this.#halibut.close()
    await servicesStopped
    await this.#metrics?.close()
  }
}
