import type { SplitLines } from './line-splitter.ts'
import type { NewEntry } from './log-entry.ts'
import type { OutputLog } from './output-log.ts'
import { RawOutput } from './raw-output.ts'
import type { TextMask } from './text-mask.ts'

export interface OutputPumpOptions {
  readonly log: OutputLog
  /** Paths of the raw files. */
  readonly stdout: string
  readonly stderr: string
  readonly mask: TextMask
  readonly now: () => Date
}

/**
 * Moves what a script prints from the raw files into its log. Both files are taken in turn, a piece each, so memory
 * does not grow with the output and no stream starves the other. Lines of one piece have the time at which they were
 * read; between the two streams the order is that of arrival.
 */
export class OutputPump {
  readonly #options: OutputPumpOptions
  readonly #stdout: RawOutput
  readonly #stderr: RawOutput
  #last: Promise<unknown> = Promise.resolve()
  /** Taken from the files, but not in the log yet: the disk was full, say. Goes in before anything else. */
  #taken: Taken | undefined

  private constructor(options: OutputPumpOptions, stdout: RawOutput, stderr: RawOutput) {
    this.#options = options
    this.#stdout = stdout
    this.#stderr = stderr
  }

  static async open(options: OutputPumpOptions): Promise<OutputPump> {
    const { stdoutBytes, stderrBytes } = options.log.progress
    const [stdout, stderr] = await Promise.allSettled([
      RawOutput.open(options.stdout, stdoutBytes),
      RawOutput.open(options.stderr, stderrBytes),
    ])
    if (stdout.status === 'fulfilled' && stderr.status === 'fulfilled') {
      return new OutputPump(options, stdout.value, stderr.value)
    }
    for (const one of [stdout, stderr]) if (one.status === 'fulfilled') await one.value.close()
    throw stdout.status === 'rejected'
      ? stdout.reason
      : stderr.status === 'rejected'
        ? stderr.reason
        : undefined
  }

  /** Takes a piece of each file. Answers whether there was anything; calls run one after another. */
  run(): Promise<boolean> {
    return this.#inTurn(async () => {
      await this.#store()
      const [out, err] = await Promise.all([this.#stdout.read(), this.#stderr.read()])
      this.#take(this.#stdout.take(out), this.#stderr.take(err))
      await this.#store()
      return out.length > 0 || err.length > 0
    })
  }

  /** Takes all that is left, also last lines that were not ended. */
  async drain(): Promise<void> {
    while (await this.run());
    await this.#inTurn(() => {
      this.#take(this.#stdout.finish(), this.#stderr.finish())
      return this.#store()
    })
  }

  async close(): Promise<void> {
    await this.#last
    await this.#stdout.close()
    await this.#stderr.close()
  }

  #take(out: SplitLines, err: SplitLines): void {
    const { log, mask } = this.#options
    const entries: NewEntry[] = []
    for (const line of out.lines) entries.push({ source: 'StdOut', text: mask(line) })
    for (const line of err.lines) entries.push({ source: 'StdErr', text: mask(line) })
    const { stdoutBytes, stderrBytes } = log.progress
    if (entries.length === 0 && out.doneBytes === stdoutBytes && err.doneBytes === stderrBytes) return
    this.#taken = { entries, stdoutBytes: out.doneBytes, stderrBytes: err.doneBytes }
  }

  async #store(): Promise<void> {
    if (this.#taken === undefined) return
    const { entries, ...done } = this.#taken
    await this.#options.log.append(entries, done, this.#options.now())
    this.#taken = undefined
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const one = this.#last.then(work)
    this.#last = one.catch(() => {})
    return one
  }
}

interface Taken {
  readonly entries: readonly NewEntry[]
  readonly stdoutBytes: number
  readonly stderrBytes: number
}
