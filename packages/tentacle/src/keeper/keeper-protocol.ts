import { join } from 'node:path'

/**
 * What the agent and a keeper say to each other (docs/wire/tentacle-scripts.md, "The keeper"). The agent writes jobs to
 * the keeper's standard input, one JSON object a line; its end means that there will be no more. The keeper answers
 * with files in the run folder of each script, so whoever comes after the agent can read them as well. While the agent
 * is there, it is told the same on the keeper's standard output: scripts may delete their folder.
 */

/** What the system calls the process of a keeper. It shows no more than these 15 characters. */
export const keeperTitle = 'tentacle-keeper'

/** Beside the folders of the keepers: where Node keeps their compiled sources. */
export const compileCacheName = 'compiled'

/** Where a keeper has its own files. */
export function keeperFolder(folderOfAll: string, pid: number): string {
  return join(folderOfAll, String(pid))
}

/** A script to be run. */
export interface KeeperJob {
  /** By which its reports are known. Folders do not do: a script that was completed may be started anew in its own. */
  readonly id: string
  /** Where the claim, the raw output and the exit code go. */
  readonly runFolder: string
  /** The folder in which the script runs. */
  readonly workspace: string
  /**
   * What is started: the full path of a program, then its arguments as they are. On Windows these are parts of a command
   * line, to be joined by blanks.
   */
  readonly argv: readonly string[]
}

/** Files in the run folder. */
export const runFiles = {
  /** Made by whoever runs the script; it cannot be made twice. */
  claim: 'claim',
  /** What the script prints, byte by byte. */
  stdout: 'stdout',
  stderr: 'stderr',
  /** Comes last, in one step: the result, when the script is over and all of its output is in the files. */
  result: 'result',
} as const

/** What an agent writes as the claim of a script that no keeper may run any more. */
export const voidClaim = 'void\n'

/** What a keeper tells of a job: that it has begun, with the text of the claim, or how it ended. */
export interface KeeperReport {
  /** Of the job. */
  readonly id: string
  readonly claim?: string
  readonly result?: ScriptResult
}

/** How a script ended, or why it never began. */
export type ScriptResult =
  | { readonly t: 'exited'; readonly exitCode: number }
  | { readonly t: 'failed'; readonly reason: string }

export function formatResult(result: ScriptResult): string {
  return `${JSON.stringify(result)}\n`
}

/** Undefined for a text that is no result. */
export function parseResult(text: string): ScriptResult | undefined {
  const value = parseObject(text)
  if (value?.t === 'exited' && typeof value.exitCode === 'number')
    return { t: 'exited', exitCode: value.exitCode }
  if (value?.t === 'failed' && typeof value.reason === 'string') return { t: 'failed', reason: value.reason }
  return undefined
}

/** Undefined for a line that is no job. */
export function parseJob(line: string): KeeperJob | undefined {
  const value = parseObject(line)
  if (typeof value?.id !== 'string') return undefined
  if (typeof value.runFolder !== 'string' || typeof value.workspace !== 'string') return undefined
  const list: readonly unknown[] = Array.isArray(value.argv) ? value.argv : []
  return {
    id: value.id,
    runFolder: value.runFolder,
    workspace: value.workspace,
    argv: list.filter(text => typeof text === 'string'),
  }
}

/** Undefined for a line that is no report. */
export function parseReport(line: string): KeeperReport | undefined {
  const value = parseObject(line)
  if (typeof value?.id !== 'string') return undefined
  const result = parseResult(JSON.stringify(value.result ?? null))
  const claim = typeof value.claim === 'string' ? value.claim : undefined
  return { id: value.id, ...(claim && { claim }), ...(result && { result }) }
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
