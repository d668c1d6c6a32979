import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { ServerError } from '../errors.ts'

/** What a command may use of the process. */
export interface CommandContext {
  readonly stdout: Writable
  readonly stderr: Writable
  readonly stdin?: Readable
  readonly env: NodeJS.ProcessEnv
  /** Aborted when the process is asked to end (Ctrl+C, SIGTERM). */
  readonly stop: AbortSignal
}

/** An option of a command: how it is read and what help says of it. */
export interface CommandOption {
  readonly name: string
  /** What the value is called in help, e.g. `DIR`; undefined: a flag without value. */
  readonly value?: string
  readonly help: string
}

/** A command of `octopus-server`. */
export interface Command {
  readonly name: string
  readonly summary: string
  readonly options: readonly CommandOption[]
  /** More text for its help. */
  readonly details?: string
  run(values: OptionValues, context: CommandContext): Promise<void>
}

/** The given options by name. */
export interface OptionValues {
  text(name: string): string | undefined
  /** A port number; throws `ERR_USAGE` for anything else. */
  port(name: string): number | undefined
  flag(name: string): boolean
}

export const homeOption: CommandOption = {
  name: 'home',
  value: 'DIR',
  help: 'Folder with everything the server keeps (default: OCTOPUS_SERVER_HOME, else ~/.octopus-server)',
}
export const formatOption: CommandOption = {
  name: 'format',
  value: 'FORMAT',
  help: 'text for people (default), json for programs',
}

/** The home folder that a command works in. */
export function homeOf(values: OptionValues, env: NodeJS.ProcessEnv): string {
  return values.text('home') ?? (env.OCTOPUS_SERVER_HOME || join(homedir(), '.octopus-server'))
}

/** True for `--format json`. Throws `ERR_USAGE` for an unknown format. */
export function isJson(values: OptionValues): boolean {
  const format = (values.text('format') ?? 'text').toLowerCase()
  if (format === 'json' || format === 'text') return format === 'json'
  throw usageError(`--format is '${format}'; it must be text or json.`)
}

/** A mistake in the command line. */
export function usageError(message: string): ServerError {
  return new ServerError('ERR_USAGE', message)
}

/** Reads the arguments of a command. Throws `ERR_USAGE` naming what is not understood. */
export function readOptions({ name, options }: Command, args: readonly string[]): OptionValues {
  const config: ParseArgsOptionsConfig = { help: { type: 'boolean', short: 'h' } }
  for (const option of options)
    config[option.name] = { type: option.value === undefined ? 'boolean' : 'string' }
  const { values } = parse(name, args, config)
  const text = (option: string): string | undefined => {
    const value = values[option]
    return typeof value === 'string' ? value : undefined
  }
  return {
    text,
    port(option) {
      const given = text(option)
      if (given === undefined) return undefined
      if (/^\d{1,5}$/.test(given) && Number(given) <= 65_535) return Number(given)
      throw usageError(`--${option} is '${given}'; it must be a port number from 0 to 65535.`)
    },
    flag: option => values[option] === true,
  }
}

function parse(name: string, args: readonly string[], options: ParseArgsOptionsConfig) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false, strict: true })
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('. ')[0] : error
    throw usageError(`${reason}. 'octopus-server ${name} --help' lists the options.`)
  }
}
