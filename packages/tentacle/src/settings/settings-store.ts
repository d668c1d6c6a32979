import { TentacleError } from '../errors.ts'
import { withFileLock } from './file-lock.ts'
import type { SecretBox } from './machine-key.ts'
import { SettingsDocument } from './settings-document.ts'
import { settingsKeys } from './settings-keys.ts'
import { emptySettingsXml, parseSettingsXml, writeSettingsXml } from './settings-xml.ts'
import { type SettingsParts, TentacleSettings } from './tentacle-settings.ts'
import { parseTrustedServers, serializeTrustedServers, type TrustedServer } from './trusted-servers.ts'
import { readWholeFile, writeFileSafely } from './write-file.ts'

/** A change that is being made. Nothing is stored until the change returns; if it throws, nothing changes. */
export interface SettingsDraft {
  /** The stored text, without what the environment contributes. */
  get(key: string): string | undefined
  /** Stores a value the way the original spells it; null becomes an empty element. */
  set(key: string, value: string | number | boolean | null): void
  /** Stores a value encrypted with this machine's key. */
  setSecret(key: string, value: string): Promise<void>
  readonly trustedServers: readonly TrustedServer[]
  trust(servers: readonly TrustedServer[]): void
}

/** The settings file of one instance. Several processes may read and change it at the same time. */
export interface SettingsStore {
  readonly path: string
  /**
   * @throws TentacleError `ERR_SETTINGS_MISSING` if there is no file, `ERR_SETTINGS_DAMAGED` if it cannot be understood.
   */
  read(): Promise<TentacleSettings>
  /** Changes the settings while no other process does, and gives them as they are afterwards. */
  change(edit: (draft: SettingsDraft) => void | Promise<void>): Promise<TentacleSettings>
}

export function openSettings(path: string, parts: SettingsParts): SettingsStore {
  const view = (document: SettingsDocument) => new TentacleSettings(path, document, parts)
  return {
    path,
    async read() {
      return view(parse(await readExisting(path), path))
    },
    async change(edit) {
      return await withFileLock(path, async () => {
        const bytes = await readExisting(path)
        const document = parse(bytes, path)
        await edit(draftOf(document, path, parts.secrets))
        const text = writeSettingsXml(document.entries())
        if (!Buffer.from(text).equals(bytes)) await writeFileSafely(path, text)
        return view(document)
      })
    },
  }
}

/**
 * Makes the settings file if there is none.
 *
 * @returns whether it was made.
 */
export async function createSettingsFile(path: string): Promise<boolean> {
  return await withFileLock(path, async () => {
    if ((await readIfThere(path)) !== undefined) return false
    await writeFileSafely(path, emptySettingsXml, { makeFolder: true })
    return true
  })
}

function draftOf(document: SettingsDocument, path: string, secrets: SecretBox): SettingsDraft {
  return {
    get: key => document.get(key),
    set(key, value) {
      document.set(key, value === null ? '' : String(value))
    },
    async setSecret(key, value) {
      document.set(key, await secrets.encrypt(value))
    },
    get trustedServers() {
      return parseTrustedServers(document.get(settingsKeys.trustedServers), path)
    },
    trust(servers) {
      document.set(settingsKeys.trustedServers, serializeTrustedServers(servers))
    },
  }
}

function parse(bytes: Uint8Array, path: string): SettingsDocument {
  return new SettingsDocument(parseSettingsXml(bytes, path))
}

async function readExisting(path: string): Promise<Buffer> {
  const bytes = await readIfThere(path)
  if (bytes !== undefined) return bytes
  throw new TentacleError('ERR_SETTINGS_MISSING', `Configuration file ${path} could not be found`)
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readWholeFile(path)
  } catch (error) {
    if (error instanceof TentacleError && error.details.systemCode === 'ENOENT') return undefined
    throw error
  }
}
