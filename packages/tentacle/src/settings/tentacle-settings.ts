import { dirname, resolve } from 'node:path'
import { TentacleError } from '../errors.ts'
import type { ContributedSettings } from './environment-settings.ts'
import type { SecretBox } from './machine-key.ts'
import type { SettingsDocument } from './settings-document.ts'
import {
  agentProxyKeys,
  defaultListenPort,
  type ProxyKeys,
  pollingProxyKeys,
  settingsKeys,
} from './settings-keys.ts'
import { parseTrustedServers, type TrustedServer } from './trusted-servers.ts'

/** A proxy as it is stored. `host` is absent when none is set; then `useDefault` decides about the system's proxy. */
export interface ProxySettings {
  readonly useDefault: boolean
  readonly host: string | undefined
  readonly port: number
  readonly username: string | undefined
  readonly password: string | undefined
}

/** What settings need beside the file. */
export interface SettingsParts {
  readonly secrets: SecretBox
  /** What the environment sets. */
  readonly contributed: ContributedSettings
  /** Where packages are deployed to when nobody has chosen a folder. */
  readonly applications: string
}

/**
 * What one instance is set to do, at one moment. Values that are absent have the original's defaults
 * (docs/wire/tentacle-settings.md 4). Reading a value that cannot be understood throws `ERR_SETTINGS_DAMAGED` with its
 * key, so one bad value does not hide the others.
 */
export class TentacleSettings {
  /** The settings file. */
  readonly path: string
  readonly #document: SettingsDocument
  readonly #contributed: ContributedSettings
  readonly #secrets: SecretBox
  readonly #applications: string

  constructor(path: string, document: SettingsDocument, parts: SettingsParts) {
    this.path = path
    this.#document = document
    this.#contributed = parts.contributed
    this.#secrets = parts.secrets
    this.#applications = parts.applications
  }

  /** The text of a setting; `undefined` if it is absent or empty. */
  text(key: string): string | undefined {
    return this.#contributed.get(key.toLowerCase()) || this.#document.get(key) || undefined
  }

  /** The folder for logs and workspaces. A relative one starts at the folder of the settings file. */
  get home(): string {
    const folder = dirname(this.path)
    const home = this.text(settingsKeys.home)
    return home === undefined ? folder : resolve(folder, home)
  }

  /** Where packages are deployed to when a step names no folder. */
  get applicationDirectory(): string {
    return this.text(settingsKeys.applicationDirectory) ?? this.#applications
  }

  get port(): number {
    return this.#integer(settingsKeys.port) ?? defaultListenPort
  }

  /** The address to listen on; `undefined` for any. */
  get listenIp(): string | undefined {
    return this.text(settingsKeys.listenIp)
  }

  get noListen(): boolean {
    return this.#boolean(settingsKeys.noListen, false)
  }

  /** Connections per polled server; `undefined` if nobody has chosen. */
  get pollingConnectionCount(): number | undefined {
    return this.#integer(settingsKeys.pollingConnectionCount)
  }

  /** The port of the loopback address at which metrics are shown; `undefined` for none. */
  get metricsPort(): number | undefined {
    return this.#integer(settingsKeys.metricsPort) || undefined
  }

  /** The file that metrics are written to; `undefined` for none. A relative one starts at the folder of the settings file. */
  get metricsFile(): string | undefined {
    const file = this.text(settingsKeys.metricsFile)
    return file === undefined ? undefined : resolve(dirname(this.path), file)
  }

  /** Whether the log is kept in a form for programs, too. */
  get hasStructuredLog(): boolean {
    return this.#boolean(settingsKeys.structuredLog, false)
  }

  /** The PowerShell that runs scripts on Windows: a path, or a name on the PATH. Undefined: the one that is part of it. */
  get powerShellPath(): string | undefined {
    return this.text(settingsKeys.powerShellPath) || undefined
  }

  /** An identity of long ago: it names the subscription of polling entries that have none. */
  get squid(): string | undefined {
    return this.text(settingsKeys.squid)
  }

  get trustedServers(): readonly TrustedServer[] {
    return parseTrustedServers(this.text(settingsKeys.trustedServers), this.path)
  }

  get certificateThumbprint(): string | undefined {
    return this.text(settingsKeys.certificateThumbprint)
  }

  /** The stored PKCS#12 file, which has no password. `undefined` if the instance has no certificate. */
  async certificatePfx(): Promise<Buffer | undefined> {
    const base64 = await this.#secret(settingsKeys.certificate)
    return base64 === undefined ? undefined : Buffer.from(base64, 'base64')
  }

  /** The proxy that scripts are told about. */
  agentProxy(): Promise<ProxySettings> {
    return this.#proxy(agentProxyKeys)
  }

  /** The proxy for polling connections and for calls to the server's web API. */
  pollingProxy(): Promise<ProxySettings> {
    return this.#proxy(pollingProxyKeys)
  }

  async #proxy(keys: ProxyKeys): Promise<ProxySettings> {
    return {
      useDefault: this.#boolean(keys.useDefault, true),
      host: this.text(keys.host),
      port: this.#integer(keys.port) ?? 80,
      username: this.text(keys.username),
      password: await this.#secret(keys.password),
    }
  }

  async #secret(key: string): Promise<string | undefined> {
    const contributed = this.#contributed.get(key.toLowerCase())
    if (contributed) return contributed
    const sealed = this.#document.get(key)
    return sealed ? await this.#secrets.decrypt(sealed) : undefined
  }

  #integer(key: string): number | undefined {
    const text = this.text(key)
    if (text === undefined) return undefined
    if (/^\s*[+-]?\d{1,10}\s*$/.test(text)) return Number(text)
    throw this.#damaged(key, text, 'a whole number')
  }

  #boolean(key: string, fallback: boolean): boolean {
    const text = this.text(key)?.trim().toLowerCase()
    if (text === undefined) return fallback
    if (text === 'true' || text === 'false') return text === 'true'
    throw this.#damaged(key, text, "'true' or 'false'")
  }

  #damaged(key: string, text: string, expected: string): TentacleError {
    const [where, remedy] = this.#contributed.has(key.toLowerCase())
      ? ['in the environment or the .env file', 'Correct it there.']
      : [`in ${this.path}`, 'Correct it with a command or in the file.']
    return new TentacleError(
      'ERR_SETTINGS_DAMAGED',
      `The setting '${key}' ${where} is '${text}', expected ${expected}. ${remedy}`,
    )
  }
}
