import { DeployerError } from '../errors.ts'

/** One option: its name without dashes and what it is for. All of them take a value. */
export interface OptionSpec {
  readonly name: string
  readonly help: string
  readonly isRepeatable?: boolean
}

export interface ParsedOptions {
  /** The value of an option, the last one when it was given several times. */
  get(name: string): string | undefined
  all(name: string): readonly string[]
  /** What is no option of this command, in order. */
  readonly rest: readonly string[]
}

/**
 * Takes a command line apart: `--name value`, `--name=value`, `-name:value` and `/name value` are the same, names in
 * any case; what is no option of the command is left over (docs/wire/deployment.md, section 1). Throws ERR_USAGE when
 * an option has no value.
 */
export function parseOptions(args: readonly string[], specs: readonly OptionSpec[]): ParsedOptions {
  const values = new Map<string, string[]>()
  const rest: string[] = []
  const ahead = [...args]
  for (let argument = ahead.shift(); argument !== undefined; argument = ahead.shift()) {
    const match = /^(?:--|-|\/)([^:=]+)(?:[:=](.*))?$/s.exec(argument)
    const name = match?.[1]?.toLowerCase()
    const spec = specs.find(candidate => candidate.name.toLowerCase() === name)
    if (spec === undefined) {
      rest.push(argument)
      continue
    }
    const value = match?.[2] ?? ahead.shift()
    if (value === undefined) throw new DeployerError('ERR_USAGE', `The option --${spec.name} needs a value.`)
    values.set(spec.name, [...(values.get(spec.name) ?? []), value])
  }
  return { get: name => values.get(name)?.at(-1), all: name => values.get(name) ?? [], rest }
}
