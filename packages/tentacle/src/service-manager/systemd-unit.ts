import { agentArguments, type ServiceDefinition, serviceDescription } from './service-definition.ts'

/** What a unit file of ours, or of the original, says. */
export interface InstalledUnit {
  readonly account: string | undefined
  readonly dependsOn: string | undefined
}

/** The one account that may do everything; a service runs as it unless told otherwise, as in the original. */
export const superuser = 'root'

/**
 * The unit file, byte by byte as the original writes it (docs/wire/tentacle-service.md 2), except that a command with
 * blanks is quoted: without that the service cannot start.
 */
export function unitText(service: ServiceDefinition): string {
  const { executable, account = superuser, dependsOn } = service
  const words = [...agentArguments(service), '--noninteractive'].map(word => word.replaceAll('$', '$$$$'))
  const command = [executable, ...words].map(commandWord).join(' ')
  return `[Unit]
Description=${serviceDescription}
After=network.target${dependsOn === undefined ? '' : ` ${dependsOn}`}

[Service]
Type=simple
User=${account.replaceAll('%', '%%')}
ExecStart=${command}
Restart=always

[Install]
WantedBy=multi-user.target
`
}

/** What the machine offers that a unit can use. */
export interface DropInFacts {
  /** Whether a program of ours can tell systemd that it is ready: `systemd-notify` is there and waits for its answer. */
  readonly canNotify: boolean
  readonly environment: Readonly<Record<string, string>>
}

/**
 * What we add to the original's unit, in a file beside it. Scripts outlive the agent, so only the agent itself is ended
 * (`KillMode`), and a script that takes all memory does not end the agent (`OOMPolicy`). The agent is started again for
 * as long as it takes, and after a hang: `SIGKILL`, since a process that hangs answers nothing else and a core dump of
 * it helps nobody.
 */
export function dropInText({ canNotify, environment }: DropInFacts): string {
  const variables = Object.entries(environment).map(
    ([name, value]) => `Environment=${quoted(`${name}=${value}`.replaceAll('%', '%%'))}`,
  )
  return [
    "# Written by 'Tentacle service --install' and removed by '--uninstall'. Use 'systemctl edit' for changes of your own.",
    '[Unit]',
    'Wants=network-online.target',
    'After=network-online.target',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'KillMode=process',
    'RestartSec=5',
    'OOMPolicy=continue',
    'TasksMax=infinity',
    ...(canNotify ? ['Type=notify', 'NotifyAccess=all', 'WatchdogSec=180', 'WatchdogSignal=SIGKILL'] : []),
    ...variables,
    '',
  ].join('\n')
}

/** Undefined for a unit file that is not of an agent. */
export function readUnit(text: string): InstalledUnit | undefined {
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1]?.trim()
  const isOurs =
    value('Description') === serviceDescription || /Tentacle"? (run|agent)\b/i.test(value('ExecStart') ?? '')
  if (!isOurs) return undefined
  const after = (value('After') ?? '').split(/\s+/).filter(unit => unit !== '' && unit !== 'network.target')
  return {
    account: value('User')?.replaceAll('%%', '%') || undefined,
    dependsOn: after.length === 0 ? undefined : after.join(' '),
  }
}

/** One word of a command in a unit file: systemd replaces `%x` and takes quotes and backslashes away. */
function commandWord(text: string): string {
  const literal = text.replaceAll('%', '%%')
  return /^[^\s"'\\;]+$/.test(literal) ? literal : quoted(literal)
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
