import type { Command } from './command.ts'

/** The command that lists all commands, or the options of one: `help deploy-package`. */
export function helpCommand(commands: readonly Command[]): Command {
  return {
    name: 'help',
    summary: 'Lists the commands, or the options of one',
    options: [],
    async run({ io, options }) {
      const wanted = options.rest[0]?.toLowerCase()
      const command = commands.find(({ name }) => name === wanted)
      io.stdout.write(command === undefined ? overview(commands) : details(command))
      return 0
    },
  }
}

/** All commands with one line each. */
export function overview(commands: readonly Command[]): string {
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(16)} ${summary}`)
  return [
    'Usage: <command> [--option value]...',
    '',
    'Commands:',
    ...lines,
    '',
    'help <command> lists the options of one.',
    '',
  ].join('\n')
}

function details({ name, summary, options }: Command): string {
  const lines = options.map(option => `  --${`${option.name}=VALUE`.padEnd(36)} ${option.help}`)
  return [`Usage: ${name} [--option value]...`, '', `${summary}.`, '', ...lines, ''].join('\n')
}
