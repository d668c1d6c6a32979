import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { systemCode, TentacleError } from '../errors.ts'
import type { InstanceIndex, InstanceRecord } from './instance-index.ts'

/** The instance that a command works on. One that was chosen by its file has no name. */
export interface SelectedInstance {
  readonly name: string | undefined
  readonly configPath: string
}

/** What was asked for on the command line. */
export interface InstanceChoice {
  readonly instance?: string | undefined
  readonly config?: string | undefined
  /** Relative paths start here, and a `Tentacle.config` here is an unnamed instance. */
  readonly cwd: string
}

/** The instance of a command that names none. */
export const defaultInstanceName = 'Tentacle'

/**
 * Chooses the instance (docs/wire/tentacle-settings.md 2): by name; by file; `Tentacle.config` in the current folder;
 * the one called `Tentacle`; the only one. A name wins over a file; one that is blank counts as none.
 *
 * @throws TentacleError `ERR_INSTANCE` when none or several fit, with the names that exist; `ERR_SETTINGS_MISSING` when
 * the settings file of the chosen one is gone; `ERR_SETTINGS_DAMAGED` when the only fitting record cannot be read.
 */
export async function selectInstance(
  index: InstanceIndex,
  choice: InstanceChoice,
): Promise<SelectedInstance> {
  const found = await findRecord(index, choice)
  if (!(await isGone(found.configPath))) return found
  throw new TentacleError(
    'ERR_SETTINGS_MISSING',
    found.name === undefined
      ? `There is no settings file at ${found.configPath}.`
      : `The instance ${found.name} is registered, but its settings file ${found.configPath} is gone. ` +
          `Restore the file, create the instance again, or forget it with 'Tentacle delete-instance --instance "${found.name}"'.`,
  )
}

/** A file in a folder that this account may not look into is there as far as anybody knows: reading it tells what is wrong. */
async function isGone(path: string): Promise<boolean> {
  return await stat(path).then(
    () => false,
    (error: unknown) => ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? ''),
  )
}

/** As `selectInstance`, but without looking whether the settings file exists. */
export async function findRecord(index: InstanceIndex, choice: InstanceChoice): Promise<SelectedInstance> {
  const { instance, config } = choice
  if (isGiven(instance)) return await byName(index, instance)
  if (isGiven(config)) return { name: undefined, configPath: resolve(choice.cwd, config) }
  const here = join(choice.cwd, 'Tentacle.config')
  if (existsSync(here)) return { name: undefined, configPath: here }
  return await byDefault(index)
}

/** A variable that was never set leaves an empty text on the command line: that chooses nothing. */
function isGiven(typed: string | undefined): typed is string {
  return typed !== undefined && typed.trim() !== ''
}

async function byName(index: InstanceIndex, name: string): Promise<InstanceRecord> {
  const { instances, damaged } = await index.load()
  const alike = instances.filter(instance => instance.name.toLowerCase() === name.toLowerCase())
  const found = alike.length === 1 ? alike[0] : alike.find(instance => instance.name === name)
  if (found !== undefined) return found
  if (damaged[0] !== undefined) throw damaged[0].error
  throw new TentacleError(
    'ERR_INSTANCE',
    `There is no instance called ${name} on this machine; create it with create-instance. ${available(instances)}`,
  )
}

async function byDefault(index: InstanceIndex): Promise<InstanceRecord> {
  const { instances, damaged } = await index.load()
  const found = instances.find(({ name }) => name.toLowerCase() === defaultInstanceName.toLowerCase())
  if (found !== undefined) return found
  if (damaged[0] !== undefined) throw damaged[0].error
  const [only, second] = instances
  if (only !== undefined && second === undefined) return only
  throw new TentacleError(
    'ERR_INSTANCE',
    only === undefined
      ? `There is no default instance on this machine; create one with create-instance. ${available(instances)}`
      : `Several instances exist on this machine: choose one with --instance=NAME. ${available(instances)}`,
  )
}

function available(instances: readonly InstanceRecord[]): string {
  if (instances.length === 0) return 'No instance is registered here yet.'
  return `Available instances: ${instances.map(({ name }) => name).join(', ')}.`
}
