/** How a script ended. */
export interface EndOfScript {
  /** Of the script, or one of `scriptExitCodes`. */
  readonly exitCode: number
  /** From its start to its end; undefined if it never ran. */
  readonly ranMs: number | undefined
}

/** Hears what becomes of scripts. It is called at once, so it should be quick, and must not throw. */
export interface ScriptObserver {
  /** A script was given to the keeper. */
  started(): void
  /** A script runs that an agent before this one started. */
  adopted(): void
  /** A script is complete, whether it ran or not. */
  finished(end: EndOfScript): void
}
