import { setImmediate as letOthersGo } from 'node:timers/promises'
import type { SplitLines } from './line-splitter.ts'
import type { NewLines } from './log-entry.ts'
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
  /** Taken from the files, but not in the log yet: the disk was full, say. Goes in before anything else. */
  #taken: Taken | undefined

  constructor(options: OutputPumpOptions) {
    const { stdoutBytes, stderrBytes } = options.log.progress
    this.#options = options
    this.#stdout = new RawOutput(options.stdout, stdoutBytes)
    try {
      this.#stderr = new RawOutput(options.stderr, stderrBytes)
    } catch (error) {
      this.#stdout.close()
      throw error
    }
  }

  /**
   * Takes a piece of each file. Answers whether there was anything.
   *
   * @throws the system's error when the log cannot be written; nothing is lost then
   */
  run(): boolean {
    this.#store()
    const out = this.#stdout.read()
    const err = this.#stderr.read()
    this.#take(this.#stdout.take(out), this.#stderr.take(err))
    this.#store()
    return out.length > 0 || err.length > 0
  }

  /** Takes all that is left, also last lines that were not ended. */
  async drain(): Promise<void> {
    while (this.run()) await letOthersGo()
    this.#take(this.#stdout.finish(), this.#stderr.finish())
    this.#store()
  }

  close(): void {
    this.#stdout.close()
    this.#stderr.close()
  }

  #take(out: SplitLines, err: SplitLines): void {
    const { log, mask } = this.#options
    const { stdoutBytes, stderrBytes } = log.progress
    const isNothing = out.lines.length === 0 && err.lines.length === 0
    if (isNothing && out.doneBytes === stdoutBytes && err.doneBytes === stderrBytes) return
    const parts: readonly NewLines[] = [
      { source: 'StdOut', lines: out.lines.map(mask) },
      { source: 'StdErr', lines: err.lines.map(mask) },
    ]
    this.#taken = { parts, stdoutBytes: out.doneBytes, stderrBytes: err.doneBytes }
  }

  #store(): void {
    if (this.#taken === undefined) return
    const { parts, ...done } = this.#taken
    this.#options.log.appendLines(parts, done, this.#options.now())
    this.#taken = undefined
  }
}

interface Taken {
  readonly parts: readonly NewLines[]
  readonly stdoutBytes: number
  readonly stderrBytes: number
}
