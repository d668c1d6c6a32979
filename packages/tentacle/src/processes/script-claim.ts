import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { runFiles, voidClaim } from '../keeper/keeper-protocol.ts'
import type { ProcessTable } from './process-table.ts'

/** Names one process for good: a pid alone may have been given to another one. */
export interface ProcessIdentity {
  readonly pid: number
  /** In the system's unit since the boot. */
  readonly startTime: string
}

/**
 * The processes of a running script. Written by its keeper before the script starts, so that an agent that is started
 * later finds them again.
 */
export interface ScriptClaim {
  /** A process of another boot cannot be alive. */
  readonly bootId: string
  readonly keeper: ProcessIdentity
  /** The script itself, and the first process of its session. */
  readonly script: ProcessIdentity
}

/**
 * The job object that all processes of a script belong to on Windows. Any session may open it: the agent that ends a
 * script need not be the service that has started it.
 */
export function jobObjectName({ bootId, script }: Pick<ScriptClaim, 'bootId' | 'script'>): string {
  return `Global\\Tentacle-${bootId}-${script.pid}-${script.startTime}`
}

export function formatClaim({ bootId, keeper, script }: ScriptClaim): string {
  return `${[bootId, keeper.pid, keeper.startTime, script.pid, script.startTime].join(' ')}\n`
}

/** Reads the text of a claim; undefined when it is incomplete or no keeper wrote it. */
export function parseClaim(text: string): ScriptClaim | undefined {
  const match = /^(\S+) (\d+) (\d+) (\d+) (\d+)\n$/.exec(text)
  if (match === null) return undefined
  const [, bootId = '', keeper = '', keeperStart = '', script = '', scriptStart = ''] = match
  return {
    bootId,
    keeper: { pid: Number(keeper), startTime: keeperStart },
    script: { pid: Number(script), startTime: scriptStart },
  }
}

/** What the claim file says: nobody has claimed the script, nobody may, somebody has but died over it, somebody has. */
export type ClaimState = 'none' | 'void' | 'damaged' | ScriptClaim

/**
 * Reads a claim file. Its maker creates it and writes the one line a moment later, so an incomplete one is looked at
 * again for up to `patienceMs`.
 */
export async function readClaim(runFolder: string, patienceMs = 1000): Promise<ClaimState> {
  const path = join(runFolder, runFiles.claim)
  for (const deadline = performance.now() + patienceMs; ; await delay(5)) {
    const text = await readFile(path, 'latin1').catch(() => undefined)
    if (text === undefined) return 'none'
    const claim = parseClaim(text)
    if (claim !== undefined) return claim
    if (text === voidClaim) return 'void'
    if (text.endsWith('\n') || performance.now() > deadline) return 'damaged'
  }
}

/** Whether a process of a claim lives. */
export async function isAlive(
  table: ProcessTable,
  bootId: string,
  { pid, startTime }: ProcessIdentity,
): Promise<boolean> {
  if (bootId !== table.bootId) return false
  const info = await table.find(pid)
  return info !== undefined && info.startTime === startTime && !info.isDefunct
}
