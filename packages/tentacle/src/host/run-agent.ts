import { mkdir } from 'node:fs/promises'
import { type Certificate, createHalibut, type Halibut, recommendedLimits } from '@tentacle/halibut'
import { generateIfMissing, loadCertificate } from '../certificates/instance-certificate.ts'
import { TentacleError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import type { SettingsStore } from '../settings/settings-store.ts'
import type { TentacleSettings } from '../settings/tentacle-settings.ts'
import { fileError } from '../settings/write-file.ts'
import type { AgentServices, OpenAgentServices } from './agent-services.ts'
import { type BackgroundTask, startBackgroundTask } from './background-task.ts'
import { cleaningSchedule } from './cleaning-schedule.ts'
import { friendlyPage } from './friendly-page.ts'
import { halibutLogger } from './halibut-log.ts'
import { beat, heartbeatEveryMs } from './heartbeat.ts'
import { type AgentListener, listenForServers } from './listen.ts'
import { pollServers } from './poll-servers.ts'
import { scriptEnvironment } from './script-environment.ts'
import { strangerReporter } from './strangers.ts'
import { followTrust, type TrustReload } from './trust-reload.ts'
import { trustServers, usableThumbprints } from './trust-servers.ts'

/** What the agent needs from outside. */
export interface AgentOptions {
  readonly instance: string | undefined
  readonly settings: SettingsStore
  readonly program: { readonly executable: string; readonly folder: string }
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly user: string
  readonly now: () => Date
  readonly log: Log
  readonly keepSecret: (secret: string | undefined) => void
  readonly openServices: OpenAgentServices
  /** Waits until the agent is to stop. Called when it is ready for work. */
  readonly untilStopped: () => Promise<void>
}

/**
 * The agent's life: certificate, trust, polling, listening, background tasks, then waiting, then the same in reverse
 * (docs/wire/tentacle-settings.md 10). Scripts that run are neither awaited nor ended: they outlive the agent, and the
 * next one finds them.
 *
 * @throws TentacleError when the agent cannot start; what was opened until then is closed.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { log, settings: store, now } = options
  const certificate = await ownCertificate(store, now(), log)
  const settings = await trustServers(store, log)
  await makeHome(settings.home)
  const services = await openServices(settings, options)
  const halibut = createHalibut({
    certificate,
    services: services.hosted,
    trust: usableThumbprints(settings.trustedServers, log),
    limits: recommendedLimits,
    friendlyPage,
    unknownService,
    onUnauthorizedConnect: strangerReporter(log, now),
    log: halibutLogger(log),
  })
  const life = new AgentLife(log, services, halibut)
  try {
    pollServers({ halibut, settings, proxy: await settings.pollingProxy(), env: options.env, log })
    life.listener = await listenForServers(halibut, settings, log)
    life.trust = followTrust(store, halibut.trust, log)
    life.startTasks(settings, options)
    await options.untilStopped()
  } finally {
    await life.end()
  }
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

async function openServices(settings: TentacleSettings, options: AgentOptions): Promise<AgentServices> {
  const proxy = await settings.agentProxy()
  options.keepSecret(proxy.password)
  options.keepSecret((await settings.pollingProxy()).password)
  return await options.openServices({
    home: settings.home,
    environment: scriptEnvironment({
      settings,
      instance: options.instance,
      program: options.program,
      version: options.version,
      proxy,
    }),
    secrets: proxy.password === undefined ? [] : [proxy.password],
    user: options.user,
    log: options.log,
  })
}

async function makeHome(home: string): Promise<void> {
  await mkdir(home, { recursive: true }).catch((error: unknown) => {
    throw fileError('create', home, error)
  })
}

/** Old callers recognise an agent without a service by the name of this exception (docs/wire/tentacle-services.md). */
function unknownService(name: string): Error {
  const error = new Error(`This agent has no service called '${name}'.`)
  error.name = 'Octopus.Tentacle.Communications.UnknownServiceNameException'
  return error
}

/** What has been opened, and how it ends. */
class AgentLife {
  readonly #log: Log
  readonly #services: AgentServices
  readonly #halibut: Halibut
  #cleaner: BackgroundTask | undefined
  #heartbeat: BackgroundTask | undefined
  listener: AgentListener | undefined
  trust: TrustReload | undefined

  constructor(log: Log, services: AgentServices, halibut: Halibut) {
    this.#log = log
    this.#services = services
    this.#halibut = halibut
  }

  startTasks(settings: TentacleSettings, { env, now, log }: AgentOptions): void {
    const { olderThanMs, everyMs } = cleaningSchedule(env, log)
    this.#cleaner = startBackgroundTask({
      name: 'WorkspaceCleanerTask',
      everyMs,
      log,
      run: () => this.#services.cleanWorkspaces(olderThanMs),
    })
    this.#heartbeat = startBackgroundTask({
      name: 'LivenessHeartbeatTask',
      everyMs: heartbeatEveryMs,
      log,
      run: () => beat(settings.home, now()),
    })
  }

  async end(): Promise<void> {
    this.#services.beginStop()
    this.trust?.stop()
    await this.#cleaner?.stop()
    await this.#heartbeat?.stop()
    this.#heartbeat?.dispose()
    this.#cleaner?.dispose()
    await this.listener?.close()
    await this.#halibut.close()
    await this.#services.close()
    this.#log.debug('The agent has ended')
  }
}
