import { TentacleError } from '../errors.ts'
import { createPosixProcessTable } from './process-table.posix.ts'

/** One process of the system, as far as ending scripts needs it. */
export interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  /** The process that began the session; every script has a session of its own. */
  readonly session: number
  /** When it started, in the system's unit since the boot. Together with the pid it names a process for good. */
  readonly startTime: string
  /** Ended already, and only waiting for its parent to notice. */
  readonly isDefunct: boolean
  readonly name: string
}

/** The processes of this system. */
export interface ProcessTable {
  /** Changes with every boot: a process of another boot cannot be alive. */
  readonly bootId: string
  find(pid: number): Promise<ProcessInfo | undefined>
  all(): Promise<readonly ProcessInfo[]>
  /** Sends a process the signal to end. `gone`: there was none. `refused`: it belongs to somebody else. */
  kill(pid: number, signal: 'SIGTERM' | 'SIGKILL'): 'sent' | 'gone' | 'refused'
}

/** @throws TentacleError `ERR_PLATFORM` on systems without `/proc`. */
export function openProcessTable(platform: NodeJS.Platform = process.platform): ProcessTable {
  if (platform === 'linux') return createPosixProcessTable()
  throw new TentacleError('ERR_PLATFORM', `Scripts can be run on Linux only, so far; this is ${platform}.`)
}
