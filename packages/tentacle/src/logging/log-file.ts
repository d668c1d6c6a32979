import { mkdirSync } from 'node:fs'
import { type Diagnostics, diagnosticLines } from './diagnostics.ts'
import type { LogSink } from './log.ts'
import { formatLogLine, localDate } from './log-line.ts'
import { SharedFile } from './shared-file.ts'
import { structuredEntry, structuredStart } from './structured-entry.ts'

/** How a log file is kept. */
export interface LogFileOptions {
  /** Where the file is. Asked before each entry, because the home is known only after the first steps of a run. */
  readonly folder: () => string
  readonly now: () => Date
  readonly processId: number
  /** Replaces secrets before anything is written. */
  readonly mask: (text: string) => string
  /** What comes before the first entry of this process; asked for once, when there is one. */
  readonly start?: () => Diagnostics
}

/** A log of the agent in a file: how its entries look there, without secrets. */
interface Form {
  readonly file: SharedFile
  start(facts: Diagnostics, now: Date): string
  entry: (...entry: Parameters<LogSink>) => string
}

/**
 * Writes the log of a home: `Logs/OctopusTentacle.txt`, in the form that operators and their tools know, see
 * {@link SharedFile}. A log that cannot be written must not stop what it tells about: failures are swallowed and the next
 * entry tries again.
 */
export function fileSink(options: LogFileOptions): LogSink {
  const { now, processId, mask } = options
  return sinkOf(options, {
    file: new SharedFile('OctopusTentacle', 'txt'),
    start: (facts, time) =>
      mask(
        diagnosticLines(facts)
          .map(text => formatLogLine(time, processId, 'info', text))
          .join(''),
      ),
    entry: (level, text) => mask(formatLogLine(now(), processId, level, text)),
  })
}

/**
 * The same log for programs: `Logs/OctopusTentacle.jsonl`, one JSON object a line (docs/wire/tentacle-settings.md 7).
 *
 * @param isWanted asked before each entry
 */
export function structuredSink(options: LogFileOptions, isWanted: () => boolean): LogSink {
  const { now, processId, mask } = options
  const sink = sinkOf(options, {
    file: new SharedFile('OctopusTentacle', 'jsonl'),
    start: (facts, time) => structuredStart(time, facts, mask),
    entry: (level, _, entry) => structuredEntry({ now: now(), processId, level, ...entry }, mask),
  })
  return (...entry) => {
    if (isWanted()) sink(...entry)
  }
}

function sinkOf(options: LogFileOptions, { file, start, entry }: Form): LogSink {
  let checked = ''
  let isStarted = false

  return (...parts) => {
    const now = options.now()
    const folder = options.folder()
    const append = (text: string): void => {
      if (SharedFile.isFull(file.append(folder, text))) checked = ''
    }
    try {
      const place = `${folder} ${localDate(now)}`
      if (checked !== place) {
        mkdirSync(folder, { recursive: true })
        file.rotateIfDue(folder, now)
        checked = place
      }
      if (!isStarted) {
        isStarted = true
        if (options.start !== undefined) append(start(options.start(), now))
      }
      append(entry(...parts))
    } catch {
      checked = ''
    }
  }
}
