import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { agentProxyKeys, pollingProxyKeys, settingsKeys } from './settings-keys.ts'

/** Which variable stands for which key. Secrets are plain text here, encrypted only in the file. */
const variables: readonly (readonly [variable: string, key: string])[] = [
  ['OCTOPUS_HOME', settingsKeys.home],
  ['OCTOPUS_NODE_CACHE', 'Octopus.Node.Cache'],
  ['OCTOPUS_USE_DEFAULT_PROXY', agentProxyKeys.useDefault],
  ['OCTOPUS_PROXY_HOST', agentProxyKeys.host],
  ['OCTOPUS_PROXY_PORT', agentProxyKeys.port],
  ['OCTOPUS_PROXY_USER', agentProxyKeys.username],
  ['OCTOPUS_PROXY_PASSWORD', agentProxyKeys.password],
  ['TENTACLE_SERVICE_PORT', settingsKeys.port],
  ['TENTACLE_LISTEN_IP', settingsKeys.listenIp],
  ['TENTACLE_NO_LISTEN', settingsKeys.noListen],
  ['TENTACLE_TRUSTED_SERVERS', settingsKeys.trustedServers],
  ['TENTACLE_APPLICATION_DIRECTORY', settingsKeys.applicationDirectory],
  ['TENTACLE_CERTIFICATE', settingsKeys.certificate],
  ['TENTACLE_CERTIFICATE_THUMBPRINT', settingsKeys.certificateThumbprint],
  ['TENTACLE_POLLING_USE_DEFAULT_PROXY', pollingProxyKeys.useDefault],
  ['TENTACLE_POLLING_CUSTOM_PROXY_HOST', pollingProxyKeys.host],
  ['TENTACLE_POLLING_CUSTOM_PROXY_PORT', pollingProxyKeys.port],
  ['TENTACLE_POLLING_CUSTOM_PROXY_USER', pollingProxyKeys.username],
  ['TENTACLE_POLLING_CUSTOM_PROXY_PASSWORD', pollingProxyKeys.password],
]

/** Settings that come from outside the file, by lower-case key. They win over the file and are never written to it. */
export type ContributedSettings = ReadonlyMap<string, string>

/**
 * Collects settings from environment variables and from the nearest `.env` file at or above `programFolder`; a variable
 * wins over the file. Only when `OCTOPUS_CONTRIBUTE_ENV_SETTINGS` is `true`: otherwise a stray variable could move an
 * agent to another port (docs/wire/tentacle-settings.md 8).
 */
export function environmentSettings(
  env: Readonly<Record<string, string | undefined>>,
  programFolder: string,
): ContributedSettings {
  if (env.OCTOPUS_CONTRIBUTE_ENV_SETTINGS?.toLowerCase() !== 'true') return new Map()
  const fromFile = readEnvFile(programFolder)
  const contributed = new Map<string, string>()
  for (const [variable, key] of variables) {
    const value = env[variable] ?? fromFile.get(variable)
    if (value !== undefined && value !== '') contributed.set(key.toLowerCase(), value)
  }
  return contributed
}

function readEnvFile(folder: string): Map<string, string> {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, '.env')
    if (existsSync(path)) return parseEnvFile(readFileSync(path, 'utf8'))
    if (dirname(at) === at) return new Map()
  }
}

/** Lines of the form `NAME=value`; blank lines and lines that start with `#` are skipped. */
function parseEnvFile(text: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = /^\s*([^#=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) values.set(name, value)
  }
  return values
}
