import { renameSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatTimestamp, parseTimestamp } from './timestamp.ts'

export const stateFileName = 'scriptstate.json'

/** What `scriptstate.json` holds (docs/wire/tentacle-scripts.md, "scriptstate.json"). */
export interface ScriptState {
  readonly created: Date
  /** Null while it waits for its mutex. */
  readonly started: Date | null
  readonly completed: Date | null
  readonly state: 'Pending' | 'Running' | 'Complete'
  /** Null until the end. */
  readonly exitCode: number | null
  /** False when nobody knows how it ended, null until the end. */
  readonly ranToCompletion: boolean | null
}

const stateNumbers = ['Pending', 'Running', 'Complete'] as const

export function formatState(state: ScriptState): string {
  return JSON.stringify({
    Created: formatTimestamp(state.created),
    Started: state.started && formatTimestamp(state.started),
    Completed: state.completed && formatTimestamp(state.completed),
    State: stateNumbers.indexOf(state.state),
    ExitCode: state.exitCode,
    RanToCompletion: state.ranToCompletion,
  })
}

/** Reads the text of a state file, also with a byte order mark; undefined when it is none. */
export function parseState(text: string): ScriptState | undefined {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
    if (typeof value !== 'object' || value === null) return undefined
    const fields: Readonly<Record<string, unknown>> = { ...value }
    const created = timeOf(fields.Created)
    const state = typeof fields.State === 'number' ? stateNumbers[fields.State] : undefined
    if (created === null || state === undefined) return undefined
    return {
      created,
      started: timeOf(fields.Started),
      completed: timeOf(fields.Completed),
      state,
      exitCode: typeof fields.ExitCode === 'number' ? fields.ExitCode : null,
      ranToCompletion: typeof fields.RanToCompletion === 'boolean' ? fields.RanToCompletion : null,
    }
  } catch {
    return undefined
  }
}

function timeOf(value: unknown): Date | null {
  return typeof value === 'string' ? (parseTimestamp(value) ?? null) : null
}

/** Reads the state file of a workspace; undefined when there is none that can be understood. */
export async function readState(workspace: string): Promise<ScriptState | undefined> {
  const text = await readFile(join(workspace, stateFileName), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : parseState(text)
}

/** Replaces the state file in one step: a reader finds the old text or the new one. */
export function writeState(workspace: string, controlFolder: string, state: ScriptState): void {
  const beside = join(controlFolder, `${stateFileName}.new`)
  writeFileSync(beside, formatState(state), { mode: 0o600 })
  renameSync(beside, join(workspace, stateFileName))
}
