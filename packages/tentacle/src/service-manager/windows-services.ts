import { setTimeout as delay } from 'node:timers/promises'
import { TentacleError, toError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import type { ServiceControl, ServiceState, WindowsServiceSettings } from './service-control.ts'
import {
  agentArguments,
  type ServiceDefinition,
  type ServiceManager,
  serviceDescription,
} from './service-definition.ts'

/** Windows' numbers for a refusal that another try will not change: the same, whoever asks however often. */
const final = { denied: 5, cannotStop: 1052, disabled: 1058, missing: 1060, logonFailed: 1069, deleted: 1072 }

/** How often a service is started before that is given up, and the pause, in ms, after each try. */
const tries = 5
const pauseAfter = (tried: number) => tried ** 2 * 1000

/** How long a service may take to get where it was sent, in ms, and how often it is looked at. */
const transitionMs = 45_000
const lookEveryMs = 300

/** After these pauses, in ms, Windows starts a service again that has ended by itself. */
const restartPausesMs = [5000, 30_000, 60_000]

/** Accounts of Windows' own, which may always log on as a service. */
const builtIn = /^(NT AUTHORITY|NT SERVICE)\\|^(\.\\)?LocalSystem$/i

/** What Windows' services are managed with. */
export interface WindowsParts {
  readonly isElevated: boolean
  readonly control: ServiceControl
  readonly log: Log
}

/** The service of an instance on Windows (docs/wire/tentacle-service.md 3). */
export function windowsServiceName(instance: string | undefined): string {
  const name = 'OctopusDeploy Tentacle'
  return instance === undefined || instance.toLowerCase() === 'tentacle' ? name : `${name}: ${instance}`
}

/** What Windows runs: one line, of which the quotes are a part. */
export function binaryPath({ executable, instance, configPath }: ServiceDefinition): string {
  const [verb = '', choice = ''] = agentArguments({ instance, configPath })
  const [option, ...value] = choice.split('=')
  return `"${executable}" ${verb} ${option}="${value.join('=')}"`
}

function settingsOf(service: ServiceDefinition): WindowsServiceSettings {
  const { account, password, dependsOn, environment } = service
  return {
    displayName: windowsServiceName(service.instance),
    description: serviceDescription,
    command: binaryPath(service),
    dependencies: ['LanmanWorkstation', 'TCPIP', ...(dependsOn === undefined ? [] : [dependsOn])],
    account,
    password,
    restartPausesMs,
    environment,
  }
}

/** The services of agents on Windows. */
export class WindowsServices implements ServiceManager {
  readonly #isElevated: boolean
  readonly #control: ServiceControl
  readonly #log: Log

  constructor({ isElevated, control, log }: WindowsParts) {
    this.#isElevated = isElevated
    this.#control = control
    this.#log = log
  }

  nameOf(instance: string | undefined): string {
    return windowsServiceName(instance)
  }

  async install(service: ServiceDefinition): Promise<void> {
    this.#demandRights()
    this.#prepare(service)
    const isNew = asked(() => this.#control.create(this.nameOf(service.instance), settingsOf(service)))
    if (!isNew) return await this.reconfigure(service)
    this.#log.info('Service installed')
    this.#tellAccount(service)
  }

  async reconfigure(service: ServiceDefinition): Promise<void> {
    this.#demandRights()
    this.#prepare(service)
    asked(() => this.#control.configure(this.nameOf(service.instance), settingsOf(service)))
    this.#log.info('Service reconfigured')
    this.#tellAccount(service)
  }

  async uninstall(instance: string | undefined): Promise<void> {
    this.#demandRights()
    const state = this.state(instance)
    if (state !== undefined) {
      if (state !== 'STOPPED') await this.stop(instance)
      asked(() => this.#control.remove(this.nameOf(instance)))
    }
    this.#log.info('Service uninstalled')
  }

  async start(instance: string | undefined): Promise<void> {
    this.#demandRights()
    await this.#startPatiently(this.nameOf(instance))
    await this.#reach('RUNNING', 'started', instance)
    this.#log.info('Service started')
  }

  async stop(instance: string | undefined, mayBeMissing = false): Promise<void> {
    this.#demandRights()
    this.#log.info('Stopping service...')
    if (!mayBeMissing || this.state(instance) !== undefined) {
      asked(() => this.#control.stop(this.nameOf(instance)))
      await this.#reach('STOPPED', 'stopped', instance)
    }
    this.#log.info('Service stopped')
  }

  /** A service that does not run stays as it is. */
  async restart(instance: string | undefined): Promise<void> {
    this.#demandRights()
    const name = this.nameOf(instance)
    if (this.state(instance) === 'STOPPED')
      return this.#log.info(`The service ${name} does not run, so it is not restarted`)
    this.#log.info(`Restarting service ${name}`)
    await this.stop(instance)
    await this.start(instance)
  }

  /** Where a service is; undefined when it is not installed. */
  state(instance: string | undefined): ServiceState | undefined {
    return asked(() => this.#control.state(this.nameOf(instance)))
  }

  #demandRights(): void {
    if (this.#isElevated) return
    throw new TentacleError(
      'ERR_SERVICE',
      'Services can only be changed by an administrator. Open a command prompt with "Run as administrator" and try again.',
    )
  }

  /** What has to be there before a service of that account can start. */
  #prepare({ account }: ServiceDefinition): void {
    asked(() => this.#control.registerEventSource())
    if (account === undefined || builtIn.test(account)) return
    asked(() => this.#control.allowServiceLogon(account))
  }

  #tellAccount({ account }: ServiceDefinition): void {
    if (account !== undefined) this.#log.info('Service credentials set')
  }

  /** After an update of the machine, or when a service has just been stopped, the first tries may fail. */
  async #startPatiently(name: string): Promise<void> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.#control.start(name)
      } catch (error) {
        const refusal = refused(error)
        if (tried === tries || isFinal(error)) throw refusal
        this.#log.warn(`${refusal.message} Trying again`)
        await delay(pauseAfter(tried))
      }
    }
  }

  async #reach(state: ServiceState, done: string, instance: string | undefined): Promise<void> {
    for (const deadline = performance.now() + transitionMs; ; await delay(lookEveryMs)) {
      const now = this.state(instance)
      if (now === state) return
      const hasEnded = state === 'RUNNING' && now === 'STOPPED'
      if (!hasEnded && performance.now() < deadline) continue
      const when = hasEnded
        ? 'it has ended at once'
        : `after ${transitionMs / 1000} s it is ${now ?? 'not installed'}`
      throw new TentacleError(
        'ERR_SERVICE',
        `The service ${this.nameOf(instance)} could not be ${done}: ${when}. Its log and the event log say why.`,
      )
    }
  }
}

function isFinal(error: unknown): boolean {
  const code = error instanceof TentacleError ? error.details.windowsError : undefined
  return Object.values(final).some(one => one === code)
}

/** What Windows refuses can be mended by who gave the command. */
function asked<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw refused(error)
  }
}

function refused(thrown: unknown): Error {
  if (!(thrown instanceof TentacleError)) return toError(thrown)
  const { details, message, cause } = thrown
  const text = details.windowsError === final.cannotStop ? 'The service is not able to stop' : message
  return new TentacleError('ERR_SERVICE', text, { details, cause })
}
