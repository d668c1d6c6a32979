import { readdirSync, readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { Coverage } from './coverage.ts'
import { collectStrayErrors, fuzz } from './engine.ts'
import { InputBoard } from './input-board.ts'
import { findTarget } from './targets.ts'
import type { WorkerTask } from './watch.ts'

/** Runs the targets that the watching thread names, one after the other, and tells how each went. */
const task: WorkerTask = workerData
const board = new InputBoard(task.board)
collectStrayErrors()
const coverage = task.isGuided ? new Coverage() : undefined
coverage?.start()

for (const name of task.targets) {
  const target = findTarget(name)
  const report = await fuzz(target, {
    seed: task.seed,
    files: task.input ? [task.input] : filesOf(name),
    maximumInputs: task.input ? 0 : task.isTest ? target.testInputs : Number.MAX_SAFE_INTEGER,
    deadline: Date.now() + task.milliseconds,
    coverage,
    onInput: input => board.show(name, input),
  })
  parentPort?.postMessage(report)
  if (report.failure) break
}
coverage?.stop()

function filesOf(name: string): Uint8Array[] {
  const folder = new URL(`../fixtures/fuzz/${name}/`, import.meta.url)
  try {
    return readdirSync(folder)
      .sort()
      .map(file => readFileSync(new URL(file, folder)))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
