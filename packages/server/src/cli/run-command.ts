import { ServerError } from '../errors.ts'
import type { RunningServer } from '../start-server.ts'
import {
  type Command,
  type CommandContext,
  formatOption,
  homeOf,
  homeOption,
  isJson,
  type OptionValues,
} from './command.ts'

/** The environment variable with the first administrator's password; a command line is seen by every user of a machine. */
export const adminPasswordVariable = 'OCTOPUS_SERVER_ADMIN_PASSWORD'

const logLevels = ['error', 'warn', 'info', 'debug', 'trace'] as const

function logLevelOf(values: OptionValues): (typeof logLevels)[number] | undefined {
  const given = values.text('log-level')
  if (given === undefined) return undefined
  const level = logLevels.find(each => each === given.toLowerCase())
  if (level !== undefined) return level
  throw new ServerError('ERR_USAGE', `--log-level is '${given}'; it must be one of: ${logLevels.join(', ')}.`)
}

function tellReady(server: RunningServer, asJson: boolean, { stdout }: CommandContext): void {
  const { url, webPort, commsPort, metricsPort, thumbprint, newPassword } = server
  if (asJson) {
    const facts = {
      event: 'ready',
      web: url,
      webPort,
      comms: commsPort,
      thumbprint,
      pid: process.pid,
      ...(metricsPort !== undefined && { metrics: metricsPort }),
    }
    stdout.write(`${JSON.stringify({ ...facts, ...(newPassword && { adminPassword: newPassword }) })}\n`)
    return
  }
  stdout.write(`The server is ready. Portal and REST API: ${url}\n`)
  stdout.write(
    `Polling Tentacles call port ${commsPort}. Tentacles must trust the thumbprint ${thumbprint}.\n`,
  )
  if (metricsPort !== undefined)
    stdout.write(`Metrics are shown at http://127.0.0.1:${metricsPort}/metrics\n`)
  if (!server.hasPortal)
    stdout.write('There is no portal here: build it, or give its folder with --portal.\n')
  if (newPassword !== undefined) {
    stdout.write(`Sign in as admin with the password ${newPassword} (it is shown only this once).\n`)
  }
}

/** `run`: the server, until the process is asked to end. */
export const run: Command = {
  name: 'run',
  summary: 'Starts the server and runs until Ctrl+C or SIGTERM',
  options: [
    homeOption,
    { name: 'port', value: 'PORT', help: 'Port of the portal and the REST API (default 8080)' },
    { name: 'host', value: 'ADDRESS', help: 'Address to listen on for the web (default: all)' },
    { name: 'comms-port', value: 'PORT', help: 'Port that polling Tentacles call (default 10943)' },
    { name: 'comms-host', value: 'ADDRESS', help: 'Address to listen on for Tentacles (default: all)' },
    {
      name: 'metrics-port',
      value: 'PORT',
      help: 'Port of /metrics on 127.0.0.1, for Prometheus (default: none)',
    },
    { name: 'web-prefix', value: 'PATH', help: 'Folder in web addresses, e.g. /octopus' },
    { name: 'server-uri', value: 'URI', help: 'Address at which people reach the portal, for links' },
    { name: 'portal', value: 'DIR', help: 'Folder with the built files of the portal' },
    {
      name: 'admin-user',
      value: 'NAME',
      help: 'Name of the first administrator (default admin); first start only',
    },
    {
      name: 'admin-password',
      value: 'TEXT',
      help: `Password of the first administrator (better: ${adminPasswordVariable}); first start only`,
    },
    { name: 'log-level', value: 'LEVEL', help: `How much is logged: ${logLevels.join(', ')} (default info)` },
    formatOption,
  ],
  details:
    'All of these except the first administrator can stand in config.json in the home folder too, in camelCase; options win.\n' +
    'With --format json every line on standard output is a JSON object; one with "event":"ready" says that the server answers.',
  async run(values, context) {
    const asJson = isJson(values)
    // Loaded here, so that help and the small commands do not wait for the whole server.
    const { startServer } = await import('../start-server.ts')
    const server = await startServer({
      home: homeOf(values, context.env),
      ...given('port', values.port('port')),
      ...given('host', values.text('host')),
      ...given('commsPort', values.port('comms-port')),
      ...given('commsHost', values.text('comms-host')),
      ...given('metricsPort', values.port('metrics-port')),
      ...given('webPrefix', values.text('web-prefix')),
      ...given('serverUri', values.text('server-uri')),
      ...given('portal', values.text('portal')),
      ...given('adminUsername', values.text('admin-user')),
      ...given(
        'adminPassword',
        values.text('admin-password') ?? (context.env[adminPasswordVariable] || undefined),
      ),
      ...given('logLevel', logLevelOf(values)),
      env: context.env,
      console: asJson ? context.stdout : context.stderr,
      consoleFormat: asJson ? 'json' : 'text',
    })
    tellReady(server, asJson, context)
    await aborted(context.stop)
    if (!asJson) context.stdout.write('Stopping…\n')
    await server.stop()
    context.stdout.write(asJson ? `${JSON.stringify({ event: 'stopped' })}\n` : 'The server has stopped.\n')
  },
}

/** An object with the member, or without it when there is no value. */
function given<K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } {
  // A computed name gives an index signature; this is the member that was asked for.
  return value === undefined ? {} : ({ [name]: value } as { readonly [P in K]?: V })
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
