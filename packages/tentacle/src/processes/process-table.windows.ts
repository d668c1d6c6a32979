import { openJobObject } from '../windows/job-object.ts'
import { bootNumber, factsOfProcess } from '../windows/process-handle.ts'
import { listProcesses } from '../windows/process-snapshot.ts'
import { killProcess } from './kill-process.ts'
import type { ProcessInfo, ProcessTable } from './process-table.ts'
import { jobObjectName, type ProcessIdentity, type ScriptClaim } from './script-claim.ts'

/** What processes of a cancelled script end with. */
const cancelledExitCode = 1

export function windowsBootId(): string {
  return `windows-${bootNumber()}`
}

/** Names a process for good; the start time is 0 for one that is gone, or may not be looked at. */
export function windowsIdentityOf(pid: number): ProcessIdentity {
  return { pid, startTime: String(factsOfProcess(pid)?.startTime ?? 0) }
}

export function createWindowsProcessTable(): ProcessTable {
  const all = async () => withTrueParents(listProcesses().map(infoOf))
  return {
    bootId: windowsBootId(),
    canAsk: false,
    all,
    find: async pid => {
      const facts = factsOfProcess(pid)
      if (facts === undefined) return undefined
      const { startTime, hasEnded } = facts
      return { pid, parent: 0, session: 0, startTime: String(startTime), isDefunct: hasEnded, name: '' }
    },
    groupOf: (claim: ScriptClaim) => {
      const job = openJobObject(jobObjectName(claim))
      return (
        job && { members: () => job.members(), end: () => job.terminate(cancelledExitCode), close: job.close }
      )
    },
    kill: killProcess,
  }
}

function infoOf({ id, parentId, program }: ReturnType<typeof listProcesses>[number]): ProcessInfo {
  const facts = factsOfProcess(id)
  const startTime = String(facts?.startTime ?? 0)
  return {
    pid: id,
    parent: parentId,
    session: 0,
    startTime,
    isDefunct: facts?.hasEnded ?? false,
    name: program,
  }
}

/** Windows tells the number of the parent for ever, also when it has become the number of a younger process. */
function withTrueParents(all: readonly ProcessInfo[]): readonly ProcessInfo[] {
  const started = new Map(all.map(({ pid, startTime }) => [pid, BigInt(startTime)]))
  return all.map(info => {
    const parentStarted = started.get(info.parent)
    const isTrue = parentStarted === undefined || parentStarted <= BigInt(info.startTime)
    return isTrue ? info : { ...info, parent: 0 }
  })
}
