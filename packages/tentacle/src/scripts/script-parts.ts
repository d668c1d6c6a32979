import type { Log } from '../logging/log.ts'
import type { KeeperClient } from '../processes/keeper-client.ts'
import type { ProcessTable } from '../processes/process-table.ts'
import type { PageLimits } from '../script-log/log-walk.ts'
import type { TextMask } from '../script-log/text-mask.ts'
import type { ScriptShells } from '../shells/script-shells.ts'
import type { DiskFlush } from '../workspaces/disk-flush.ts'
import type { Bell } from './bell.ts'
import type { IsolationLocks } from './isolation-locks.ts'

/** Tells the time. */
export interface Clock {
  now(): Date
}

/** What all scripts of an agent share. */
export interface ScriptParts {
  readonly locks: IsolationLocks
  readonly table: ProcessTable
  readonly shells: ScriptShells
  readonly keeper: KeeperClient
  /** By run folder: rung when the keeper has news of a script. */
  readonly bells: Map<string, Bell>
  readonly mask: TextMask
  readonly flush: DiskFlush
  readonly clock: Clock
  readonly log: Log
  /** The account that scripts run as, for their logs. */
  readonly user: string
  /** How long a script waits for its mutex before its log says so, and again after each `repeatMs`. */
  readonly waitNotice: { readonly firstMs: number; readonly repeatMs: number }
  /** How long the processes of a cancelled script have between SIGTERM and SIGKILL. */
  readonly cancelGraceMs: number
  /** How much of its log one answer may have. */
  readonly pageLimits: PageLimits
}
