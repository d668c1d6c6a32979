/** Looks up the values that a file may take, by their paths in lower case, and says what it did. */
export interface ReplacementSource {
  /** The evaluated value for a path such as `connectionstrings:db`; `undefined` for none. */
  valueFor(path: string): string | undefined
  warn(message: string): void
}

export interface ReplacementResult {
  readonly text: string
  /** How many values were replaced. */
  readonly count: number
}

/** Text that is not of the format. The message says where. */
export class NotThisFormatError extends Error {
  override readonly name = 'NotThisFormatError'
}
