import { setTimeout as delay } from 'node:timers/promises'
import type { ProcessInfo, ProcessTable } from './process-table.ts'
import type { ScriptClaim } from './script-claim.ts'

/** What became of the attempt to end a script. */
export interface EndReport {
  /** Whether any process was ended: false when the script had ended by itself before. */
  readonly hasKilled: boolean
  /** Processes that are still there. */
  readonly survivors: readonly ProcessInfo[]
}

/** How long the last output may take, and stubborn processes to die. */
const patienceMs = 5000

/**
 * Ends every process of a script at once, however deep: its session and all descendants, also those that began a
 * session of their own. Looks again until none is left, since new ones may be made meanwhile.
 *
 * @param isOver whether the script's end has been noted, with all of its output
 */
export async function endScript(
  table: ProcessTable,
  claim: ScriptClaim,
  isOver: () => Promise<boolean>,
): Promise<EndReport> {
  if (claim.bootId !== table.bootId) return { hasKilled: false, survivors: [] }
  let hasKilled = false
  for (let deadline = performance.now() + patienceMs, pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    if (await isOver()) return { hasKilled, survivors: [] }
    const victims = processesOf(claim, await table.all())
    if (performance.now() > deadline) return { hasKilled, survivors: victims }
    for (const { pid } of victims) hasKilled = table.kill(pid) === 'sent' || hasKilled
    await delay(pauseMs)
  }
}

/** The processes of a script in a snapshot: its session, and all descendants of those. */
export function processesOf({ script }: ScriptClaim, all: readonly ProcessInfo[]): readonly ProcessInfo[] {
  const leader = all.find(({ pid }) => pid === script.pid)
  // The number was given away: then nothing of the script's session is left.
  if (leader !== undefined && leader.startTime !== script.startTime) return []
  const family = new Set<number>([script.pid])
  for (const { pid, session } of all) if (session === script.pid) family.add(pid)
  for (let before = -1; before !== family.size; ) {
    before = family.size
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid)
  }
  return all.filter(({ pid, isDefunct }) => family.has(pid) && !isDefunct && pid !== process.pid)
}
