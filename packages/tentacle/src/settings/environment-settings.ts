import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { agentProxyKeys, pollingProxyKeys, settingsKeys } from './settings-keys.ts'
import { fileError } from './write-file.ts'

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

/** Those that are secrets. For each, a variable with `_FILE` at its end may name a file that holds it instead. */
const secretVariables = [
  'OCTOPUS_PROXY_PASSWORD',
  'TENTACLE_CERTIFICATE',
  'TENTACLE_POLLING_CUSTOM_PROXY_PASSWORD',
] as const

/** Credentials of the agent alone, of which nothing that it starts has any use. */
const ownVariables: ReadonlySet<string> = new Set([...secretVariables, 'OCTOPUS_SERVICE_PASSWORD'])

/** Settings that come from outside the file, by lower-case key. They win over the file and are never written to it. */
export type ContributedSettings = ReadonlyMap<string, string>

/**
 * Collects settings from environment variables and from the nearest `.env` file at or above `programFolder`; a variable
 * wins over the file. Only when `OCTOPUS_CONTRIBUTE_ENV_SETTINGS` is `true`: otherwise a stray variable could move an
 * agent to another port (docs/wire/tentacle-settings.md 8).
 *
 * @throws TentacleError `ERR_FILE` for a file with a secret that cannot be read
 */
export function environmentSettings(
  env: Readonly<Record<string, string | undefined>>,
  programFolder: string,
): ContributedSettings {
  if (env.OCTOPUS_CONTRIBUTE_ENV_SETTINGS?.toLowerCase() !== 'true') return new Map()
  const fromFile = readEnvFile(programFolder)
  const contributed = new Map<string, string>()
  for (const [variable, key] of variables) {
    const value = env[variable] ?? fromFile.get(variable) ?? secretFrom(variable, env, fromFile)
    if (value !== undefined && value !== '') contributed.set(key.toLowerCase(), value)
  }
  return contributed
}

/** The environment without the credentials of the agent: for scripts, which are other people's programs. */
export function withoutOwnCredentials(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ownVariables.has(name)))
}

/** What stands in the file that a variable names, without the end of its last line. */
function secretFrom(
  variable: string,
  env: Readonly<Record<string, string | undefined>>,
  fromFile: ReadonlyMap<string, string>,
): string | undefined {
  if (!secretVariables.some(secret => secret === variable)) return undefined
  const path = env[`${variable}_FILE`] ?? fromFile.get(`${variable}_FILE`)
  if (path === undefined || path === '') return undefined
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw fileError('read', path, error)
  }
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
