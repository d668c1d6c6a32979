/** How much a line of the log matters, from least to most. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

/** The place of a level in that order. */
export function severityOf(level: LogLevel): number {
  return levels.indexOf(level)
}

/** The level that `OCTOPUS__TENTACLE__LOGLEVEL` names, in any case; `info` for anything else. */
export function parseLogLevel(text: string | undefined): LogLevel {
  const wanted = text?.trim().toLowerCase()
  return levels.find(level => level === wanted) ?? 'info'
}
