import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CliRow } from './cli-row.ts'

/** Runs in which this agent does on purpose something else than the original, and why. What it does is in the fixture. */
export interface ChosenDifference {
  readonly rows: readonly string[]
  readonly reason: string
}

export const chosenDifferences: readonly ChosenDifference[] = [
  {
    rows: ['create-instance-home-only'],
    reason:
      'A home alone is enough to make an unnamed instance; the original fails after it has made the file.',
  },
  {
    rows: ['create-instance-again-other-config', 'create-instance-case-clash'],
    reason:
      'The home is written into the file that the name points to from now on, not into the one it pointed to before.',
  },
  {
    rows: ['create-instance-slash'],
    reason: 'A name that cannot be stored is refused before anything is made.',
  },
  {
    rows: ['delete-instance-config-file-gone'],
    reason: 'An instance whose files are gone is the one that most needs to be forgotten.',
  },
  {
    rows: ['configure-port-bad--1', 'configure-port-bad-70000'],
    reason: 'A port that does not exist would only be noticed when the agent does not start.',
  },
  {
    rows: ['configure-trust-bad-thumbprint', 'configure-trust-comma'],
    reason: 'Text that is no thumbprint trusts nobody, however long one waits for the server.',
  },
  {
    rows: ['configure-remove-trust-other-case', 'server-comms-other-case'],
    reason: 'Thumbprints are hexadecimal: their case means nothing. Trust that was removed must be gone.',
  },
  {
    rows: ['clear-trusted-servers-passive'],
    reason: 'Servers that dial in have no address; the original fails on them and clears nothing.',
  },
  {
    rows: ['server-comms-active-host-url'],
    reason: 'A URL in place of a host name makes an address that can never be polled.',
  },
  {
    rows: ['server-comms-style-none', 'server-comms-style-ssh'],
    reason:
      'Styles that no agent has are refused; the original says that it has updated something, and has not.',
  },
  {
    rows: [
      'proxy-host-url',
      'proxy-host-with-port',
      'polling-proxy-host-url',
      'polling-proxy-host-with-port',
    ],
    reason: 'The port inside a proxy address is taken; the original loses it, or the host.',
  },
  {
    rows: ['proxy-port-first', 'polling-proxy-port-first'],
    reason: 'The port that is stored is told wherever it stands on the command line.',
  },
  {
    rows: ['show-configuration-file'],
    reason: 'The file need not exist before it is written.',
  },
  {
    rows: ['register-with-unknown-policy', 'register-with-unknown-proxy'],
    reason: 'A name that the server does not have is a refusal (1), as for environments, tenants and tags.',
  },
  {
    rows: ['deregister-from-no-certificate', 'deregister-worker-no-certificate'],
    reason: 'What is known to fail is said before signing in to the server.',
  },
  {
    rows: ['poll-server-reuse-none'],
    reason: 'Nothing to take over is a refusal (1) with a sentence, not a crash.',
  },
  {
    rows: ['service-nothing', 'service-restart', 'service-star-start', 'service-star-stop'],
    reason: 'Root needs no sudo; where it is not installed, the original refuses root as well.',
  },
  {
    rows: [
      'service-install',
      'service-install-user',
      'service-install-start',
      'service-reconfigure',
      'service-default-name',
      'service-default-name-no-option',
      'service-unnamed-current-folder',
      'service-env-user',
    ],
    reason:
      'Root needs no sudo. The unit is that of the original; beside it is a file that lets scripts outlive the agent.',
  },
  {
    rows: ['service-stop-uninstall', 'service-all'],
    reason: 'Root needs no sudo, and systemd is told to forget what was removed, also that it had failed.',
  },
  {
    rows: ['service-blank-name'],
    reason: 'A name with a blank is one word for systemd; the unit of the original does not start.',
  },
  {
    rows: [
      'service-start-fails',
      'service-stop-fails',
      'service-restart-fails',
      'service-install-fails',
      'service-uninstall-fails',
      'service-install-permission-denied',
      'service-restart-permission-denied',
    ],
    reason:
      'What was not done is a failure (1) that says why, and the first failure ends the command; the original tries the same once more with sudo although it is root, goes on, and ends with 0.',
  },
]

/** Commands that the original does not have, by name, and why this agent has them. */
export const ownCommands: Readonly<Record<string, string>> = {
  check: 'Tells where the way to the server breaks; with the original that takes a support case.',
  'list-scripts': 'Tells for whom a script waits, also when no server can be asked.',
}

/** Options that the original does not have, by command and by their first name, and why this agent has them. */
export const ownOptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  configure: {
    metricsPort: 'Monitoring can ask the agent itself; of the original only its log can be read.',
    metricsFile: 'The same for machines on which nothing more may listen: node_exporter reads files.',
    structuredLog: 'Programs that collect logs need no pattern for lines, stacks and the local time.',
    powerShellPath: 'Scripts for PowerShell 7 run in it, without being started from the old one.',
  },
}

/** What this agent does in those runs. */
const expectations: Readonly<Record<string, Partial<CliRow>>> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/chosen-differences.json'), 'utf8'),
)

/** The row as this agent shall behave. */
export function withChosenDifferences(row: CliRow): CliRow {
  return { ...row, ...expectations[row.name] }
}

/** The names of all rows for which the fixture expects something else. */
export function differingRows(): string[] {
  return Object.keys(expectations)
}
