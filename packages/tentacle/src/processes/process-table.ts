import { TentacleError } from '../errors.ts'
import { createPosixProcessTable } from './process-table.posix.ts'
import { createWindowsProcessTable } from './process-table.windows.ts'
import type { ScriptClaim } from './script-claim.ts'

/** One process of the system, as far as ending scripts needs it. */
export interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  /** The process that began the session; every script has a session of its own. 0 where there are none: on Windows. */
  readonly session: number
  /** When it started, in the system's unit since the boot. Together with the pid it names a process for good. */
  readonly startTime: string
  /** Ended already, and only waiting for its parent to notice. */
  readonly isDefunct: boolean
  readonly name: string
}

/** Processes that the system holds together, whoever their parents are and whether those live. */
export interface ProcessGroup {
  members(): readonly number[]
  /** Ends all of them at once, also those that are begun at this moment. */
  end(): void
  close(): void
}

/** The processes of this system. */
export interface ProcessTable {
  /** Changes with every boot: a process of another boot cannot be alive. */
  readonly bootId: string
  find(pid: number): Promise<ProcessInfo | undefined>
  all(): Promise<readonly ProcessInfo[]>
  /** Whether processes can be asked to end by themselves (SIGTERM). */
  readonly canAsk: boolean
  /** What holds a script's processes together beside their parents, if anything does. To be closed. */
  groupOf(claim: ScriptClaim): ProcessGroup | undefined
  /** Asks a process to end, lets a stopped one hear of that, or makes it end. `gone`: there was none. `refused`: it belongs to somebody else. */
  kill(pid: number, signal: 'SIGTERM' | 'SIGCONT' | 'SIGKILL'): 'sent' | 'gone' | 'refused'
}

/** @throws TentacleError `ERR_PLATFORM` on systems other than Linux and Windows. */
export function openProcessTable(platform: NodeJS.Platform = process.platform): ProcessTable {
  if (platform === 'linux') return createPosixProcessTable()
  if (platform === 'win32') return createWindowsProcessTable()
  throw new TentacleError(
    'ERR_PLATFORM',
    `Scripts can be run on Linux and Windows only; this is ${platform}.`,
  )
}
