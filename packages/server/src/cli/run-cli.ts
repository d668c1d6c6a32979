import { isServerError, ServerError, toError } from '../errors.ts'
import { productVersion } from '../product-version.ts'
import { createApiKey, resetPassword, showThumbprint } from './account-commands.ts'
import { type Command, type CommandContext, readOptions, usageError } from './command.ts'
import { run } from './run-command.ts'

/** How the process ends: docs/wire/server-api.md, command line. */
export const exitCodes = { done: 0, refused: 1, usage: 2, fault: 100 } as const

const commands: readonly Command[] = [run, createApiKey, resetPassword, showThumbprint]

function column(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}\n`).join('')
}

/** The list of commands. */
export function helpText(): string {
  const rows: (readonly [string, string])[] = commands.map(command => [command.name, command.summary])
  return (
    `octopus-server ${productVersion}: an open deployment server for Tentacles\n\n` +
    'Usage: octopus-server COMMAND [options]\n\nCommands:\n' +
    column([
      ...rows,
      ['version', 'Prints the version'],
      ['help [COMMAND]', 'Shows this text, or the options of a command'],
    ])
  )
}

/** The options of one command. */
export function helpOf(command: Command): string {
  const rows = command.options.map(
    ({ name, value, help }) => [value === undefined ? `--${name}` : `--${name} ${value}`, help] as const,
  )
  return (
    `Usage: octopus-server ${command.name} [options]\n\n${command.summary}\n\nOptions:\n${column(rows)}` +
    (command.details === undefined ? '' : `\n${command.details}\n`)
  )
}

function findCommand(name: string): Command {
  const command = commands.find(each => each.name === name)
  if (command !== undefined) return command
  throw usageError(`There is no command '${name}'. 'octopus-server help' lists the commands.`)
}

async function dispatch(args: readonly string[], context: CommandContext): Promise<void> {
  const [name = 'help', ...rest] = args
  if (name === 'version' || name === '--version') {
    context.stdout.write(`${productVersion}\n`)
    return
  }
  if (name === 'help' || name === '--help' || name === '-h') {
    const [about] = rest
    context.stdout.write(about === undefined ? helpText() : helpOf(findCommand(about)))
    return
  }
  const command = findCommand(name)
  const values = readOptions(command, rest)
  if (values.flag('help')) context.stdout.write(helpOf(command))
  else await command.run(values, context)
}

/** Runs the command line and gives the exit code. Every error becomes one clear line on standard error. */
export async function runCli(args: readonly string[], context: CommandContext): Promise<number> {
  try {
    await dispatch(args, context)
    return exitCodes.done
  } catch (thrown) {
    const error = toError(thrown)
    const known = error instanceof ServerError
    context.stderr.write(
      known ? `${error.message}\n` : `The server failed: ${error.stack ?? error.message}\n`,
    )
    if (!known) return exitCodes.fault
    for (const problem of error.problems) {
      if (problem !== error.message) context.stderr.write(`  ${problem}\n`)
    }
    return isServerError(error, 'ERR_USAGE') ? exitCodes.usage : exitCodes.refused
  }
}
