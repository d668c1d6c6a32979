import { severityOf } from './levels.ts'
import type { LogSink } from './log.ts'

/** Something that takes text: a process's standard stream, or a test's collector. */
export interface TextStream {
  write(text: string): unknown
}

/**
 * Info and warnings go to standard output, errors to standard error, as the message alone: scripts read both
 * (docs/wire/tentacle-cli.md 4).
 */
export function consoleSink(stdout: TextStream, stderr: TextStream): LogSink {
  return (level, text) => {
    const stream = severityOf(level) >= severityOf('error') ? stderr : stdout
    stream.write(`${text}\n`)
  }
}
