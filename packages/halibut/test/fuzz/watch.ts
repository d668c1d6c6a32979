import { once } from 'node:events'
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

/** The heap of the running thread. All inputs are small, so whatever needs more has grown out of hand. */
const heapMegabytes = 512

/** The whole process, buffers included, may grow by this much. */
const growthBytes = 1024 * 1024 * 1024

const watchEveryMs = 200

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
  const add = (report: FuzzReport) => {
    reports.push(report)
    onReport(report)
  }
  const fail = (problem: string) => {
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
    void worker.terminate()
  }
  const startBytes = process.memoryUsage.rss()
  const timer = setInterval(() => {
    const forMs = board.read()?.forMs ?? 0
    // The thread itself gives up first, unless it does not even get there.
    if (forMs > endlessMs + 5000) fail(`it keeps the thread busy for ${forMs} ms`)
    const grownBytes = process.memoryUsage.rss() - startBytes
    if (grownBytes > growthBytes) fail(`the process has grown by ${grownBytes >> 20} MiB`)
  }, watchEveryMs)
  worker.on('message', add)
  worker.on('error', error => fail(`it ended the thread: ${error.message}`))
  await once(worker, 'exit')
  clearInterval(timer)
  return reports
}
