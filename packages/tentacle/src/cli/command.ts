import type { Log } from '../logging/log.ts'
import { instanceOptions } from '../options/common-options.ts'
import type { OptionTable } from '../options/option-table.ts'
import { type ParsedOptions, parseOptions } from '../options/parse-options.ts'
import type { SettingsStore } from '../settings/settings-store.ts'
import type { Machine } from './machine.ts'

/**
 * How the agent learns that it should stop. `console`: by Enter or a signal. `signals`: by a signal alone. `unsaid`: by
 * Windows, if that has started it as a service, else as with `console`. `parent`: by the end of who has started it, which
 * on Windows holds the mutex.
 */
export type Host =
  | { readonly kind: 'console' | 'signals' | 'unsaid' }
  | { readonly kind: 'parent'; readonly mutex: string }

/** What every command gets. */
export interface CommandContext {
  readonly machine: Machine
  /** For what people read: info and warnings on standard output, errors on standard error, all in the log file. */
  readonly log: Log
  /** For what programs read: exactly this text on standard output, and not in the log. */
  payload(text: string): void
  /** Keeps a secret out of the log file from now on. */
  keepSecret(secret: string | undefined): void
  /** Aborted when the process is asked to end. */
  readonly signal: AbortSignal
}

/** What a command on an instance gets besides. */
export interface InstanceContext extends CommandContext {
  /** The instance's name; `undefined` if it was chosen by its file. */
  readonly instance: string | undefined
  readonly settings: SettingsStore
  /** What to append to a command line so that it works on this instance: ` --instance NAME`, or nothing. */
  readonly instanceArgument: string
  readonly host: Host
  /** Tells that the agent, if it runs, does not know of the change yet. */
  restartHint(): void
}

/** A command line that fits a command. */
export interface PreparedCommand<Context> {
  /** Arguments that the command does not know. */
  readonly leftOver: readonly string[]
  /** All arguments, with secrets blotted out. */
  readonly masked: readonly string[]
  readonly secrets: readonly string[]
  /** Does the work. Whatever stands in the way is thrown; the error decides about the exit code. */
  run(context: Context): Promise<void>
}

/** A command that works on one instance, which is chosen before it runs. */
export interface InstanceCommand {
  readonly kind: 'instance'
  readonly options: OptionTable
  prepare(args: readonly string[]): PreparedCommand<InstanceContext>
}

/** A command that works on no instance, or finds its own. */
export interface PlainCommand {
  readonly kind: 'plain'
  readonly options: OptionTable
  prepare(args: readonly string[]): PreparedCommand<CommandContext>
}

export type Command = InstanceCommand | PlainCommand

/** A line of the table of commands. The module behind `load` is read only when the command is used. */
export interface CommandEntry {
  readonly name: string
  readonly aliases: readonly string[]
  readonly summary: string
  load(): Promise<Command>
}

/** Declares a command on an instance: it takes `--instance` and `--config` before its own options. */
export function instanceCommand<T extends OptionTable>(definition: {
  readonly options: T
  run(options: ParsedOptions<typeof instanceOptions & T>, context: InstanceContext): Promise<void>
}): InstanceCommand {
  const options = { ...instanceOptions, ...definition.options }
  return {
    kind: 'instance',
    options,
    prepare(args) {
      const parsed = parseOptions(options, args)
      const { leftOver, masked, secrets } = parsed
      return { leftOver, masked, secrets, run: context => definition.run(parsed, context) }
    },
  }
}

/** Declares a command without an instance. */
export function plainCommand<T extends OptionTable>(definition: {
  readonly options: T
  run(options: ParsedOptions<T>, context: CommandContext): Promise<void>
}): PlainCommand {
  return {
    kind: 'plain',
    options: definition.options,
    prepare(args) {
      const parsed = parseOptions(definition.options, args)
      const { leftOver, masked, secrets } = parsed
      return { leftOver, masked, secrets, run: context => definition.run(parsed, context) }
    },
  }
}
