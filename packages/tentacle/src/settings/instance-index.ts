import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { TentacleError } from '../errors.ts'
import { withFileLock } from './file-lock.ts'
import { fileError, readWholeFile, writeFileSafely } from './write-file.ts'

/** A registered instance: a name and where its settings are. */
export interface InstanceRecord {
  readonly name: string
  /** Absolute path of the settings file. */
  readonly configPath: string
}

/** Instances that were registered elsewhere by versions of old. */
export interface LegacyInstances {
  list(): InstanceRecord[]
  /** One that is not there is as good. */
  remove(name: string): void
}

/** A file of the index that cannot be understood. */
export interface DamagedRecord {
  readonly file: string
  readonly error: TentacleError
}

/**
 * The instances of this machine: one small JSON file each in `<root>/Tentacle/Instances`
 * (docs/wire/tentacle-settings.md 1).
 */
export class InstanceIndex {
  readonly #folder: string
  readonly #legacy: LegacyInstances | undefined

  /**
   * @param root - `/etc/octopus`, or what `TentacleMachineConfigurationHomeDirectory` says.
   * @param legacy - more instances; those of the same name in files come first
   */
  constructor(root: string, legacy?: LegacyInstances) {
    this.#folder = join(root, 'Tentacle', 'Instances')
    this.#legacy = legacy
  }

  /** All instances, sorted by name, and the files that could not be read. A missing folder means none. */
  async load(): Promise<{ instances: InstanceRecord[]; damaged: DamagedRecord[] }> {
    const instances: InstanceRecord[] = []
    const damaged: DamagedRecord[] = []
    for (const file of await this.#files()) {
      try {
        instances.push(parseRecord(await readWholeFile(file), file))
      } catch (error) {
        if (!(error instanceof TentacleError)) throw error
        damaged.push({ file, error })
      }
    }
    const names = new Set(instances.map(({ name }) => name.toLowerCase()))
    const legacy = this.#legacy?.list() ?? []
    instances.push(...legacy.filter(({ name }) => !names.has(name.toLowerCase())))
    instances.sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
    return { instances, damaged }
  }

  /**
   * Finds the instance of that name, if there is one.
   *
   * @throws TentacleError `ERR_INSTANCE` for a name that cannot be a file name, or whose file belongs to another one.
   */
  async checkFree(name: string): Promise<InstanceRecord | undefined> {
    checkName(name)
    const file = this.#fileOf(name)
    const known = (await this.load()).instances.find(instance => this.#fileOf(instance.name) === file)
    if (known === undefined || known.name.toLowerCase() === name.toLowerCase()) return known
    throw new TentacleError(
      'ERR_INSTANCE',
      `The name '${name}' is too close to that of the instance '${known.name}': both would be stored in ${file}. Choose another name.`,
    )
  }

  /**
   * Adds an instance, or points one of that name to another settings file. Names that differ only in case are one
   * instance and the first spelling stays.
   *
   * @returns the name in the spelling that is stored.
   * @throws TentacleError `ERR_INSTANCE` for a name that cannot be a file name, or whose file belongs to another one.
   */
  async register({ name, configPath }: InstanceRecord): Promise<string> {
    checkName(name)
    const file = this.#fileOf(name)
    return await withFileLock(file, async () => {
      const known = await this.checkFree(name)
      const stored = known?.name ?? name
      await writeFileSafely(
        file,
        JSON.stringify({ Name: stored, ConfigurationFilePath: configPath }, null, 2),
        { mode: 0o644 },
      )
      return stored
    })
  }

  /**
   * Makes the file of an instance that has none yet, because it was registered by a version of old. Its old record stays,
   * for a program of that version.
   *
   * @returns whether there was something to do.
   */
  async adopt({ name, configPath }: InstanceRecord): Promise<boolean> {
    const isOld = this.#legacy?.list().some(old => old.name === name) ?? false
    if (!isOld || existsSync(this.#fileOf(name))) return false
    await this.register({ name, configPath })
    return true
  }

  /** Forgets an instance; its settings and its home stay. */
  async remove(name: string): Promise<void> {
    const file = this.#fileOf(name)
    try {
      await rm(file, { force: true })
    } catch (error) {
      throw fileError('delete', file, error)
    }
    this.#legacy?.remove(name)
  }

  #fileOf(name: string): string {
    return join(this.#folder, `${name.toLowerCase().replaceAll(' ', '-')}.config`)
  }

  async #files(): Promise<string[]> {
    const names = await readdir(this.#folder).catch(() => [])
    return names.filter(name => name.toLowerCase().endsWith('.config')).map(name => join(this.#folder, name))
  }
}

/** @throws TentacleError `ERR_INSTANCE` if the name cannot be the name of a file. */
export function checkName(name: string, platform: NodeJS.Platform = process.platform): void {
  const forbidden = platform === 'win32' ? /[/\\:*?"<>|\p{Cc}]|[. ]$/u : /[/\\\p{Cc}]/u
  if (name.trim() !== '' && name.length <= 200 && !forbidden.test(name)) return
  const more =
    platform === 'win32' ? " Windows also allows none of : * ? \" < > | and no '.' at the end." : ''
  throw new TentacleError(
    'ERR_INSTANCE',
    `An instance cannot be called '${name}': a name has 1 to 200 characters and no '/', '\\' or control characters.${more}`,
  )
}

function parseRecord(bytes: Buffer, file: string): InstanceRecord {
  const damaged = (what: string, cause?: unknown) =>
    new TentacleError(
      'ERR_SETTINGS_DAMAGED',
      `The instance file ${file} is damaged: ${what}. Repair it, or delete it and create the instance again.`,
      { cause },
    )
  let record: unknown
  try {
    record = JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw damaged('it is not JSON', cause)
  }
  if (typeof record !== 'object' || record === null) throw damaged('it is not an object')
  const { Name: name, ConfigurationFilePath: configPath } = record as Record<string, unknown>
  if (typeof name !== 'string' || typeof configPath !== 'string') throw damaged('it has no name or no path')
  return { name, configPath }
}
