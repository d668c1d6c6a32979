import { TentacleError } from '../errors.ts'
import { maskedText } from '../logging/mask.ts'
import type { KeysOfKind, Option, OptionTable } from './option-table.ts'

/** One use of an option, in the order of the command line. Flags have an empty value. */
export interface Occurrence {
  /** The name that the command's code uses. */
  readonly option: string
  readonly value: string
}

/** A command line that was taken apart. */
export class ParsedOptions<T extends OptionTable> {
  readonly occurrences: readonly Occurrence[]
  /** Arguments that no option has claimed, in their order. */
  readonly leftOver: readonly string[]
  /** All arguments with secrets blotted out. */
  readonly masked: readonly string[]
  /** The values of sensitive options. */
  readonly secrets: readonly string[]
  readonly #table: T

  constructor(table: T, parts: Pick<ParsedOptions<T>, 'occurrences' | 'leftOver' | 'masked' | 'secrets'>) {
    this.#table = table
    this.occurrences = parts.occurrences
    this.leftOver = parts.leftOver
    this.masked = parts.masked
    this.secrets = parts.secrets
  }

  has(option: keyof T & string): boolean {
    return this.occurrences.some(used => used.option === option)
  }

  /** The last value given; `undefined` if the option was not used. An empty text is a value. */
  text(option: KeysOfKind<T, 'value'>): string | undefined {
    return this.occurrences.findLast(used => used.option === option)?.value
  }

  /** The last value given, without those that are empty. */
  nonEmpty(option: KeysOfKind<T, 'value'>): string | undefined {
    return this.text(option) || undefined
  }

  all(option: KeysOfKind<T, 'list'>): readonly string[] {
    return this.occurrences.filter(used => used.option === option).map(({ value }) => value)
  }

  /** @throws TentacleError `ERR_OPTION_VALUE` if any of the values given is no 32-bit whole number. */
  integer(option: KeysOfKind<T, 'value'>): number | undefined {
    const numbers = this.occurrences
      .filter(used => used.option === option)
      .map(({ value }) => parseInteger(this.#nameOf(option), value))
    return numbers.at(-1)
  }

  /** @throws TentacleError `ERR_OPTION_VALUE` if any of the values given is neither `true` nor `false`, in any case. */
  boolean(option: KeysOfKind<T, 'value'>): boolean | undefined {
    const values = this.occurrences
      .filter(used => used.option === option)
      .map(({ value }) => parseBoolean(this.#nameOf(option), value))
    return values.at(-1)
  }

  /** What users type: code may call an option otherwise. */
  #nameOf(option: keyof T & string): string {
    return this.#table[option]?.names.find(name => name.length > 1) ?? option
  }
}

const optionPattern = /^(--|-|\/)([^:=]+)(?:[:=]([\s\S]*))?$/

/**
 * Takes a command line apart by the grammar of the original (docs/wire/tentacle-cli.md 1): `--name`, `-name` and `/name`
 * are the same; a value follows `=`, `:` or as the next argument, whatever that looks like; one-letter flags can be
 * bundled and a one-letter option may have its value glued to it; `--` is dropped and changes nothing.
 *
 * @throws TentacleError `ERR_OPTION_VALUE` for an option at the end that lacks its value.
 */
export function parseOptions<T extends OptionTable>(table: T, args: readonly string[]): ParsedOptions<T> {
  return new OptionParser(table).parse(args)
}

class OptionParser<T extends OptionTable> {
  readonly #byName = new Map<string, { key: keyof T & string; option: Option }>()
  readonly #occurrences: Occurrence[] = []
  readonly #leftOver: string[] = []
  readonly #masked: string[] = []
  readonly #secrets: string[] = []
  readonly #table: T
  #waiting: { key: keyof T & string; option: Option; typed: string } | undefined

  constructor(table: T) {
    this.#table = table
    for (const key of keysOf(table)) {
      const option = table[key]
      for (const name of option?.names ?? []) {
        if (option !== undefined) this.#byName.set(name.toLowerCase(), { key, option })
      }
    }
  }

  parse(args: readonly string[]): ParsedOptions<T> {
    for (const arg of args) this.#take(arg)
    if (this.#waiting !== undefined) {
      throw new TentacleError(
        'ERR_OPTION_VALUE',
        `Missing required value for option '${this.#waiting.typed}'.`,
      )
    }
    return new ParsedOptions(this.#table, {
      occurrences: this.#occurrences,
      leftOver: this.#leftOver,
      masked: this.#masked,
      secrets: this.#secrets,
    })
  }

  #take(arg: string): void {
    if (this.#waiting !== undefined) {
      const { key, option } = this.#waiting
      this.#waiting = undefined
      this.#add(key, option, arg, option.sensitive ? maskedText : arg)
      return
    }
    if (arg === '--') {
      this.#masked.push(arg)
      return
    }
    const [, prefix, name, given] = optionPattern.exec(arg) ?? []
    if (prefix === undefined || name === undefined || !this.#takeOption(arg, prefix, name, given)) {
      this.#leftOver.push(arg)
      this.#masked.push(arg)
    }
  }

  #takeOption(arg: string, prefix: string, name: string, given: string | undefined): boolean {
    const found = this.#byName.get(name.toLowerCase()) ?? this.#flagWithSign(name)
    if (found === undefined) return prefix === '-' && this.#takeBundle(arg, arg.slice(1))
    const { key, option } = found
    if (option.kind === 'flag') this.#add(key, option, '', arg)
    else if (given !== undefined) this.#add(key, option, given, this.#mask(option, arg, given))
    else {
      this.#waiting = { key, option, typed: `${prefix}${name}` }
      this.#masked.push(arg)
    }
    return true
  }

  /** `--flag+` and `--flag-` both mean the flag. */
  #flagWithSign(name: string): { key: keyof T & string; option: Option } | undefined {
    if (!/[+-]$/.test(name)) return undefined
    const found = this.#byName.get(name.slice(0, -1).toLowerCase())
    return found?.option.kind === 'flag' ? found : undefined
  }

  /** `-abc` is `-a -b -c`; the first option with a value takes the rest. */
  #takeBundle(arg: string, letters: string): boolean {
    for (const [at, letter] of [...letters].entries()) {
      const found = this.#byName.get(letter.toLowerCase())
      if (found === undefined) {
        if (at === 0) return false
        throw new TentacleError(
          'ERR_OPTION_VALUE',
          `'-${letter}' in '${arg}' is not an option that can be bundled.`,
        )
      }
      const { key, option } = found
      if (option.kind === 'flag') {
        this.#occurrences.push({ option: key, value: '' })
        continue
      }
      const rest = letters.slice(at + 1)
      this.#add(key, option, rest, this.#mask(option, arg, rest))
      return true
    }
    this.#masked.push(arg)
    return true
  }

  #mask(option: Option, arg: string, secret: string): string {
    return option.sensitive ? `${arg.slice(0, arg.length - secret.length)}${maskedText}` : arg
  }

  #add(key: keyof T & string, option: Option, value: string, masked: string): void {
    this.#occurrences.push({ option: key, value })
    this.#masked.push(masked)
    if (option.sensitive) this.#secrets.push(value)
  }
}

function keysOf<T extends OptionTable>(table: T): (keyof T & string)[] {
  const keys: (keyof T & string)[] = []
  for (const key in table) keys.push(key)
  return keys
}

/** A 32-bit whole number; blanks around it do not matter. */
export function parseInteger(option: string, text: string): number {
  const number = /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : Number.NaN
  if (Number.isInteger(number) && Math.abs(number) < 2 ** 31) return number
  throw new TentacleError('ERR_OPTION_VALUE', `The value '${text}' of --${option} is not a whole number.`)
}

/** `true` or `false`, in any case. */
export function parseBoolean(option: string, text: string): boolean {
  const lower = text.trim().toLowerCase()
  if (lower === 'true' || lower === 'false') return lower === 'true'
  throw new TentacleError(
    'ERR_OPTION_VALUE',
    `The value '${text}' of --${option} is not valid: use 'true' or 'false'.`,
  )
}
