import { type FileHandle, open, stat } from 'node:fs/promises'
import { byteOrderMark, formatEntries, type NewEntry } from './log-entry.ts'
import { type LogProgress, noProgress, ProgressFile } from './log-progress.ts'
import { type LogPage, LogReader } from './log-reader.ts'

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
  #files: { readonly log: FileHandle; readonly progress: ProgressFile } | undefined
  #last: Promise<unknown> = Promise.resolve()
  #space = Buffer.alloc(0)

  private constructor(paths: OutputLogPaths, progress: LogProgress) {
    this.#paths = paths
    this.#progress = progress
    this.#reader = new LogReader(paths.log)
  }

  /** Makes an empty log and leaves it open for appending. */
  static async create(paths: OutputLogPaths): Promise<OutputLog> {
    const log = new OutputLog(paths, { ...noProgress, logBytes: byteOrderMark.length })
    const [file, progress] = await Promise.all([
      open(paths.log, 'wx+', 0o600),
      ProgressFile.create(paths.progress),
    ])
    await file.write(byteOrderMark)
    log.#files = { log: file, progress }
    return log
  }

  /**
   * Opens a log that an earlier agent began, for appending. What was not committed is cut off.
   *
   * A log without progress is one of the original; all of it counts.
   */
  static async resume(paths: OutputLogPaths): Promise<OutputLog> {
    const { file: progressFile, progress } = await ProgressFile.open(paths.progress)
    const file = await open(paths.log, 'r+').catch(() => open(paths.log, 'wx+', 0o600))
    const { size } = await file.stat()
    const counted = progress ?? { ...noProgress, logBytes: size }
    // After a power cut the progress may be ahead of the log.
    const log = new OutputLog(paths, { ...counted, logBytes: Math.min(counted.logBytes, size) })
    if (size > counted.logBytes) await file.truncate(counted.logBytes)
    log.#files = { log: file, progress: progressFile }
    if (log.#progress.logBytes < byteOrderMark.length) {
      await file.write(byteOrderMark, 0, byteOrderMark.length, 0)
      log.#progress = { ...log.#progress, logBytes: byteOrderMark.length }
    }
    return log
  }

  /** Opens the log of a script that has ended, for reading. */
  static async openEnded(paths: OutputLogPaths, progress: LogProgress | undefined): Promise<OutputLog> {
    const size = await stat(paths.log).then(
      ({ size }) => size,
      () => 0,
    )
    const counted = progress ?? { ...noProgress, logBytes: size }
    return new OutputLog(paths, { ...counted, logBytes: Math.min(counted.logBytes, size) })
  }

  get progress(): LogProgress {
    return this.#progress
  }

  /** Appends entries and commits them with what they stand for, in one step; after the appends before. */
  append(entries: readonly NewEntry[], change: ProgressChange = {}, occurred = new Date()): Promise<void> {
    const one = this.#last.then(() => this.#commit(entries, change, occurred))
    this.#last = one.catch(() => {}) // whoever appends is told; the next append is not concerned
    return one
  }

  async #commit(entries: readonly NewEntry[], change: ProgressChange, occurred: Date): Promise<void> {
    if (this.#files === undefined) throw new Error(`The log ${this.#paths.log} is closed.`)
    const bytes = this.#encode(formatEntries(entries, occurred))
    await writeAll(this.#files.log, bytes, this.#progress.logBytes)
    const next = {
      ...this.#progress,
      ...change,
      logBytes: this.#progress.logBytes + bytes.length,
      entries: this.#progress.entries + entries.length,
    }
    await this.#files.progress.commit(next)
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
   * Reads committed entries after the first `after`, up to `maxCharacters` of text but at least one, if there is one.
   */
  read(after: number, maxCharacters: number): Promise<LogPage> {
    return this.#reader.read(after, this.#progress.logBytes, maxCharacters, this.#files?.log)
  }

  /** Ends appending and closes the files. Reading goes on. */
  async close(): Promise<void> {
    await this.#last
    const files = this.#files
    this.#files = undefined
    this.#space = Buffer.alloc(0)
    await this.#reader.settled()
    await files?.log.close()
    await files?.progress.close()
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten
  }
}
