import assert from 'node:assert/strict'
import { commands } from '../src/cli/commands.ts'
import { ownCommands, ownOptions } from './chosen-differences.ts'
import type { CliRow } from './cli-row.ts'

/** What a row knows of a help text: its layout, not its sentences. */
export type HelpLayout = TextLayout | CommandJson | CommandsJson

interface TextLayout {
  readonly sections: readonly { readonly header: string; readonly items: readonly LayoutItem[] }[]
}

interface LayoutItem {
  /** In the list of commands: the line with the name. */
  readonly line?: string
  /** In a list of options: the option, without its description. */
  readonly text?: string
  readonly descriptionOnSameLine?: boolean
  /** Null for an option of which the original says nothing. */
  readonly descriptionColumn?: number | null
}

interface NamedJson {
  readonly Name: string
  readonly Aliases?: readonly string[]
}

interface CommandJson extends NamedJson {
  readonly Options: readonly NamedJson[]
  readonly CommonOptions: readonly NamedJson[]
}

interface CommandsJson {
  readonly Commands: readonly NamedJson[]
}

/** Help has the recorded layout, for the commands that this agent has. */
export function assertHelp(stdout: string, { help, argv }: CliRow): void {
  if (help === undefined) {
    // A row that only says that help came: of the command that it names.
    const wanted = argv.find(arg => commands.some(({ name }) => name === arg)) ?? ''
    assert.ok(stdout.includes(wanted), stdout)
    return
  }
  if ('Commands' in help) assertCommandsJson(stdout, help)
  else if ('Options' in help) assertCommandJson(stdout, help)
  else assertText(stdout, help)
}

function assertCommandsJson(stdout: string, help: CommandsJson): void {
  const shown: CommandsJson = JSON.parse(stdout)
  const recorded = help.Commands.filter(({ Name }) => isOurs(Name))
  const comparable = shown.Commands.filter(({ Name }) => !Object.hasOwn(ownCommands, Name))
  assert.deepEqual(comparable.map(names), recorded.map(names))
  assert.equal(shown.Commands.length - comparable.length, Object.keys(ownCommands).length)
  assert.equal(stdout, JSON.stringify(shown, null, 2))
}

function assertCommandJson(stdout: string, help: CommandJson): void {
  const shown: CommandJson = JSON.parse(stdout)
  assert.deepEqual(names(shown), names(help))
  const own = ownOptionsOf(help.Name)
  const comparable = shown.Options.filter(({ Name }) => !own.has(Name))
  assert.deepEqual(comparable.map(names), help.Options.map(names))
  assert.equal(shown.Options.length - comparable.length, own.size)
  assert.deepEqual(shown.CommonOptions.map(names), help.CommonOptions.map(names))
  assert.equal(stdout, JSON.stringify(shown, null, 2))
}

function names({ Name, Aliases }: NamedJson) {
  return { Name, Aliases }
}

function ownOptionsOf(command: string): ReadonlySet<string> {
  return new Set(Object.keys(ownOptions[command] ?? {}))
}

function isOurs(name: string): boolean {
  return commands.some(command => command.name === name)
}

function assertText(stdout: string, { sections }: TextLayout): void {
  const lines = stdout.split('\n')
  for (const { header, items } of sections) {
    assert.ok(lines.includes(header), `no line '${header}'`)
    if (header !== lines[0])
      assert.deepEqual([lines[lines.indexOf(header) - 1], lines[lines.indexOf(header) + 1]], ['', ''])
    for (const item of items) {
      if (item.line !== undefined && isOurs(item.line.trim())) {
        assert.match(lines[lines.indexOf(item.line) + 1] ?? '', /^ {3}\S/)
      }
      if (item.text !== undefined && item.descriptionColumn !== null) assertOption(lines, item)
    }
  }
  const recorded = sections
    .flatMap(({ items }) => items)
    .flatMap(({ text }) => (text === undefined ? [] : [text]))
  const own = ownOptionsOf(/^Usage: Tentacle (\S+)/.exec(lines[0] ?? '')?.[1] ?? '')
  const options = lines
    .filter(line => /^ {2}(-\w, | {4})--/.test(line))
    .map(line => line.slice(0, 29).trimEnd())
  const shown = options.filter(text => !own.has(/--(\w+)/.exec(text)?.[1] ?? ''))
  assert.equal(options.length - shown.length, own.size)
  if (recorded.length > 0)
    assert.deepEqual(
      shown,
      recorded.map(text => text.slice(0, 29).trimEnd()),
    )
  const isGeneral = lines.includes('Where <command> is one of: ')
  if (!isGeneral)
    assert.deepEqual(
      lines.filter(line => line.length > 80),
      [],
    )
}

/** The description starts in column 29, on the option's line if there is room, and goes on in column 31. */
function assertOption(lines: readonly string[], { text = '', descriptionOnSameLine }: LayoutItem): void {
  const at = lines.findIndex(line => line === text || line.slice(0, 29).trimEnd() === text)
  assert.notEqual(at, -1, `no option '${text}'`)
  const described = descriptionOnSameLine ? lines[at] : lines[at + 1]
  assert.match(described?.slice(29) ?? '', /^\S/)
  const next = lines[at + (descriptionOnSameLine ? 1 : 2)] ?? ''
  if (next.startsWith(' '.repeat(29))) assert.match(next, /^ {31}\S/)
}
