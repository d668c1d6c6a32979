import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ScriptIsolationLevel } from '@tentacle/contracts'
import { systemCode, TentacleError } from '../errors.ts'
import { parseResult, runFiles } from '../keeper/keeper-protocol.ts'
import type { ProcessTable } from '../processes/process-table.ts'
import { isAlive, readClaim } from '../processes/script-claim.ts'
import { readState, type ScriptState } from '../workspaces/script-state.ts'
import { listWorkspaces, type ScriptWorkspace, workFolder } from '../workspaces/script-workspace.ts'
import { readStartCommand, type StartCommand } from '../workspaces/start-command.ts'

/** A script as its workspace tells of it. */
export interface SurveyedScript {
  readonly ticket: string
  /** Empty when the workspace does not tell. */
  readonly taskId: string
  /**
   * `Ended`: it is over with this exit code, and the next agent will take note of it. `Lost`: it was begun, its processes
   * are gone, and how they ended is not known.
   */
  readonly state: 'Waiting' | 'Running' | 'Ended' | 'Lost' | 'Complete'
  readonly created: Date
  readonly started: Date | null
  readonly completed: Date | null
  readonly exitCode: number | null
  /** Of the script's first process; null before it is there, and when it is gone. */
  readonly processId: number | null
  readonly isolation: ScriptIsolationLevel | null
  readonly mutexName: string | null
  /** Tickets of those that have the mutex or come before it; only of one that waits. */
  readonly waitsFor: readonly string[]
  readonly workspace: string
}

interface Found {
  readonly ticket: string
  readonly workspace: ScriptWorkspace
  readonly state: ScriptState
  readonly command: StartCommand | undefined
  readonly process: ProcessOf
}

/** The first process of a script: none yet, its number, or none any more, with the exit code if there is one. */
type ProcessOf =
  | { readonly t: 'none-yet' | 'ending' | 'lost' }
  | { readonly t: 'alive'; readonly pid: number }
  | { readonly t: 'ended'; readonly exitCode: number }

/**
 * What is known of the scripts of a home, the oldest first. It is read from the disk alone, so it can be asked while the
 * agent runs, hangs or is stopped, and changes nothing.
 *
 * @throws TentacleError `ERR_FILE` when the folder cannot be read: an empty list would be a lie
 */
export async function surveyScripts(home: string, table: ProcessTable): Promise<SurveyedScript[]> {
  const work = workFolder(home)
  await demandReadable(work)
  const found: Found[] = []
  for (const [ticket, workspace] of await listWorkspaces(work)) {
    const state = await readState(workspace.folder)
    if (state === undefined) continue // not started yet, or completed just now
    const command = await readStartCommand(workspace.control)
    const process = state.state === 'Complete' ? over : await processOf(workspace, table)
    found.push({ ticket, workspace, state, command, process })
  }
  found.sort((a, b) => orderOf(a) - orderOf(b))
  return found.map(one => surveyed(one, found))
}

async function demandReadable(work: string): Promise<void> {
  try {
    await readdir(work)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw new TentacleError(
      'ERR_FILE',
      `${work} cannot be read. Run the command as root, or as the account that the agent runs as.`,
      { cause: error },
    )
  }
}

const over: ProcessOf = { t: 'lost' }

async function processOf({ run }: ScriptWorkspace, table: ProcessTable): Promise<ProcessOf> {
  const claim = await readClaim(run)
  if (claim === 'none') return { t: 'none-yet' }
  if (typeof claim === 'string') return over
  if (await isAlive(table, claim.bootId, claim.script)) return { t: 'alive', pid: claim.script.pid }
  // Its keeper notes the result a moment later, when it has all of the output.
  const isKept = await isAlive(table, claim.bootId, claim.keeper)
  return (await resultIn(run)) ?? (isKept ? { t: 'ending' } : over)
}

async function resultIn(run: string): Promise<ProcessOf | undefined> {
  const text = await readFile(join(run, runFiles.result), 'utf8').catch(() => '')
  const result = parseResult(text)
  return result?.t === 'exited' ? { t: 'ended', exitCode: result.exitCode } : undefined
}

function orderOf({ command, state }: Found): number {
  return command?.order ?? state.created.getTime() * 1000
}

function surveyed(one: Found, all: readonly Found[]): SurveyedScript {
  const { ticket, workspace, state, command, process } = one
  const name = stateName(one)
  return {
    ticket,
    taskId: command?.taskId ?? '',
    state: name,
    created: state.created,
    started: state.started,
    completed: state.completed,
    exitCode: process.t === 'ended' ? process.exitCode : state.exitCode,
    processId: process.t === 'alive' ? process.pid : null,
    isolation: command?.isolation ?? null,
    mutexName: command?.mutexName ?? null,
    waitsFor:
      name === 'Waiting' ? all.filter(other => isInTheWay(other, one)).map(({ ticket }) => ticket) : [],
    workspace: workspace.folder,
  }
}

function stateName({ state, process }: Found): SurveyedScript['state'] {
  if (state.state === 'Pending') return 'Waiting'
  if (state.state === 'Complete') return 'Complete'
  if (process.t === 'ended') return 'Ended'
  return process.t === 'lost' ? 'Lost' : 'Running'
}

/** First come, first served: those that run, and those that have waited for longer, unless both may run together. */
function isInTheWay(other: Found, waiting: Found): boolean {
  if (other === waiting || other.command?.mutexName !== waiting.command?.mutexName) return false
  const name = stateName(other)
  const comesBefore = name === 'Running' || (name === 'Waiting' && orderOf(other) < orderOf(waiting))
  const levels = [other.command?.isolation, waiting.command?.isolation]
  return comesBefore && levels.includes('FullIsolation')
}
