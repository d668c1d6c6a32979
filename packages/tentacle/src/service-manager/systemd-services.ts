import { mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode, TentacleError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import { findProgram } from '../processes/find-program.ts'
import { fileError, writeFileSafely } from '../settings/write-file.ts'
import type { ProgramEnd, RunProgram } from './run-program.ts'
import type { ServiceDefinition, ServiceManager } from './service-definition.ts'
import { unitName } from './systemd-names.ts'
import { dropInText, type InstalledUnit, readUnit, unitText } from './systemd-unit.ts'

/** Where systemd keeps units, and what may be done to it. */
export interface SystemdPlace {
  /** Where units of this machine's own are: `/etc/systemd/system`. */
  readonly units: string
  /** Where packages of the system put theirs. A unit of the same name in {@link units} would replace them. */
  readonly packagedUnits: readonly string[]
  /** Whether this process may do everything. */
  readonly isElevated: boolean
  /** Where programs are looked for. */
  readonly path: string
}

/** What systemd's services are managed with. */
export interface SystemdParts {
  readonly place: SystemdPlace
  readonly run: RunProgram
  readonly log: Log
  /** Looks for the account of a service. Calling what it gives hands over the files that its agent works with. */
  readonly prepareAccount: (account: string) => Promise<() => Promise<void>>
}

/** The file of ours beside the unit. */
const dropInName = '10-tentacle.conf'

/** The first systemd whose `systemd-notify` waits until it was heard; before, what it says may get lost. */
const firstReliableNotify = 246

const noSuchUnit = /not loaded|does not exist|not found|could not be found/i
const noRight = /Access denied|Permission denied|authentication (is )?required|Operation not permitted/i

/** The services of agents on a machine with systemd (docs/wire/tentacle-service.md 2). */
export class SystemdServices implements ServiceManager {
  readonly #place: SystemdPlace
  readonly #run: RunProgram
  readonly #log: Log
  readonly #prepareAccount: SystemdParts['prepareAccount']

  constructor({ place, run, log, prepareAccount }: SystemdParts) {
    this.#place = place
    this.#run = run
    this.#log = log
    this.#prepareAccount = prepareAccount
  }

  nameOf(instance: string | undefined): string {
    return unitName(instance)
  }

  async install(service: ServiceDefinition): Promise<void> {
    const unit = unitName(service.instance)
    await this.#demandRights('install')
    await this.#demandOurs(unit)
    const handOver = await this.#prepare(service.account)
    await handOver()
    await this.#write(unit, service)
    await this.#systemctl('enable', unit)
    this.#log.info(`Service installed: ${unit}`)
  }

  async reconfigure(service: ServiceDefinition): Promise<void> {
    const unit = unitName(service.instance)
    await this.#demandRights('reconfigure')
    const old = await this.#demandOurs(unit)
    const { account = old?.account, dependsOn = old?.dependsOn } = service
    const handOver = await this.#prepare(account)
    this.#log.info(`Attempting to remove old service: ${unit}`)
    await this.#systemctl('stop', unit, noSuchUnit)
    await this.#systemctl('disable', unit, noSuchUnit)
    await handOver()
    await this.#write(unit, { ...service, account, dependsOn })
    await this.#systemctl('enable', unit)
    this.#log.info(`Service installed: ${unit}`)
  }

  async uninstall(instance: string | undefined): Promise<void> {
    const unit = unitName(instance)
    await this.#demandRights('uninstall')
    await this.#demandOurs(unit)
    this.#log.info(`Removing systemd service: ${unit}`)
    await this.#systemctl('stop', unit, noSuchUnit)
    await this.#systemctl('disable', unit, noSuchUnit)
    await this.#remove(unit)
    // Without a running systemd, as in the making of an image, there is nothing that would have to forget the unit.
    await this.#systemctl('daemon-reload', undefined, /./)
    await this.#systemctl('reset-failed', unit, /./)
    this.#log.info('Service uninstalled')
  }

  async start(instance: string | undefined): Promise<void> {
    const unit = unitName(instance)
    await this.#systemctl('start', unit)
    this.#log.info(`Service started: ${unit}`)
  }

  async stop(instance: string | undefined, mayBeMissing = false): Promise<void> {
    const unit = unitName(instance)
    this.#log.info(`Stopping service: ${unit}`)
    await this.#systemctl('stop', unit, mayBeMissing ? noSuchUnit : undefined)
    this.#log.info('Service stopped')
  }

  async restart(instance: string | undefined): Promise<void> {
    const unit = unitName(instance)
    this.#log.info(`Restarting service: ${unit}`)
    await this.#systemctl('restart', unit)
    this.#log.info('Service has been restarted')
  }

  async #demandRights(action: string): Promise<void> {
    if (!this.#place.isElevated) {
      throw new TentacleError(
        'ERR_SERVICE',
        `Only root may ${action} a service. Run the command again with sudo, or as root.`,
      )
    }
    await demandProgram('systemctl', this.#place.path, 'This machine has no systemd, as it seems.')
  }

  /** @throws TentacleError `ERR_SERVICE` when there is a unit of that name that is not of an agent. */
  async #demandOurs(unit: string): Promise<InstalledUnit | undefined> {
    const { units, packagedUnits } = this.#place
    for (const folder of [units, ...packagedUnits]) {
      const path = join(folder, `${unit}.service`)
      const text = await readIfThere(path)
      if (text === undefined) continue
      const installed = readUnit(text)
      if (installed !== undefined) return installed
      throw new TentacleError(
        'ERR_SERVICE',
        `The service ${unit} exists and is not an agent: ${path}. It stays as it is; create the instance under another name.`,
        { details: { path } },
      )
    }
    return undefined
  }

  async #prepare(account: string | undefined): Promise<() => Promise<void>> {
    return account === undefined ? async () => undefined : await this.#prepareAccount(account)
  }

  async #write(unit: string, service: ServiceDefinition): Promise<void> {
    const { units, path } = this.#place
    await mkdir(units, { recursive: true })
    const file = join(units, `${unit}.service`)
    await writeFileSafely(file, unitText(service), { mode: 0o644 })
    const canNotify = await this.#canNotify(path)
    await writeFileSafely(
      join(`${file}.d`, dropInName),
      dropInText({ canNotify, environment: service.environment }),
      { mode: 0o644, makeFolder: true },
    )
  }

  async #canNotify(path: string): Promise<boolean> {
    if ((await findProgram('systemd-notify', path)) === undefined) return false
    const { stdout } = await this.#run('systemd-notify', ['--version'])
    return Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? 0) >= firstReliableNotify
  }

  async #remove(unit: string): Promise<void> {
    const file = join(this.#place.units, `${unit}.service`)
    const folder = `${file}.d`
    try {
      await rm(file, { force: true })
      await rm(join(folder, dropInName), { force: true })
      const left = await readdir(folder).catch(() => undefined)
      if (left === undefined) return
      if (left.length === 0) await rmdir(folder)
      else this.#log.warn(`Left in ${folder}, since it is not of the agent: ${left.join(', ')}`)
    } catch (error) {
      throw fileError('delete', file, error)
    }
  }

  /** @param expected - what systemctl may complain about without this being a failure */
  async #systemctl(verb: string, unit: string | undefined, expected?: RegExp): Promise<void> {
    const args = unit === undefined ? [verb] : [verb, unit]
    const command = `systemctl ${args.join(' ')}`
    await demandProgram('systemctl', this.#place.path, 'This machine has no systemd, as it seems.')
    let end = await this.#run('systemctl', args)
    if (end.exitCode === 0 || expected?.test(end.stderr)) return
    if (!this.#place.isElevated && noRight.test(end.stderr)) {
      this.#log.info(`Permission denied. Retrying '${command}' with sudo...`)
      await demandProgram('sudo', this.#place.path, `Run the command as root.`)
      end = await this.#run('sudo', ['-n', 'systemctl', ...args])
      if (end.exitCode === 0 || expected?.test(end.stderr)) return
    }
    throw failure(command, verb, unit, end)
  }
}

const undone: Readonly<Record<string, string>> = {
  start: 'started',
  stop: 'stopped',
  restart: 'restarted',
  enable: 'enabled, so it does not start with the machine',
  disable: 'disabled',
}

function failure(
  command: string,
  verb: string,
  unit: string | undefined,
  { exitCode, stderr }: ProgramEnd,
): TentacleError {
  const reason = stderr.trim() === '' ? '' : `\n${stderr.trim()}`
  const remedy = /^(re)?start$/.test(verb)
    ? `\nWhat the agent said is in its log and in: journalctl -u ${unit ?? ''} -n 50`
    : ''
  const rights = noRight.test(stderr) ? '\nRun the command again with sudo, or as root.' : ''
  return new TentacleError(
    'ERR_SERVICE',
    `The service ${unit ?? ''} could not be ${undone[verb] ?? 'changed'}: '${command}' ended with ${exitCode}.${reason}${rights || remedy}`,
    { details: { command, exitCode } },
  )
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined
    throw fileError('read', path, error)
  }
}

/**
 * @param remedy - a sentence that says what follows from it when the program is missing
 * @throws TentacleError `ERR_SERVICE` when there is no such program.
 */
async function demandProgram(name: string, path: string, remedy: string): Promise<void> {
  if ((await findProgram(name, path)) !== undefined) return
  throw new TentacleError('ERR_SERVICE', `The program ${name} is not on the PATH. ${remedy}`, {
    details: { program: name },
  })
}
