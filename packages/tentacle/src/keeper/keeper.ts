import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { toError } from '../errors.ts'
import { isNotToBeRun, keepScript, noteResult, type Tell } from './keep-script.ts'
import { type KeeperJob, type KeeperReport, parseJob } from './keeper-protocol.ts'
import type { HeldScript, ScriptStarter } from './script-starter.ts'

export interface KeeperOptions {
  /** Jobs, one a line; see {@link KeeperJob}. */
  readonly jobs: Readable
  /** Where the agent is told; see {@link KeeperReport}. */
  readonly reports: Writable
  readonly starter: ScriptStarter
}

/**
 * Runs scripts for an agent, and outlives it while scripts run. It knows nothing of agents, logs or mutexes: it claims,
 * starts, copies output into files and notes results. Resolves when there will be no more jobs and all scripts are
 * over.
 */
export async function keepScripts({ jobs, reports, starter }: KeeperOptions): Promise<void> {
  const busy = new Set<Promise<void>>()
  reports.on('error', () => {}) // the agent is gone; the next one reads the files
  const tell: Tell = (report: KeeperReport) => {
    if (reports.writable) reports.write(`${JSON.stringify(report)}\n`)
  }
  const track = (work: Promise<void>) => {
    const one = work.finally(() => busy.delete(one))
    busy.add(one)
  }
  for await (const line of createInterface({ input: jobs })) {
    const job = parseJob(line)
    if (job !== undefined) track(keepOne(job, starter, tell))
  }
  await starter.close()
  while (busy.size > 0) await Promise.allSettled(busy)
}

async function keepOne(job: KeeperJob, starter: ScriptStarter, tell: Tell): Promise<void> {
  let script: HeldScript | undefined
  try {
    script = await starter.hold(job)
    const kept = keepScript(job, starter, script, tell)
    if (kept === undefined) script.release()
    starter.prepare()
    await kept
  } catch (error) {
    script?.dismiss()
    if (script === undefined && isNotToBeRun(error)) return
    await noteResult(job, { t: 'failed', reason: toError(error).message }, tell)
  }
}
