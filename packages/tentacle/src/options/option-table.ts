/** What is known of an option, whatever kind it is. */
interface OptionFacts {
  /** All names, the first is the one that machine-readable help shows. Compared without case. */
  readonly names: readonly string[]
  readonly description: string
  /** Its value is a secret: never shown, logged or passed on. */
  readonly sensitive?: true
  /** Accepted, but not mentioned in help. */
  readonly hidden?: true
}

/** An option whose presence is its meaning. */
export interface FlagOption extends OptionFacts {
  readonly kind: 'flag'
}

/** An option with a value; given more than once, the last one counts. */
export interface ValueOption extends OptionFacts {
  readonly kind: 'value'
}

/** An option with a value that may be given several times. */
export interface ListOption extends OptionFacts {
  readonly kind: 'list'
}

export type Option = FlagOption | ValueOption | ListOption

/** The options of a command by the names that its code uses, in the order in which help shows them. */
export type OptionTable = Readonly<Record<string, Option>>

/** Names of a table's options of one kind. */
export type KeysOfKind<T extends OptionTable, Kind extends Option['kind']> = {
  [K in keyof T & string]: T[K]['kind'] extends Kind ? K : never
}[keyof T & string]

type Extras = Pick<OptionFacts, 'sensitive' | 'hidden'>

/** @param names - `name|other-name`, in the order in which help shows them. */
export function flag(names: string, description: string, extras: Extras = {}): FlagOption {
  return { kind: 'flag', names: names.split('|'), description, ...extras }
}

/** @param names - `name|other-name`, in the order in which help shows them. */
export function value(names: string, description: string, extras: Extras = {}): ValueOption {
  return { kind: 'value', names: names.split('|'), description, ...extras }
}

/** @param names - `name|other-name`, in the order in which help shows them. */
export function list(names: string, description: string, extras: Extras = {}): ListOption {
  return { kind: 'list', names: names.split('|'), description, ...extras }
}
