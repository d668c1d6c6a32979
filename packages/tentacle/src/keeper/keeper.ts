import { rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { toError } from '../errors.ts'
import { keepScript, noteResult, type Tell } from './keep-script.ts'
import { type KeeperJob, type KeeperReport, parseJob } from './keeper-protocol.ts'
import { PipeMaker } from './pipes.posix.ts'
import { startWaitingShell, type WaitingShell } from './waiting-shell.posix.ts'

/** Starting a process holds up everything for some milliseconds: the script that was just let go comes first. */
const refillDelayMs = 5

export interface KeeperOptions {
  /** Jobs, one a line; see {@link KeeperJob}. */
  readonly jobs: Readable
  /** Where the agent is told; see {@link KeeperReport}. */
  readonly reports: Writable
  /** For the keeper's own files. Deleted at the end. */
  readonly folder: string
  /** How many shells wait for the next script. */
  readonly waitingShells: number
  /** What scripts get instead of the keeper's own; see {@link spareThisProcess}. Undefined: the same. */
  readonly scriptOomScore?: number | undefined
}

/**
 * Runs scripts for an agent, and outlives it while scripts run. It knows nothing of agents, logs or mutexes: it claims,
 * starts, copies output into files and notes results. Resolves when there will be no more jobs and all scripts are
 * over.
 */
export async function keepScripts(options: KeeperOptions): Promise<void> {
  const { jobs, reports, folder, waitingShells, scriptOomScore } = options
  const pipes = new PipeMaker(folder)
  const waiting: WaitingShell[] = []
  const busy = new Set<Promise<void>>()
  let isClosing = false
  reports.on('error', () => {}) // the agent is gone; the next one reads the files
  const tell: Tell = (report: KeeperReport) => {
    if (reports.writable) reports.write(`${JSON.stringify(report)}\n`)
  }

  const track = (work: Promise<void>) => {
    const one = work.finally(() => busy.delete(one))
    busy.add(one)
  }
  const fill = async () => {
    while (!isClosing && waiting.length < waitingShells)
      waiting.push(await startWaitingShell(pipes, scriptOomScore))
    if (isClosing) for (const shell of waiting.splice(0)) shell.dismiss()
  }
  let filling = Promise.resolve()
  const fillSoon = (delayMs: number) => {
    setTimeout(() => {
      // Without processes to spare, the next job will meet the error and report it.
      filling = filling.then(fill).catch(() => {})
    }, delayMs)
  }
  const nextShell = async (): Promise<WaitingShell> => {
    for (let shell = waiting.shift(); shell !== undefined; shell = waiting.shift()) {
      if (shell.isUsable) return shell
      shell.dismiss()
    }
    return startWaitingShell(pipes, scriptOomScore)
  }
  const take = async (job: KeeperJob) => {
    let shell: WaitingShell | undefined
    try {
      shell = await nextShell()
      const kept = keepScript(job, shell, tell)
      if (kept === undefined) waiting.unshift(shell)
      fillSoon(refillDelayMs)
      await kept
    } catch (error) {
      shell?.dismiss()
      await noteResult(job.runFolder, { t: 'failed', reason: toError(error).message }, tell)
    }
  }

  fillSoon(0)
  for await (const line of createInterface({ input: jobs })) {
    const job = parseJob(line)
    if (job !== undefined) track(take(job))
  }
  isClosing = true
  for (const shell of waiting.splice(0)) shell.dismiss()
  while (busy.size > 0) await Promise.allSettled(busy)
  await filling
  await rm(folder, { recursive: true, force: true })
}
