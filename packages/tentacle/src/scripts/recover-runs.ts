import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { defaultMutexName, scriptExitCodes } from '@tentacle/contracts'
import { readClaim } from '../processes/script-claim.ts'
import { OutputLog, type OutputLogPaths } from '../script-log/output-log.ts'
import { readState, type ScriptState, writeState } from '../workspaces/script-state.ts'
import { listWorkspaces, type ScriptWorkspace } from '../workspaces/script-workspace.ts'
import { readStartCommand, type StartCommand } from '../workspaces/start-command.ts'
import { wasCancelled } from './cancel-note.ts'
import type { ScriptParts } from './script-parts.ts'
import { type Beginning, ScriptRun } from './script-run.ts'

/** A script that was found. Without a beginning it is over. */
export interface FoundRun {
  readonly run: ScriptRun
  readonly beginning: Beginning | undefined
}

export function logPathsOf({ log, control }: ScriptWorkspace): OutputLogPaths {
  return { log, progress: join(control, 'progress') }
}

/**
 * Finds the scripts that an earlier agent has left, by ticket, in the order in which they were started. Workspaces
 * whose preparation was not finished are left out: their callers have no answer yet and will ask again.
 */
export async function recoverRuns(work: string, parts: ScriptParts): Promise<ReadonlyMap<string, FoundRun>> {
  const found: { readonly ticket: string; readonly order: number; readonly one: FoundRun }[] = []
  for (const [ticket, workspace] of await listWorkspaces(work)) {
    try {
      const command = await readStartCommand(workspace.control)
      const state = (await readState(workspace.folder)) ?? (await stateOfDamaged(workspace, command))
      if (state === undefined) continue
      const one = await recover(ticket, workspace, state, command, parts)
      found.push({ ticket, order: command?.order ?? 0, one })
    } catch (error) {
      parts.log.error(`The script in ${workspace.folder} cannot be taken up again`, error)
    }
  }
  found.sort((a, b) => a.order - b.order)
  return new Map(found.map(({ ticket, one }) => [ticket, one]))
}

/**
 * A power cut may take the content of the state file, but a script whose run folder is there was begun: it must not be
 * made anew.
 */
async function stateOfDamaged(
  { run }: ScriptWorkspace,
  command: StartCommand | undefined,
): Promise<ScriptState | undefined> {
  const found = await stat(run).catch(() => undefined)
  if (found === undefined) return undefined
  const created = command === undefined ? found.birthtime : new Date(command.queuedAt)
  return {
    created,
    started: created,
    completed: null,
    state: 'Running',
    exitCode: null,
    ranToCompletion: null,
  }
}

async function recover(
  ticket: string,
  workspace: ScriptWorkspace,
  state: ScriptState,
  command: StartCommand | undefined,
  parts: ScriptParts,
): Promise<FoundRun> {
  if (state.state === 'Complete') return ended(ticket, workspace, state, parts)
  if (command === undefined) {
    // Left by another agent, which keeps nothing that would tell more.
    const completed = parts.clock.now()
    const exitCode = scriptExitCodes.unknownResult
    const lost: ScriptState = { ...state, state: 'Complete', completed, exitCode, ranToCompletion: false }
    writeState(workspace.folder, workspace.folder, lost)
    return ended(ticket, workspace, lost, parts)
  }
  const claim = await readClaim(workspace.run)
  const log = OutputLog.resume(logPathsOf(workspace))
  const isCancelRequested = await wasCancelled(workspace)
  const run = new ScriptRun({ parts, workspace, command, log, state, isCancelRequested })
  const isStarted = claim !== 'none' && claim !== 'void'
  return { run, beginning: isStarted ? { t: 'adopt' } : { t: 'queue' } }
}

function ended(ticket: string, workspace: ScriptWorkspace, state: ScriptState, parts: ScriptParts): FoundRun {
  const log = OutputLog.openEnded(logPathsOf(workspace))
  const command: StartCommand = {
    ticket,
    taskId: '',
    isolation: 'NoIsolation',
    mutexName: defaultMutexName,
    mutexTimeoutMs: 0,
    arguments: [],
    shell: { t: 'bash' },
    isGuarded: false,
    queuedAt: state.created.getTime(),
    order: 0,
  }
  return { run: new ScriptRun({ parts, workspace, command, log, state }), beginning: undefined }
}
