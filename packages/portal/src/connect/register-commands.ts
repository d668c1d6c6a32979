/** What the commands are made for. */
export interface Registration {
  /** Whether the Tentacle waits for the server (`listening`) or asks it for work (`polling`). */
  readonly style: 'listening' | 'polling'
  /** The server's address as the new machine sees it, without a slash at the end. */
  readonly serverUrl: string
  /** The SHA-1 thumbprint of the server's certificate. */
  readonly thumbprint: string
  readonly apiKey: string
  readonly space: string | undefined
  /** The name on the server; empty takes the machine's own. */
  readonly name: string
  readonly environment: string
  readonly roles: readonly string[]
  /** The port on which polling Tentacles reach the server. */
  readonly commsPort: number
  /** The port on which a listening Tentacle waits. */
  readonly listenPort: number
}

/** One step with the command that does it. */
export interface Step {
  readonly title: string
  readonly command: string
}

/** The commands that connect a machine, in order. Every value is quoted for a shell. */
export function registrationSteps(registration: Registration): readonly Step[] {
  const isListening = registration.style === 'listening'
  return [
    {
      title: 'Make the instance and its certificate',
      command: lines(
        wrap(
          `sudo Tentacle create-instance --instance Tentacle`,
          `--config /etc/octopus/Tentacle/tentacle.config`,
        ),
        `sudo Tentacle new-certificate --instance Tentacle --if-blank`,
      ),
    },
    {
      title: isListening ? 'Wait for this server, and only for it' : 'Do not open a port; where packages go',
      command: isListening
        ? wrap(
            `sudo Tentacle configure --instance Tentacle --app /home/Octopus/Applications`,
            `--port ${registration.listenPort} --noListen False`,
            `--reset-trust --trust ${quote(registration.thumbprint)}`,
          )
        : wrap(
            `sudo Tentacle configure --instance Tentacle --app /home/Octopus/Applications`,
            `--noListen True --reset-trust`,
          ),
    },
    { title: 'Register it here', command: registerCommand(registration) },
    {
      title: 'Start it; a service manager can do the same',
      command: `sudo Tentacle run --instance Tentacle`,
    },
  ]
}

function registerCommand(registration: Registration): string {
  const { style, serverUrl, apiKey, space, name, environment, roles, commsPort, listenPort } = registration
  return wrap(
    `sudo Tentacle register-with --instance Tentacle`,
    `--server ${quote(serverUrl)}`,
    `--apiKey ${quote(apiKey || 'API-YOUR-KEY')}`,
    [
      ...(space === undefined ? [] : [`--space ${quote(space)}`]),
      name === '' ? '--name "$(hostname)"' : `--name ${quote(name)}`,
      `--environment ${quote(environment || 'ENVIRONMENT')}`,
      ...(roles.length === 0 ? ['ROLE'] : roles).map(role => `--role ${quote(role)}`),
    ].join(' '),
    style === 'listening'
      ? `--comms-style TentaclePassive --publicHostName "$(hostname -f)" \\\n  --tentacle-comms-port ${listenPort}`
      : `--comms-style TentacleActive --server-comms-port ${commsPort}`,
  )
}

function wrap(...parts: string[]): string {
  return parts.join(' \\\n  ')
}

function lines(...commands: string[]): string {
  return commands.join('\n')
}

/** Words that a shell takes as they are stay as they are; others go into single quotes. */
export function quote(value: string): string {
  if (/^[\w./:@%+=,-]+$/.test(value)) return value
  return `'${value.replaceAll("'", `'\\''`)}'`
}
