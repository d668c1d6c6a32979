import { commonOptions } from '../options/common-options.ts'
import type { Option, OptionTable } from '../options/option-table.ts'
import type { Command, CommandEntry } from './command.ts'

/** Where descriptions start, and the widest line (docs/wire/tentacle-cli.md 5). */
const descriptionColumn = 29
const continuationColumn = 31
const lineWidth = 80

/** The list of all commands, as text. */
export function generalHelp(commands: readonly CommandEntry[]): string {
  const listed = sorted(commands).flatMap(({ name, summary }) => [`  ${name.padEnd(15)}`, `   ${summary}`])
  return lines([
    'Usage: Tentacle <command> [<options>]',
    '',
    'Where <command> is one of: ',
    '',
    ...listed,
    '',
    'Use `Tentacle <command> --help` to see the options of a command',
  ])
}

/** The list of all commands, for programs. */
export function generalHelpJson(commands: readonly CommandEntry[]): string {
  const Commands = sorted(commands).map(({ name, summary, aliases }) => ({
    Name: name,
    Description: summary,
    Aliases: aliases,
  }))
  return JSON.stringify({ Commands }, null, 2)
}

/** The options of one command, as text. */
export function commandHelp(entry: CommandEntry, command: Command): string {
  return lines([
    `Usage: Tentacle ${entry.name} [<options>]`,
    '',
    'Where [<options>] is any of: ',
    '',
    ...visible(command.options).flatMap(describe),
    '',
    'Or one of the common options: ',
    '',
    ...visible(commonOptions).flatMap(describe),
  ])
}

/** The options of one command, for programs. */
export function commandHelpJson(entry: CommandEntry, command: Command): string {
  const shown = (table: OptionTable) =>
    visible(table).map(option => ({ Name: option.names[0] ?? '', Description: option.description }))
  return JSON.stringify(
    {
      Name: entry.name,
      Description: entry.summary,
      Aliases: entry.aliases,
      Options: shown(command.options),
      CommonOptions: shown(commonOptions),
    },
    null,
    2,
  )
}

function sorted(commands: readonly CommandEntry[]): CommandEntry[] {
  return [...commands].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function visible(table: OptionTable): Option[] {
  return Object.values(table).filter(option => option.hidden !== true)
}

function describe(option: Option): string[] {
  const prototype = prototypeOf(option)
  const [first = '', ...more] = wrap(option.description, lineWidth - continuationColumn)
  const indented = more.map(line => ' '.repeat(continuationColumn) + line)
  return prototype.length < descriptionColumn
    ? [prototype.padEnd(descriptionColumn) + first, ...indented]
    : [prototype, ' '.repeat(descriptionColumn) + first, ...indented]
}

function prototypeOf({ names, kind }: Option): string {
  const [first = '', ...others] = names
  const start = first.length === 1 ? `  -${first}` : `      --${first}`
  const rest = others.map(name => (name.length === 1 ? `, -${name}` : `, --${name}`)).join('')
  return start + rest + (kind === 'flag' ? '' : '=VALUE')
}

/** Breaks text at blanks; the blank stays at the end of its line and counts as a part of it. */
function wrap(text: string, width: number): string[] {
  const wrapped: string[] = []
  let line = ''
  for (const word of text.split(/(?<= )/)) {
    if (line !== '' && line.length + word.length > width) {
      wrapped.push(line)
      line = ''
    }
    line += word
  }
  return [...wrapped, line]
}

function lines(all: readonly string[]): string {
  return all.map(line => `${line}\n`).join('')
}
