import { setTimeout as delay } from 'node:timers/promises'
import type { ProcessGroup, ProcessInfo, ProcessTable } from './process-table.ts'
import type { ScriptClaim } from './script-claim.ts'

/** What became of the attempt to end a script. */
export interface EndReport {
  /** Whether any process was signalled: false when the script had ended by itself before. */
  readonly hasKilled: boolean
  /** Whether none of its processes is left: false only when the attempt was called off. */
  readonly isGone: boolean
}

export interface EndOptions {
  /** How long processes have to end by themselves after SIGTERM, in milliseconds; 0: SIGKILL at once. */
  readonly graceMs: number
  /** Whether the script's end has been noted, with all of its output. */
  readonly isOver: () => Promise<boolean>
  /** Called once with the processes that SIGKILL did not end in time. They are waited for, and tried again. */
  readonly onSurvivors: (survivors: readonly ProcessInfo[]) => void
  /** Calls the attempt off: the agent stops. */
  readonly signal: AbortSignal
}

/** How long the last output may take, and stubborn processes to die, before they are named. */
const patienceMs = 5000

/** How often is looked for what is left: soon at first, because most processes end at once. */
const firstPauseMs = 2
const longestPauseMs = 100

/**
 * Ends every process of a script, however deep: its session and all descendants, also those that began a process group
 * or a session of their own. They are asked first (SIGTERM) and made to end second (SIGKILL). Returns when none is left,
 * however long that takes: whoever waits for the script's mutex must not meet them.
 */
export async function endScript(
  table: ProcessTable,
  claim: ScriptClaim,
  { graceMs, isOver, onSurvivors, signal }: EndOptions,
): Promise<EndReport> {
  if (claim.bootId !== table.bootId || (await isOver())) return { hasKilled: false, isGone: true }
  const group = table.groupOf(claim)
  try {
    const report = await endProcesses(table, claim, group, { graceMs, onSurvivors, signal })
    if (report.isGone) await awaitLastOutput(isOver, signal)
    return report
  } finally {
    group?.close()
  }
}

async function endProcesses(
  table: ProcessTable,
  claim: ScriptClaim,
  group: ProcessGroup | undefined,
  { graceMs, onSurvivors, signal }: Omit<EndOptions, 'isOver'>,
): Promise<EndReport> {
  const known = new Map<number, string>()
  const asked = new Set<number>()
  const graceEnd = performance.now() + (table.canAsk ? graceMs : 0)
  let hasKilled = false
  let hasNamed = false
  let wasEmpty = false
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    if (signal.aborted) return { hasKilled, isGone: false }
    const left = processesOf(claim, await table.all(), known, group?.members())
    if (left.length === 0) {
      // What was begun while the list was made is not on it, and its parent may have ended before its turn came.
      if (wasEmpty) return { hasKilled, isGone: true }
      wasEmpty = true
      await delay(firstPauseMs)
      continue
    }
    wasEmpty = false
    for (const { pid, startTime } of left) known.set(pid, startTime)
    const now = performance.now()
    if (now < graceEnd) {
      for (const { pid } of left) {
        if (asked.has(pid)) continue
        hasKilled = table.kill(pid, 'SIGTERM') === 'sent' || hasKilled
        table.kill(pid, 'SIGCONT') // one that was stopped cannot do anything about it
        asked.add(pid)
      }
    } else {
      hasKilled = endAll(table, left, group) || hasKilled
      if (!hasNamed && now > graceEnd + patienceMs) onSurvivors(left)
      hasNamed ||= now > graceEnd + patienceMs
    }
    await delay(pauseMs)
  }
}

/** @returns whether any was ended */
function endAll(table: ProcessTable, left: readonly ProcessInfo[], group: ProcessGroup | undefined): boolean {
  const isOwn = group?.members().includes(process.pid) === true // a script has started this agent
  if (group !== undefined && !isOwn) group.end()
  const sent = left.filter(({ pid }) => table.kill(pid, 'SIGKILL') === 'sent')
  return sent.length > 0 || (group !== undefined && !isOwn)
}

/** What they printed last is on its way; processes that have left the family may hold the output for good. */
async function awaitLastOutput(isOver: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  for (
    const deadline = performance.now() + patienceMs;
    performance.now() < deadline;
    await delay(firstPauseMs)
  ) {
    if (signal.aborted || (await isOver())) return
  }
}

/**
 * The processes of a script in a snapshot, parents before children: its session, all descendants, and the sessions of
 * those.
 *
 * @param known members seen before, by pid with start time: their parents may be gone, and with them the only
 *   trace that they belong here
 * @param held members that the system holds together for the script
 */
export function processesOf(
  { script }: ScriptClaim,
  all: readonly ProcessInfo[],
  known: ReadonlyMap<number, string> = new Map(),
  held: readonly number[] = [],
): readonly ProcessInfo[] {
  const byPid = new Map(all.map(info => [info.pid, info]))
  const family = new Set<number>()
  for (const [pid, startTime] of [[script.pid, script.startTime] as const, ...known]) {
    const now = byPid.get(pid)
    // The number of one that has ended stands for its session; one that was given away stands for nothing.
    if (now === undefined || now.startTime === startTime) family.add(pid)
  }
  for (const pid of held) if (pid !== process.pid) family.add(pid)
  for (let before = -1; before !== family.size; ) {
    before = family.size
    for (const { pid, parent, session } of all) {
      // A script may have started this agent anew; that and what it runs is not the script's.
      if (pid !== process.pid && (family.has(parent) || family.has(session))) family.add(pid)
    }
  }
  const members = [...family].map(pid => byPid.get(pid)).filter(info => info !== undefined)
  return members.filter(({ isDefunct }) => !isDefunct)
}
