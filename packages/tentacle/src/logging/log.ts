import { toError } from '../errors.ts'
import { type LogLevel, severityOf } from './levels.ts'

/** What an entry says, in parts. */
export interface LogEntry {
  readonly message: string
  readonly error?: unknown
}

/** Where an entry of the log goes. `text` is all of it and may have several lines. */
export type LogSink = (level: LogLevel, text: string, entry: LogEntry) => void

/** The log of the agent and its commands. Everything that is not the payload of a command passes here. */
export interface Log {
  trace(message: string): void
  debug(message: string): void
  info(message: string): void
  warn(message: string, error?: unknown): void
  error(message: string, error?: unknown): void
  fatal(message: string, error?: unknown): void
}

/** @param minimum - entries below this level are dropped. */
export function createLog(sinks: readonly LogSink[], minimum: LogLevel): Log {
  const write = (level: LogLevel) => (message: string, error?: unknown) => {
    if (severityOf(level) < severityOf(minimum)) return
    const text = error === undefined ? message : `${message}\n${describeError(error)}`
    for (const sink of sinks) sink(level, text, { message, error })
  }
  return {
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
  }
}

/** An error with its stack and its causes, for the log file. */
export function describeError(thrown: unknown): string {
  const error = toError(thrown)
  const own = error.stack ?? `${error.name}: ${error.message}`
  return error.cause === undefined ? own : `${own}\n--Inner Exception--\n${describeError(error.cause)}`
}
