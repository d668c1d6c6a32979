import { maximumMutexTimeoutMs } from '@tentacle/contracts'
import type { NewEntry } from '../script-log/log-entry.ts'
import type { StartCommand } from '../workspaces/start-command.ts'
import type { Lease, LockHolder } from './isolation-locks.ts'
import { waitingEntries } from './isolation-messages.ts'
import type { ScriptParts } from './script-parts.ts'
import { cancelledBefore, type ScriptResult, timedOut } from './script-result.ts'

/** The mutex, or why the script will not run. */
export type Turn =
  | { readonly t: 'held'; readonly lease: Lease }
  | { readonly t: 'over'; readonly result: ScriptResult }

export interface TurnOptions {
  readonly parts: Pick<ScriptParts, 'locks' | 'clock' | 'waitNotice'>
  readonly command: StartCommand
  /** Ends the waiting. */
  readonly signal: AbortSignal
  /** Called with what the log says while the script waits. */
  readonly tell: (entries: readonly NewEntry[]) => void
}

/** Waits for a script's mutex, within its limit, and says in between whom it waits for. */
export async function waitForTurn({ parts, command, signal, tell }: TurnOptions): Promise<Turn> {
  const { locks, clock, waitNotice } = parts
  const { mutexName: name, mutexTimeoutMs, queuedAt, ticket } = command
  const isLimited = mutexTimeoutMs > 0 && mutexTimeoutMs < maximumMutexTimeoutMs
  const waitedMs = () => clock.now().getTime() - queuedAt
  const blockers = () => locks.before(name, ticket)
  const notify = () => {
    tell(waitingEntries(command, blockers()))
    notice = setTimeout(notify, waitNotice.repeatMs).unref()
  }
  let notice = setTimeout(notify, waitNotice.firstMs).unref()
  const seen = blockers()
  const answer = await locks.acquire({
    name,
    holder: holderOf(command),
    signal,
    timeoutMs: isLimited ? Math.max(0, mutexTimeoutMs - waitedMs()) : undefined,
  })
  clearTimeout(notice)
  if (answer.t === 'held') return answer
  const now = locks.holders(name)
  const inTheWay = now.length > 0 ? now : seen
  const result =
    answer.t === 'timed-out' ? timedOut(command, inTheWay, waitedMs()) : cancelledBefore(command, inTheWay)
  return { t: 'over', result }
}

/** As whom a script holds its mutex. */
export function holderOf({ ticket, taskId, isolation: level }: StartCommand): LockHolder {
  return { ticket, taskId, level }
}
