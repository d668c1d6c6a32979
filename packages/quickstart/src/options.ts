import { parseArgs } from 'node:util'

/** What `npm start` can be told. Ports are TCP ports, `home` is an absolute or relative folder. */
export interface QuickstartOptions {
  readonly home: string
  readonly port: number
  readonly commsPort: number
  readonly agentPort: number
  readonly help: boolean
}

/** A mistake that the user can mend: shown as one line, without a stack. */
export class QuickstartError extends Error {
  override readonly name = 'QuickstartError'
}

export const usage = `Starts a server, a listening and a polling Tentacle, and deploys a sample web site to both.

  npm start [-- options]

Options
  --home=DIR         where everything is kept: database, packages, agents, deployed files   (home)
  --port=N           port of the portal and the REST API                                    (8080)
  --comms-port=N     port that polling Tentacles connect to                                 (10943)
  --agent-port=N     port that the listening Tentacle listens on                            (10933)
  --help             this text

A second start continues from the same data. Remove the home folder to begin anew.
`

function parsePort(name: string, text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new QuickstartError(`--${name}=${text} is not a port; give a whole number from 1 to 65535.`)
  }
  return port
}

/** Reads the command line; `defaultHome` is used when no `--home` is given. Throws {@link QuickstartError}. */
export function parseOptions(argv: readonly string[], defaultHome: string): QuickstartOptions {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        home: { type: 'string', default: defaultHome },
        port: { type: 'string', default: '8080' },
        'comms-port': { type: 'string', default: '10943' },
        'agent-port': { type: 'string', default: '10933' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    return {
      home: values.home,
      port: parsePort('port', values.port),
      commsPort: parsePort('comms-port', values['comms-port']),
      agentPort: parsePort('agent-port', values['agent-port']),
      help: values.help,
    }
  } catch (error) {
    if (error instanceof QuickstartError) throw error
    const reason = error instanceof Error ? error.message.split('.')[0] : String(error)
    throw new QuickstartError(`${reason}. See npm start -- --help`, { cause: error })
  }
}
