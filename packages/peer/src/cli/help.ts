import type { Command } from './command.ts'

const columns = 26

function row(left: string, right: string): string {
  return left.length < columns
    ? `  ${left.padEnd(columns)}${right}`
    : `  ${left}\n  ${' '.repeat(columns)}${right}`
}

/** What `peer --help` prints. */
export function generalHelp(commands: readonly Command[]): string {
  return [
    'Usage: npm run --silent peer -- COMMAND [OPTIONS]',
    '',
    'Tries Halibut peers against each other: hosts a fixed set of test services, or calls them on another peer.',
    '',
    'Commands:',
    ...commands.map(({ name, summary }) => row(name, summary)),
    '',
    'COMMAND --help shows the options of a command. Certificates are PFX files without a password.',
  ].join('\n')
}

/** What `peer COMMAND --help` prints. */
export function commandHelp({ name, summary, options }: Command): string {
  const rows = Object.entries(options).map(([option, { value, help, required }]) =>
    row(`--${option}${value === undefined ? '' : ` ${value}`}`, required ? `${help} (required)` : help),
  )
  return [
    `Usage: npm run --silent peer -- ${name} [OPTIONS]`,
    '',
    summary,
    '',
    'Options, as --name VALUE or --name=VALUE:',
    ...rows,
    row('--nodelay', 'accepted and without effect: TCP_NODELAY is always on'),
    row('--help', 'this text'),
  ].join('\n')
}
