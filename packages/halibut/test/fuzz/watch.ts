import { Worker } from 'node:worker_threads'
import { endlessMs, type FuzzReport } from './engine.ts'
import { InputBoard } from './input-board.ts'

/** What a thread is told to run. */
export interface WorkerTask {
  readonly targets: readonly string[]
  readonly seed: number
  /** Whether each target ends after the few inputs of a test run, or goes on for its time. */
  readonly isTest: boolean
  /** Time for each target, at most. */
  readonly milliseconds: number
  readonly isGuided: boolean
  /** Only this input is tried. */
  readonly input?: Uint8Array
  readonly board: SharedArrayBuffer
}

/** The whole process, heap and buffers, may grow by this much. All inputs are small: what needs more is out of hand. */
const growthBytes = 1024 * 1024 * 1024

/** Reaching the limit of the heap would end the process and take the input with it, so it is far away. */
const heapMegabytes = 4096

const watchEveryMs = 100

/**
 * Runs targets in a thread of their own and watches it from outside: a reader that loops for ever, eats memory or
 * ends its thread is found out and named, with its input.
 */
export async function watchFuzz(
  task: Omit<WorkerTask, 'board'>,
  onReport: (report: FuzzReport) => void,
): Promise<readonly FuzzReport[]> {
  const memory = InputBoard.create()
  const board = new InputBoard(memory)
  const reports: FuzzReport[] = []
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { ...task, board: memory } satisfies WorkerTask,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  })
  const over = Promise.withResolvers<void>()
  const add = (report: FuzzReport) => {
    reports.push(report)
    onReport(report)
  }
  let hasFailed = false
  const fail = (problem: string) => {
    if (hasFailed) return
    hasFailed = true
    const shown = board.read()
    add({
      target: shown?.target ?? task.targets[reports.length] ?? 'unknown',
      inputs: 0,
      accepted: 0,
      refused: 0,
      corpus: 0,
      coveredCharacters: 0,
      slowestMs: shown?.forMs ?? 0,
      failure: { input: shown?.input ?? new Uint8Array(0), problem },
    })
    // A thread that is busy with its memory may take long to end. Nobody waits for it.
    void worker.terminate()
    worker.unref()
    over.resolve()
  }
  const startBytes = process.memoryUsage.rss()
  const timer = setInterval(() => {
    const forMs = board.read()?.forMs ?? 0
    // The thread itself gives up first, unless it does not even get there.
    if (forMs > endlessMs + 5000) fail(`it keeps the thread busy for ${forMs} ms`)
    const grownBytes = process.memoryUsage.rss() - startBytes
    if (grownBytes > growthBytes) fail(`the process has grown by ${Math.round(grownBytes / 2 ** 20)} MiB`)
  }, watchEveryMs)
  worker.on('message', add)
  worker.on('error', error => fail(`it ended the thread: ${error.message}`))
  worker.on('exit', () => over.resolve())
  await over.promise
  clearInterval(timer)
  return reports
}
