import { scriptExitCodes } from '@tentacle/contracts'
import type { NewEntry } from '../script-log/log-entry.ts'
import type { StartCommand } from '../workspaces/start-command.ts'
import type { Blocker } from './isolation-locks.ts'
import { cancelledEntries, timedOutEntries } from './isolation-messages.ts'

/** How a script ended, with the last lines of its log. The sentences are ours. */
export interface ScriptResult {
  readonly exitCode: number
  /** False when nobody knows how it ended. */
  readonly isKnown: boolean
  readonly entries: readonly NewEntry[]
}

/** A line of the agent itself. */
export function debug(text: string): NewEntry {
  return { source: 'Debug', text }
}

/** Its shell could not be started. */
export function neverStarted(reason: string): ScriptResult {
  const entries: readonly NewEntry[] = [
    { source: 'StdErr', text: `The script could not be started: ${reason}` },
  ]
  return { exitCode: scriptExitCodes.shellNotStarted, isKnown: true, entries }
}

/** It was cancelled before its turn came. */
export function cancelledBefore(command: StartCommand, blockers: readonly Blocker[]): ScriptResult {
  const entries = cancelledEntries(command, blockers)
  return { exitCode: scriptExitCodes.cancelledWhileWaiting, isKnown: true, entries }
}

/** It did not have its turn in time. */
export function timedOut(
  command: StartCommand,
  blockers: readonly Blocker[],
  waitedMs: number,
): ScriptResult {
  const entries = timedOutEntries(command, blockers, waitedMs)
  return { exitCode: scriptExitCodes.mutexTimedOut, isKnown: true, entries }
}

/**
 * Its shell was started, but has not come up: something on the machine holds it.
 *
 * @param name of the shell
 */
export function neverCameUp(name: string, waitedMs: number): ScriptResult {
  const time = waitedMs < 60_000 ? `${Math.round(waitedMs / 1000)} s` : `${Math.round(waitedMs / 60_000)} min`
  const text = `${name} was started, but has not begun to run the script within ${time}. The script was given up, and will not run any more. Look whether a virus scanner or another guard of this machine holds new processes.`
  const exitCode = scriptExitCodes.powerShellNeverStarted
  return { exitCode, isKnown: true, entries: [{ source: 'StdErr', text }] }
}

/**
 * It was run.
 *
 * @param exitCode -46 when its processes are gone and nobody knows how they ended
 * @param where the shell and its folder
 */
export function ended(exitCode: number, where: string, wasCancelled: boolean): ScriptResult {
  const isKnown = exitCode !== scriptExitCodes.unknownResult
  const entries = [
    debug(
      isKnown ? `${where} ended with exit code ${exitCode}` : `${where} is gone; how it ended is not known`,
    ),
  ]
  if (wasCancelled) entries.unshift(debug('The script was cancelled: all of its processes were ended'))
  return { exitCode, isKnown, entries }
}
