import { describeShell } from '../shells/script-shells.ts'
import { startSignOf, watchStart } from '../shells/start-watch.ts'
import type { StartCommand } from '../workspaces/start-command.ts'
import type { ExecutionContext, ExecutionEnd, ScriptExecution } from './script-execution.ts'
import { neverCameUp, type ScriptResult } from './script-result.ts'

/** Its shell has not come up, and the script will not run any more. */
export interface NeverUp {
  readonly t: 'never-up'
  readonly result: ScriptResult
}

/**
 * Follows a script to its end, and gives it up when PowerShell does not come up in time (docs/wire/tentacle-scripts.md,
 * "PowerShell that does not start"). Other shells are not watched.
 *
 * @param started when the script was started, maybe by an agent before this one
 * @param release frees the mutex
 */
export async function followWithStart(
  execution: ScriptExecution,
  { parts, workspace }: ExecutionContext,
  { shell, isGuarded }: StartCommand,
  started: Date,
  release: () => void,
): Promise<ExecutionEnd | NeverUp> {
  const following = execution.follow(release)
  if (shell.t !== 'powershell') return following
  const { guardedMs, unguardedMs } = parts.shells.startLimits
  const limitMs = isGuarded ? guardedMs : unguardedMs
  const leftMs = limitMs - (parts.clock.now().getTime() - started.getTime())
  const over = new AbortController()
  const isUp = watchStart(startSignOf(workspace, isGuarded), leftMs, over.signal)
  try {
    const first = await Promise.race([following, isUp.then(up => (up ? following : undefined))])
    if (first !== undefined) return first
  } finally {
    over.abort()
  }
  following.catch(() => {}) // of no interest any more
  execution.abandon()
  release()
  const { name } = describeShell(shell)
  parts.log.warn(`${workspace.folder}: ${name} has not come up within its time; the script was given up`)
  return { t: 'never-up', result: neverCameUp(name, limitMs) }
}
