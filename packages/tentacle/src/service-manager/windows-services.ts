import { setTimeout as delay } from 'node:timers/promises'
import { TentacleError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import type { ProgramEnd, RunProgram } from './run-program.ts'
import {
  agentArguments,
  type ServiceDefinition,
  type ServiceManager,
  serviceDescription,
} from './service-definition.ts'

const serviceController = 'sc.exe'

/** What `sc.exe` ends with when there is no such service, it runs already, or it is stopped already. */
const missing = 1060
const alreadyRunning = 1056
const notRunning = 1062
const exists = 1073

/** How long a service may take to get where it was sent, in ms, and how often it is looked at. */
const transitionMs = 45_000
const lookEveryMs = 300

/** After these pauses, in ms, Windows starts a service again that has ended by itself. */
const restartPausesMs = [5000, 30_000, 60_000]

/** What Windows' services are managed with. */
export interface WindowsParts {
  readonly isElevated: boolean
  readonly run: RunProgram
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

/** The calls that make a service. `sc.exe` takes the name of a setting and its value as two arguments. */
export function installCalls(service: ServiceDefinition): readonly (readonly string[])[] {
  return [
    ['create', windowsServiceName(service.instance), ...settingsOf(service), ...accountOf(service)],
    ...detailCalls(service),
  ]
}

/** The calls that change a service that is there. */
export function reconfigureCalls(service: ServiceDefinition): readonly (readonly string[])[] {
  return [
    ['config', windowsServiceName(service.instance), ...settingsOf(service), ...accountOf(service)],
    ...detailCalls(service),
  ]
}

function settingsOf(service: ServiceDefinition): string[] {
  const before = [
    'LanmanWorkstation',
    'TCPIP',
    ...(service.dependsOn === undefined ? [] : [service.dependsOn]),
  ]
  const name = windowsServiceName(service.instance)
  return [
    ...['binPath=', binaryPath(service)],
    ...['DisplayName=', name],
    ...['depend=', before.join('/')],
    ...['start=', 'auto'],
  ]
}

function accountOf({ account, password }: ServiceDefinition): string[] {
  if (account === undefined) return []
  return ['obj=', account, ...(password === undefined ? [] : ['password=', password])]
}

function detailCalls({ instance }: ServiceDefinition): string[][] {
  const name = windowsServiceName(instance)
  return [
    ['description', name, serviceDescription],
    ['failure', name, 'reset=', '86400', 'actions=', restartPausesMs.map(ms => `restart/${ms}`).join('/')],
    ['failureflag', name, '1'],
  ]
}

/** The state that `sc.exe query` prints, such as `RUNNING`; the word is the same in every language of Windows. */
export function parseState(stdout: string): string | undefined {
  return /^\s*STATE\s*:\s*\d+\s+(\w+)/m.exec(stdout)?.[1]
}

/** The services of agents on Windows. */
export class WindowsServices implements ServiceManager {
  readonly #isElevated: boolean
  readonly #run: RunProgram
  readonly #log: Log

  constructor({ isElevated, run, log }: WindowsParts) {
    this.#isElevated = isElevated
    this.#run = run
    this.#log = log
  }

  nameOf(instance: string | undefined): string {
    return windowsServiceName(instance)
  }

  async install(service: ServiceDefinition): Promise<void> {
    this.#demandRights()
    const [create, ...details] = installCalls(service)
    const end = await this.#run(serviceController, create ?? [])
    if (end.exitCode === exists) return await this.reconfigure(service)
    this.#check(end, 'installed', service.instance)
    for (const call of details) await this.#control(call, 'installed', service.instance)
    this.#log.info('Service installed')
    this.#tellAccount(service)
  }

  async reconfigure(service: ServiceDefinition): Promise<void> {
    this.#demandRights()
    for (const call of reconfigureCalls(service)) await this.#control(call, 'reconfigured', service.instance)
    this.#log.info('Service reconfigured')
    this.#tellAccount(service)
  }

  async uninstall(instance: string | undefined): Promise<void> {
    this.#demandRights()
    if ((await this.state(instance)) === undefined) return this.#log.info('Service uninstalled')
    await this.stop(instance)
    await this.#control(['delete', windowsServiceName(instance)], 'uninstalled', instance)
    this.#log.info('Service uninstalled')
  }

  async start(instance: string | undefined): Promise<void> {
    this.#demandRights()
    await this.#control(['start', windowsServiceName(instance)], 'started', instance, [alreadyRunning])
    await this.#reach('RUNNING', 'started', instance)
    this.#log.info('Service started')
  }

  async stop(instance: string | undefined, mayBeMissing = false): Promise<void> {
    this.#demandRights()
    this.#log.info('Stopping service...')
    const fine = mayBeMissing ? [notRunning, missing] : [notRunning]
    await this.#control(['stop', windowsServiceName(instance)], 'stopped', instance, fine)
    if (!mayBeMissing || (await this.state(instance)) !== undefined)
      await this.#reach('STOPPED', 'stopped', instance)
    this.#log.info('Service stopped')
  }

  async restart(instance: string | undefined): Promise<void> {
    this.#demandRights()
    this.#log.info(`Restarting service ${windowsServiceName(instance)}`)
    await this.stop(instance)
    await this.start(instance)
  }

  /** The state of a service; undefined when it is not installed. */
  async state(instance: string | undefined): Promise<string | undefined> {
    const end = await this.#run(serviceController, ['query', windowsServiceName(instance)])
    if (end.exitCode === missing) return undefined
    this.#check(end, 'looked at', instance)
    return parseState(end.stdout)
  }

  #demandRights(): void {
    if (this.#isElevated) return
    throw new TentacleError(
      'ERR_SERVICE',
      'Services can only be changed by an administrator. Open a command prompt with "Run as administrator" and try again.',
    )
  }

  #tellAccount({ account }: ServiceDefinition): void {
    if (account === undefined) return
    this.#log.info('Service credentials set')
    this.#log.warn(
      `If the service does not start: ${account} needs the right "Log on as a service", which this program does not grant. It is in the Local Security Policy, under User Rights Assignment.`,
    )
  }

  async #control(
    args: readonly string[],
    done: string,
    instance: string | undefined,
    fine: readonly number[] = [],
  ): Promise<void> {
    const end = await this.#run(serviceController, args)
    if (!fine.includes(end.exitCode)) this.#check(end, done, instance)
  }

  #check({ exitCode, stdout }: ProgramEnd, done: string, instance: string | undefined): void {
    if (exitCode === 0) return
    throw new TentacleError(
      'ERR_SERVICE',
      `The service ${windowsServiceName(instance)} could not be ${done}: sc.exe ended with ${exitCode}. ${stdout.trim()}`,
      { details: { exitCode } },
    )
  }

  async #reach(state: string, done: string, instance: string | undefined): Promise<void> {
    for (const deadline = performance.now() + transitionMs; ; await delay(lookEveryMs)) {
      const now = await this.state(instance)
      if (now === state) return
      if (performance.now() < deadline) continue
      throw new TentacleError(
        'ERR_SERVICE',
        `The service ${windowsServiceName(instance)} could not be ${done}: after ${transitionMs / 1000} s it is ${now ?? 'not installed'}. Its log and the event log say why.`,
      )
    }
  }
}
