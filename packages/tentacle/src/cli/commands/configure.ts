import { mkdir } from 'node:fs/promises'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { TentacleError } from '../../errors.ts'
import { flag, list, type OptionTable, value } from '../../options/option-table.ts'
import {
  type Occurrence,
  type ParsedOptions,
  parseBoolean,
  parseInteger,
} from '../../options/parse-options.ts'
import { settingsKeys } from '../../settings/settings-keys.ts'
import type { SettingsDraft } from '../../settings/settings-store.ts'
import {
  addOrReplace,
  checkThumbprint,
  listeningEntry,
  sameThumbprint,
} from '../../settings/trusted-servers.ts'
import { fileError } from '../../settings/write-file.ts'
import { instanceCommand } from '../command.ts'
import { parseConnectionCount } from './set-polling-connection-count.ts'

const options = {
  home: value('home|homedir', 'Folder for logs and workspaces'),
  app: value('app|appdir', 'Folder that packages are deployed to'),
  port: value('port', 'TCP port to listen on for servers; 10933 if none was ever set'),
  noListen: value(
    'noListen',
    'True if servers shall not connect to this agent, because it polls them; False otherwise',
  ),
  listenIpAddress: value(
    'listenIpAddress',
    "IP address to listen on; 'any' for all addresses of this machine",
  ),
  pollingConnectionCount: value('pollingConnectionCount', 'Connections to each polled server, 1 or more'),
  trust: list('trust', 'Thumbprint of a server to obey; repeat for several'),
  removeTrust: list(
    'remove-trust',
    'Thumbprint of a server that shall not be obeyed any more; repeat for several',
  ),
  resetTrust: flag('reset-trust', 'Forgets all trusted servers first'),
  metricsPort: value(
    'metricsPort',
    'TCP port of 127.0.0.1 that shows figures of the agent at /metrics; 0 for none, as at first',
  ),
  metricsFile: value(
    'metricsFile',
    "File that figures of the agent are written to, best NAME.prom; 'none' for none, as at first",
  ),
  structuredLog: value(
    'structuredLog',
    'True to keep the log as JSON lines, too, in OctopusTentacle.jsonl; False, as at first, for the text alone',
  ),
  powerShellPath: value(
    'powerShellPath',
    "PowerShell that runs scripts on Windows, such as pwsh; 'default' for the one of Windows, as at first",
  ),
} as const satisfies OptionTable

type Options = ParsedOptions<typeof options>

/**
 * Changes the settings of an instance. Trust is changed first (forget all, remove, add), then the rest in the order of
 * the command line. All values are checked before anything is stored.
 */
export const configure = instanceCommand({
  options,
  async run(given, { settings, log, machine, restartHint }) {
    const said = [...trustLines(given)]
    const changes: ((draft: SettingsDraft) => void)[] = [draft => changeTrust(given, draft)]
    for (const occurrence of given.occurrences) {
      const change = await prepareChange(occurrence, machine.cwd)
      if (change === undefined) continue
      changes.push(draft => draft.set(change.key, change.value))
      said.push(change.says)
    }
    if (said.length === 0) return
    await settings.change(draft => {
      for (const change of changes) change(draft)
    })
    for (const line of said) log.info(line)
    restartHint()
  },
})

function trustLines(given: Pick<Options, 'has' | 'all'>): string[] {
  const lines: string[] = []
  if (given.has('resetTrust')) lines.push('Removing all trusted Octopus Servers...')
  const [removed, added] = [given.all('removeTrust').length, given.all('trust').map(checkThumbprint).length]
  if (removed > 0) lines.push(`Removing ${removed} trusted Octopus Servers`)
  if (added > 0) lines.push(`Adding ${added} trusted Octopus Servers`)
  return lines
}

function changeTrust(given: Pick<Options, 'has' | 'all'>, draft: SettingsDraft): void {
  const [removed, added] = [given.all('removeTrust'), given.all('trust')]
  if (!given.has('resetTrust') && removed.length === 0 && added.length === 0) return
  const kept = given.has('resetTrust')
    ? []
    : draft.trustedServers.filter(server => !removed.some(gone => sameThumbprint(server.thumbprint, gone)))
  draft.trust(
    added.reduce(
      (servers, thumbprint) => addOrReplace(servers, listeningEntry(checkThumbprint(thumbprint))),
      kept,
    ),
  )
}

interface Change {
  readonly key: string
  readonly value: string | number | boolean | null
  readonly says: string
}

async function prepareChange({ option, value }: Occurrence, cwd: string): Promise<Change | undefined> {
  switch (option) {
    case 'home': {
      const folder = await makeFolder(resolve(cwd, value))
      return { key: settingsKeys.home, value: folder, says: `Home directory set to: ${folder}` }
    }
    case 'app': {
      const folder = await makeFolder(resolve(cwd, value))
      return {
        key: settingsKeys.applicationDirectory,
        value: folder,
        says: `Application directory set to: ${folder}`,
      }
    }
    case 'port':
      return {
        key: settingsKeys.port,
        value: parsePort(option, value),
        says: `Services listen port: ${value}`,
      }
    case 'noListen':
      return noListen(value)
    case 'listenIpAddress':
      return listenIp(value)
    case 'pollingConnectionCount': {
      const count = parseConnectionCount(value)
      return {
        key: settingsKeys.pollingConnectionCount,
        value: count,
        says: `Polling connection count set to: ${count}`,
      }
    }
    case 'structuredLog':
      return structuredLog(value)
    case 'powerShellPath':
      return powerShellPath(value, cwd)
    case 'metricsPort':
      return metricsPort(value)
    case 'metricsFile':
      return metricsFile(value, cwd)
    default:
      return undefined
  }
}

async function makeFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true })
    return path
  } catch (error) {
    throw fileError('create', path, error)
  }
}

/** 0 lets the system choose a free port at each start. */
function parsePort(option: string, text: string): number {
  const port = parseInteger(option, text)
  if (port >= 0 && port <= 65_535) return port
  throw new TentacleError('ERR_OPTION_VALUE', `${port} is not a TCP port: ports go from 0 to 65535.`)
}

function noListen(text: string): Change {
  const off = parseBoolean('noListen', text)
  const says = off ? 'Tentacle will not listen on a port' : 'Tentacle will listen on a TCP port'
  return { key: settingsKeys.noListen, value: off, says }
}

function listenIp(text: string): Change {
  if (text.toLowerCase() === 'any') {
    return { key: settingsKeys.listenIp, value: null, says: 'Listen on any IP address' }
  }
  if (isIP(text) === 0) {
    throw new TentacleError(
      'ERR_OPTION_VALUE',
      `'${text}' is not an IP address; use 'any' to listen on all addresses.`,
    )
  }
  return { key: settingsKeys.listenIp, value: text, says: `Listen on IP address: ${text}` }
}

function structuredLog(text: string): Change {
  const value = parseBoolean('structuredLog', text)
  const says = value ? 'The log is kept as JSON lines, too' : 'The log is kept as text alone'
  return { key: settingsKeys.structuredLog, value, says }
}

/** A name is looked up on the PATH whenever a script starts, so that a newer one is used as soon as it is there. */
function powerShellPath(text: string, cwd: string): Change {
  if (text === '' || text.toLowerCase() === 'default')
    return { key: settingsKeys.powerShellPath, value: null, says: 'Scripts run in the PowerShell of Windows' }
  const value = /[\\/]/.test(text) ? resolve(cwd, text) : text
  return { key: settingsKeys.powerShellPath, value, says: `Scripts run in the PowerShell ${value}` }
}

function metricsPort(text: string): Change {
  const port = parsePort('metricsPort', text)
  return port === 0
    ? { key: settingsKeys.metricsPort, value: null, says: 'Metrics are shown on no port' }
    : { key: settingsKeys.metricsPort, value: port, says: `Metrics port set to: ${port}` }
}

function metricsFile(text: string, cwd: string): Change {
  if (text === '' || text.toLowerCase() === 'none')
    return { key: settingsKeys.metricsFile, value: null, says: 'Metrics are written to no file' }
  const file = resolve(cwd, text)
  return { key: settingsKeys.metricsFile, value: file, says: `Metrics file set to: ${file}` }
}
