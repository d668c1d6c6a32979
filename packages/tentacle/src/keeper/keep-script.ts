import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemCode } from '../errors.ts'
import { parseStat } from '../processes/process-table.posix.ts'
import { formatClaim, type ProcessIdentity } from '../processes/script-claim.ts'
import {
  formatResult,
  type KeeperJob,
  type KeeperReport,
  runFiles,
  type ScriptResult,
} from './keeper-protocol.ts'
import { copyToFile } from './raw-file.ts'
import { jobText, type WaitingShell } from './waiting-shell.posix.ts'

/** Also in the run folder, and of no interest afterwards. */
const jobFile = 'job'

/** Pause before a full disk is tried again. */
const retryMs = 500

/** Tells the agent, if it is still there. */
export type Tell = (report: KeeperReport) => void

/**
 * Claims a script and lets a waiting shell become it.
 *
 * @returns undefined when the script is not to be run: somebody else has claimed it, or its folder is gone. Else a
 *   promise for the end of it and of all its output, which is noted by then.
 */
export function keepScript(job: KeeperJob, shell: WaitingShell, tell: Tell): Promise<void> | undefined {
  const { runFolder } = job
  const at = (name: string) => join(runFolder, name)
  try {
    writeFileSync(at(jobFile), jobText(job.workspace, job.argv), { mode: 0o600 })
    const keeper = identityOf(process.pid)
    const claim = formatClaim({ bootId: bootId(), keeper, script: identityOf(shell.pid) })
    writeFileSync(at(runFiles.claim), claim, { flag: 'wx', mode: 0o600 })
    tell({ runFolder, claim })
  } catch (error) {
    if (systemCode(error) === 'EEXIST' || systemCode(error) === 'ENOENT') return undefined
    throw error
  }
  const copied = Promise.all([
    copyToFile(shell.stdout, at(runFiles.stdout)),
    copyToFile(shell.stderr, at(runFiles.stderr)),
  ])
  shell.go(at(jobFile))
  return Promise.all([shell.ended, copied]).then(([exitCode]) =>
    noteResult(runFolder, { t: 'exited', exitCode }, tell),
  )
}

/**
 * Notes a result in one step: whoever reads it reads all of it. While the disk is full the agent is told and the file is
 * tried again, for an agent that comes later.
 */
export async function noteResult(runFolder: string, result: ScriptResult, tell: Tell): Promise<void> {
  const path = join(runFolder, runFiles.result)
  for (let isTold = false; ; isTold = true) {
    try {
      writeFileSync(`${path}.new`, formatResult(result), { mode: 0o600 })
      renameSync(`${path}.new`, path)
      if (!isTold) tell({ runFolder, result })
      return
    } catch (error) {
      if (!isTold) tell({ runFolder, result })
      // Else the script or the agent has deleted the folder.
      if (systemCode(error) !== 'ENOSPC' && systemCode(error) !== 'EDQUOT') return
      await delay(retryMs)
    }
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
}

function identityOf(pid: number): ProcessIdentity {
  const info = parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  return { pid, startTime: info?.startTime ?? '0' }
}
