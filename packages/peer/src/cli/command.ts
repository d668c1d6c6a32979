/** What a command may do to the outside. */
export interface PeerIo {
  /** Writes a line to standard output: what other programs read. */
  out(line: string): void
  /** Writes a line to standard error: for people. */
  note(line: string): void
  /** Aborts when the program is told to end. */
  readonly signal: AbortSignal
}

/** An option of a command. Without `value` it is a flag. */
export interface OptionSpec {
  /** What stands for the value in the help, such as `PORT`. */
  readonly value?: string
  readonly required?: boolean
  readonly help: string
}

/** The values of the options that were given. A repeated option has its values joined by commas. */
export type OptionValues = ReadonlyMap<string, string>

export interface Command {
  readonly name: string
  readonly summary: string
  /** Name of each option without the dashes. */
  readonly options: Readonly<Record<string, OptionSpec>>
  /** Runs the command and answers the exit code. */
  run(options: OptionValues, io: PeerIo): Promise<number>
}
