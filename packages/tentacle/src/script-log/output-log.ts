import { closeSync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs'
import { byteOrderMark, formatEntries, formatLines, type NewEntry, type NewLines } from './log-entry.ts'
import { type LogProgress, noProgress, openOrCreate, ProgressFile } from './log-progress.ts'
import { type LogPage, LogReader } from './log-reader.ts'
import type { PageLimits } from './log-walk.ts'

/** What is committed together with entries. */
export type ProgressChange = Partial<Pick<LogProgress, 'stdoutBytes' | 'stderrBytes' | 'stage' | 'exitCode'>>

export interface OutputLogPaths {
  readonly log: string
  /** Where the progress is kept; see {@link ProgressFile}. */
  readonly progress: string
}

const maxSpaceBytes = 2 * 1024 * 1024

/**
 * The log of one script: `Output.log`, and beside it how much of that counts. Entries are appended first and committed
 * second. An agent that is killed in between finds the old commit, cuts the log there and reads the raw output again
 * from the same place, so every line gets its entry exactly once. Only committed entries are ever read.
 */
export class OutputLog {
  readonly #paths: OutputLogPaths
  readonly #reader: LogReader
  #progress: LogProgress
  #files: { readonly log: number; readonly progress: ProgressFile } | undefined
  #space = Buffer.alloc(0)

  private constructor(paths: OutputLogPaths, progress: LogProgress) {
    this.#paths = paths
    this.#progress = progress
    this.#reader = new LogReader(paths.log)
  }

  /** Makes an empty log and leaves it open for appending. */
  static create(paths: OutputLogPaths): OutputLog {
    const log = new OutputLog(paths, { ...noProgress, logBytes: byteOrderMark.length })
    const file = openSync(paths.log, 'wx+', 0o600)
    writeSync(file, byteOrderMark)
    log.#files = { log: file, progress: ProgressFile.create(paths.progress) }
    return log
  }

  /**
   * Opens a log that an earlier agent began, for appending. What was not committed is cut off.
   *
   * A log without progress is one of the original; all of it counts.
   */
  static resume(paths: OutputLogPaths): OutputLog {
    const { file: progressFile, progress } = ProgressFile.open(paths.progress)
    const file = openOrCreate(paths.log)
    const { size } = fstatSync(file)
    const counted = progress ?? { ...noProgress, logBytes: size }
    // After a power cut the progress may be ahead of the log.
    const log = new OutputLog(paths, { ...counted, logBytes: Math.min(counted.logBytes, size) })
    if (size > counted.logBytes) ftruncateSync(file, counted.logBytes)
    log.#files = { log: file, progress: progressFile }
    if (log.#progress.logBytes < byteOrderMark.length) {
      writeSync(file, byteOrderMark, 0, byteOrderMark.length, 0)
      log.#progress = { ...log.#progress, logBytes: byteOrderMark.length }
    }
    return log
  }

  /** Opens the log of a script that has ended, for reading. */
  static openEnded(paths: OutputLogPaths): OutputLog {
    const size = statSync(paths.log, { throwIfNoEntry: false })?.size ?? 0
    const counted = ProgressFile.peek(paths.progress) ?? { ...noProgress, logBytes: size }
    return new OutputLog(paths, { ...counted, logBytes: Math.min(counted.logBytes, size) })
  }

  get progress(): LogProgress {
    return this.#progress
  }

  /**
   * Appends entries and commits them with what they stand for, in one step. Done at once: writing some bytes into the
   * system's cache takes some 10 µs, handing them to another thread ten times as long.
   *
   * @throws the system's error when they cannot be written; then nothing has changed
   */
  append(entries: readonly NewEntry[], change: ProgressChange = {}, occurred = new Date()): void {
    this.#commit(formatEntries(entries, occurred), entries.length, change)
  }

  /** The same for what a script printed. */
  appendLines(parts: readonly NewLines[], change: ProgressChange, occurred: Date): void {
    const text = parts.map(part => formatLines(part, occurred)).join('')
    const count = parts.reduce((sum, { lines }) => sum + lines.length, 0)
    this.#commit(text, count, change)
  }

  #commit(text: string, count: number, change: ProgressChange): void {
    if (this.#files === undefined) throw new Error(`The log ${this.#paths.log} is closed.`)
    const bytes = this.#encode(text)
    writeAll(this.#files.log, bytes, this.#progress.logBytes)
    const next = {
      ...this.#progress,
      ...change,
      logBytes: this.#progress.logBytes + bytes.length,
      entries: this.#progress.entries + count,
    }
    this.#files.progress.commit(next)
    this.#progress = next
    this.#reader.mark(next.entries, next.logBytes)
  }

  /** Into memory that is used again: a chatty script would leave hundreds of megabytes to the collector. */
  #encode(text: string): Buffer {
    const size = Buffer.byteLength(text)
    if (size > maxSpaceBytes) return Buffer.from(text, 'utf8')
    if (this.#space.length < size) this.#space = Buffer.allocUnsafe(Math.max(size, 2 * this.#space.length))
    this.#space.write(text, 'utf8')
    return this.#space.subarray(0, size)
  }

  /**
   * Reads committed entries after the first `after`: as many as a page may have, but at least one, if there is one.
   */
  read(after: number, limits: PageLimits): Promise<LogPage> {
    return this.#reader.read(after, this.#progress.logBytes, limits)
  }

  /** Ends appending and closes the files. Reading goes on. */
  close(): void {
    const files = this.#files
    this.#files = undefined
    this.#space = Buffer.alloc(0)
    if (files === undefined) return
    closeSync(files.log)
    files.progress.close()
  }
}

function writeAll(file: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(file, bytes, at, bytes.length - at, position + at)
  }
}
