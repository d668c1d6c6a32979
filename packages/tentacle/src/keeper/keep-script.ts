import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemCode } from '../errors.ts'
import { formatClaim } from '../processes/script-claim.ts'
import {
  formatResult,
  type KeeperJob,
  type KeeperReport,
  runFiles,
  type ScriptResult,
} from './keeper-protocol.ts'
import { copyToFile } from './raw-file.ts'
import type { HeldScript, ScriptStarter } from './script-starter.ts'

/** Pause before a full disk is tried again. */
const retryMs = 500

/** Tells the agent, if it is still there. */
export type Tell = (report: KeeperReport) => void

/**
 * Claims a script and lets it begin.
 *
 * @returns undefined when the script is not to be run: somebody else has claimed it, or its folder is gone. Else a
 *   promise for the end of it and of all its output, which is noted by then.
 */
export function keepScript(
  job: KeeperJob,
  { bootId, identity: keeper }: Pick<ScriptStarter, 'bootId' | 'identity'>,
  script: HeldScript,
  tell: Tell,
): Promise<void> | undefined {
  const at = (name: string) => join(job.runFolder, name)
  const claim = formatClaim({ bootId, keeper, script: script.identity })
  try {
    writeFileSync(at(runFiles.claim), claim, { flag: 'wx', mode: 0o600 })
    tell({ id: job.id, claim })
  } catch (error) {
    if (isNotToBeRun(error)) return undefined
    throw error
  }
  const copied = Promise.all([
    copyToFile(script.stdout, at(runFiles.stdout)),
    copyToFile(script.stderr, at(runFiles.stderr)),
  ])
  script.go()
  return Promise.all([script.ended, copied]).then(([exitCode]) =>
    noteResult(job, { t: 'exited', exitCode }, tell, claim),
  )
}

/** Somebody else has claimed the script, or its folder is gone. */
export function isNotToBeRun(error: unknown): boolean {
  return systemCode(error) === 'EEXIST' || systemCode(error) === 'ENOENT'
}

/**
 * Notes a result in one step: whoever reads it reads all of it. While the disk is full the agent is told and the file is
 * tried again, for an agent that comes later.
 *
 * @param claim where the script was claimed: the folder of another claim belongs to another script
 */
export async function noteResult(
  { id, runFolder }: KeeperJob,
  result: ScriptResult,
  tell: Tell,
  claim?: string,
): Promise<void> {
  const path = join(runFolder, runFiles.result)
  for (let isTold = false; ; isTold = true) {
    let isFull = false
    try {
      if (claim === undefined || readFileSync(join(runFolder, runFiles.claim), 'latin1') === claim) {
        writeFileSync(`${path}.new`, formatResult(result), { mode: 0o600 })
        renameSync(`${path}.new`, path)
      }
    } catch (error) {
      // Else the script or the agent has deleted the folder.
      isFull = systemCode(error) === 'ENOSPC' || systemCode(error) === 'EDQUOT'
    }
    if (!isTold) tell({ id, result })
    if (!isFull) return
    await delay(retryMs)
  }
}
