import { resolve } from 'node:path'
import { apiOptions, readOptionalApiEndpoint, spaceOptions } from '../../options/api-options.ts'
import { value } from '../../options/option-table.ts'
import { readServerConfiguration, type ServerConfiguration } from '../../registration/server-configuration.ts'
import {
  queryTaskArguments,
  readTask,
  taskScheduler,
  type Watchdog,
} from '../../service-manager/watchdog-task.ts'
import type { TentacleSettings } from '../../settings/tentacle-settings.ts'
import { toRecord } from '../../settings/trusted-servers.ts'
import { writeFileSafely } from '../../settings/write-file.ts'
import { type InstanceContext, instanceCommand } from '../command.ts'
import type { Machine } from '../machine.ts'
import { programsOf } from '../open-service-manager.ts'
import { withServer } from './with-server.ts'

/** Prints all settings that are no secrets as JSON, and what a server knows about this agent if one is named. */
export const showConfiguration = instanceCommand({
  options: {
    file: value('file', 'File to write to, in place of standard output'),
    ...spaceOptions,
    ...apiOptions,
  },
  async run(given, context) {
    const endpoint = readOptionalApiEndpoint(given)
    const settings = await context.settings.read()
    const values = localConfiguration(settings)
    for (const [key, value] of await watchdogConfiguration(context)) values.set(key, value)
    if (endpoint !== undefined) {
      const thumbprint = settings.certificateThumbprint ?? ''
      const known = await withServer(endpoint, await settings.pollingProxy(), context, api =>
        readServerConfiguration(api, thumbprint, given.nonEmpty('space')),
      )
      addServerConfiguration(values, known, thumbprint, context)
    }
    const text = JSON.stringify(nest(values), null, 2)
    const file = given.nonEmpty('file')
    if (file === undefined) context.payload(`${text}\n`)
    else await writeFileSafely(resolve(context.machine.cwd, file), text, { mode: 0o644 })
  },
})

function localConfiguration(settings: TentacleSettings): Map<string, unknown> {
  return new Map<string, unknown>([
    ['Octopus.Home', settings.home],
    ['Tentacle.CertificateThumbprint', settings.certificateThumbprint ?? null],
    ['Tentacle.Communication.TrustedOctopusServers', settings.trustedServers.map(toRecord)],
    ['Tentacle.Communication.PollingConnectionCount', settings.pollingConnectionCount ?? null],
    ['Tentacle.Deployment.ApplicationDirectory', settings.applicationDirectory],
    ['Tentacle.Services.ListenIP', settings.listenIp ?? null],
    ['Tentacle.Services.NoListen', settings.noListen],
    ['Tentacle.Services.PortNumber', settings.port],
    ...ownConfiguration(settings),
  ])
}

/** The watchdog is a task of Windows, and the task itself says how it is set. */
async function watchdogConfiguration({ machine }: InstanceContext): Promise<[string, unknown][]> {
  const watchdog = machine.windows === undefined ? undefined : await findWatchdog(machine)
  return [
    ['Octopus.Watchdog.Enabled', watchdog !== undefined],
    ['Octopus.Watchdog.Interval', watchdog?.interval ?? 0],
    ['Octopus.Watchdog.Instances', watchdog?.instances ?? '*'],
  ]
}

async function findWatchdog(machine: Machine): Promise<Pick<Watchdog, 'interval' | 'instances'> | undefined> {
  const { exitCode, stdout } = await programsOf(machine)(taskScheduler, queryTaskArguments())
  return exitCode === 0 ? readTask(stdout) : undefined
}

/** Only what is set: programs that read this know the members that the original shows. */
function ownConfiguration(settings: TentacleSettings): [string, unknown][] {
  const { metricsPort, metricsFile, hasStructuredLog, powerShellPath } = settings
  const own: [string, unknown][] = [
    ['Tentacle.Log.Structured', hasStructuredLog || undefined],
    ['Tentacle.Metrics.Port', metricsPort],
    ['Tentacle.Metrics.File', metricsFile],
    ['Tentacle.Scripts.PowerShellPath', powerShellPath],
  ]
  return own.filter(([, value]) => value !== undefined)
}

function addServerConfiguration(
  values: Map<string, unknown>,
  known: ServerConfiguration | undefined,
  thumbprint: string,
  { log }: InstanceContext,
): void {
  if (known === undefined)
    log.error(`The server knows no machine or worker with the thumbprint '${thumbprint}'.`)
  for (const [key, value] of known ?? []) values.set(key, value)
}

/** `A.B.C` becomes `{A: {B: {C}}}`, with the keys of each object in order. */
function nest(values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  const groups = new Map<string, Map<string, unknown>>()
  for (const [key, value] of values) {
    const dot = key.indexOf('.')
    if (dot < 0) root[key] = value
    else {
      const group = groups.get(key.slice(0, dot)) ?? new Map<string, unknown>()
      groups.set(key.slice(0, dot), group.set(key.slice(dot + 1), value))
    }
  }
  for (const [key, group] of groups) root[key] = nest(group)
  return Object.fromEntries(Object.entries(root).sort(([a], [b]) => (a < b ? -1 : 1)))
}
