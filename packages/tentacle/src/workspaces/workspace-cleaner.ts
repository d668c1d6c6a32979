import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../logging/log.ts'
import { deleteWorkspace, listWorkspaces, type ScriptWorkspace, workFolder } from './script-workspace.ts'
import { timeSpanOf } from './time-span.ts'

/** A script that left its workspace for so long will not be asked for again. One day. */
const defaultOlderThanMs = 24 * 60 * 60 * 1000
const defaultDelayMs = 2 * 60 * 60 * 1000

export interface CleanerOptions {
  readonly home: string
  /** Whether the script of a ticket waits or runs. */
  readonly isActive: (ticket: string) => boolean
  /** Forgets a script and deletes its workspace. */
  readonly forget: (ticket: string) => Promise<void>
  /** What else is done in each round. It tells its failures itself. */
  readonly cleanMore?: () => Promise<void>
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly now: () => Date
  /** How long a workspace must have been left alone. */
  readonly olderThanMs: number
  /** Pause between two rounds. */
  readonly delayMs: number
}

/** Deletes workspaces that nobody completes (docs/wire/tentacle-scripts.md, "Retention"). */
export interface WorkspaceCleaner {
  /** Cleans now and then again after each pause, until {@link stop}. */
  start(): void
  stop(): Promise<void>
  /** One round. Answers how many workspaces were deleted; failures are logged and do not end it. */
  clean(): Promise<number>
}

/**
 * The two variables that change the cleaner's times. Text that is no time span counts as absent.
 *
 * @param env `TENTACLE_WORKSPACE_CLEANER_DELETE_OLDER_THAN` and `TENTACLE_WORKSPACE_CLEANER_DELAY`
 */
export function cleanerTimes(
  env: Readonly<Record<string, string | undefined>>,
): Pick<CleanerOptions, 'olderThanMs' | 'delayMs'> {
  return {
    olderThanMs: timeSpanOf(env.TENTACLE_WORKSPACE_CLEANER_DELETE_OLDER_THAN) ?? defaultOlderThanMs,
    delayMs: timeSpanOf(env.TENTACLE_WORKSPACE_CLEANER_DELAY) ?? defaultDelayMs,
  }
}

export function createWorkspaceCleaner(options: CleanerOptions): WorkspaceCleaner {
  const { home, isActive, forget, cleanMore, log, now, olderThanMs, delayMs } = options
  const stopping = new AbortController()
  let loop: Promise<void> = Promise.resolve()

  const cleanOne = async (ticket: string, workspace: ScriptWorkspace): Promise<boolean> => {
    const lastWrite = await lastWriteOf(workspace)
    if (lastWrite === undefined || now().getTime() - lastWrite < olderThanMs || isActive(ticket)) return false
    await forget(ticket)
    await deleteWorkspace(workspace)
    log.info(`Deleted the workspace ${workspace.folder}, which nobody has used any more`)
    return true
  }
  const clean = async () => {
    let deleted = 0
    for (const [ticket, workspace] of await listWorkspaces(workFolder(home))) {
      if (stopping.signal.aborted) break
      try {
        if (await cleanOne(ticket, workspace)) deleted++
      } catch (error) {
        log.warn(`The workspace ${workspace.folder} cannot be deleted`, error)
      }
    }
    if (!stopping.signal.aborted) await cleanMore?.()
    return deleted
  }
  const run = async () => {
    while (!stopping.signal.aborted) {
      await clean()
      const pauseMs = Math.min(delayMs, 2_147_483_647)
      await delay(pauseMs, undefined, { ref: false, signal: stopping.signal }).catch(() => {})
    }
  }
  return {
    start() {
      loop = run()
    },
    async stop() {
      stopping.abort()
      await loop
    },
    clean,
  }
}

/** When the log, or else the script, was last written; undefined for a folder that has neither and is none of ours. */
async function lastWriteOf({ log, bodies }: ScriptWorkspace): Promise<number | undefined> {
  for (const path of [log, ...bodies]) {
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined) return found.mtimeMs
  }
  return undefined
}
