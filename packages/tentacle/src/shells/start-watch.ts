import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemCode } from '../errors.ts'
import { runFiles } from '../keeper/keeper-protocol.ts'
import type { ScriptWorkspace } from '../workspaces/script-workspace.ts'
import { guardFileNames } from './startup-guard.ts'

/** How PowerShell shows that it has come up: whoever makes the first file decides, and it can be made only once. */
export interface StartSign {
  /** Made by PowerShell when it begins, or else by the agent when it gives up. */
  readonly startedFile: string
  /** Without it the script ends itself. Deleted by the agent when it gives up. */
  readonly permitFile: string | undefined
  /**
   * Files that have something in them only when PowerShell is up: it may run although something kept it from making the
   * other one.
   */
  readonly outputFiles: readonly string[]
}

/** The sign of a script: that of the guard in it, or else the one that the command of PowerShell itself makes. */
export function startSignOf({ folder, run }: ScriptWorkspace, isGuarded: boolean): StartSign {
  if (!isGuarded) {
    const outputFiles = [runFiles.stdout, runFiles.stderr].map(name => join(run, name))
    return { startedFile: join(run, 'powershell'), permitFile: undefined, outputFiles }
  }
  const permitFile = join(folder, guardFileNames.permit)
  return { startedFile: join(folder, guardFileNames.started), permitFile, outputFiles: [] }
}

/** What the agent writes into the file. PowerShell leaves it empty. */
const givenUp = 'given up\n'

/** The longest time that a timer can take. */
const maxTimerMs = 2_147_483_647

/**
 * Waits until PowerShell must have come up, and looks then, once, whether it has.
 *
 * @returns false when it has not: from then on it cannot run the script any more, whenever it comes up
 */
export async function watchStart(
  { startedFile, permitFile, outputFiles }: StartSign,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const pauseMs = Math.min(Math.max(0, timeoutMs), maxTimerMs)
    await delay(pauseMs, undefined, { ref: false, signal })
    for (const path of outputFiles) if ((await stat(path).catch(() => undefined))?.size) return true
    await writeFile(startedFile, givenUp, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') return true // the script is over, or its folder is gone: there is nothing to watch
    // An agent before this one may have given up, and not lived to tell.
    return (await readFile(startedFile, 'latin1').catch(() => '')) !== givenUp
  }
  if (permitFile !== undefined) await rm(permitFile, { force: true }).catch(() => {})
  return false
}
