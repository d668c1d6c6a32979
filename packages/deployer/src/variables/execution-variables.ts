import { type Evaluation, evaluate, isTruthy, Variables } from '@tentacle/octostache'
import { DeployerError } from '../errors.ts'

/** The variables of one command: those that the server sent, those of the machine, and what scripts set on the way. */
export class ExecutionVariables {
  private readonly variables = new Variables()
  private readonly sensitive = new Set<string>()

  set(name: string, value: string | null, isSensitive = false): void {
    this.variables.set(name, value)
    if (isSensitive) this.sensitive.add(name.toLowerCase())
    else this.sensitive.delete(name.toLowerCase())
  }

  /** The evaluated value; `undefined` when the variable is missing, null or nothing but blanks. */
  text(name: string): string | undefined {
    const value = this.variables.get(name)
    return value === undefined || value.trim() === '' ? undefined : value
  }

  /** The evaluated value as it is; `undefined` when the variable is missing or null. */
  get(name: string): string | undefined {
    return this.variables.get(name)
  }

  getRaw(name: string): string | undefined {
    return this.variables.getRaw(name)
  }

  has(name: string): boolean {
    return this.variables.has(name)
  }

  isSensitive(name: string): boolean {
    return this.sensitive.has(name.toLowerCase())
  }

  /** A switch: `True` in any case is on, anything else that is set is off. */
  flag(name: string, whenMissing = false): boolean {
    const value = this.text(name)
    return value === undefined ? whenMissing : value.trim().toLowerCase() === 'true'
  }

  /** A number of at least 0; anything else is as good as missing. */
  number(name: string): number | undefined {
    const value = this.text(name)?.trim()
    return value !== undefined && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : undefined
  }

  /** The lines of a variable that lists one thing per line. */
  lines(name: string): string[] {
    return split(this.get(name), /\r?\n/)
  }

  /** The parts of a variable that lists things between commas. */
  list(name: string): string[] {
    return split(this.get(name), /,/)
  }

  /** The evaluated value of a variable that has to come out complete. Throws ERR_FOLDER naming what is unresolved. */
  complete(name: string): string | undefined {
    const raw = this.getRaw(name)
    if (raw === undefined || raw.trim() === '') return undefined
    const { text, error } = evaluate(raw, this.variables)
    if (error === undefined) return text.trim()
    throw new DeployerError('ERR_FOLDER', `The variable ${name} cannot be worked out: ${error.message}`)
  }

  evaluate(text: string, options: { readonly haltOnError?: boolean } = {}): Evaluation {
    return evaluate(text, this.variables, options)
  }

  isTruthy(template: string): boolean {
    return isTruthy(template, this.variables)
  }

  names(): string[] {
    return this.variables.names()
  }

  indexes(name: string): string[] {
    return this.variables.indexes(name)
  }
}

function split(text: string | undefined, separator: RegExp): string[] {
  return (text ?? '')
    .split(separator)
    .map(part => part.trim())
    .filter(part => part !== '')
}
