import { mkdirSync, writeFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isSafeTicket } from '@tentacle/contracts'
import { systemCode } from '../errors.ts'
import { bodyFileName, bodyFileNames, bodyText, type ScriptShell } from '../shells/script-shell.ts'
import { stateFileName } from './script-state.ts'

/** Where the agent keeps its own files of a script, away from what the script sees with `*`. */
const controlFolderName = '.tentacle'

const logFileName = 'Output.log'

/** The folder of one script (docs/wire/tentacle-scripts.md, "Workspace"). */
export interface ScriptWorkspace {
  readonly folder: string
  /** Where the script may be: which of them it is depends on its shell. */
  readonly bodies: readonly string[]
  readonly log: string
  readonly control: string
  /** What the launcher works with: claim, raw output, exit code. */
  readonly run: string
}

/** The folder below the home that holds all workspaces. */
export function workFolder(home: string): string {
  return join(home, 'Work')
}

export function workspaceOf(folder: string): ScriptWorkspace {
  const control = join(folder, controlFolderName)
  return {
    folder,
    bodies: bodyFileNames.map(name => join(folder, name)),
    log: join(folder, logFileName),
    control,
    run: join(control, 'run'),
  }
}

/**
 * Whether a file of a caller would overwrite one of the agent's. Case is ignored, as some file systems do.
 *
 * @param shell of the script that the file is for
 */
export function isReservedName(relativePath: string, shell: ScriptShell): boolean {
  const first = (relativePath.split(sep)[0] ?? '').toLowerCase()
  const isWhole = first === relativePath.toLowerCase()
  if (first === controlFolderName) return true
  return (
    isWhole && [bodyFileName(shell), logFileName, stateFileName].some(name => name.toLowerCase() === first)
  )
}

/** Makes the folder of a script, empty. What an earlier attempt left there is deleted. */
export async function createWorkspace(folder: string): Promise<ScriptWorkspace> {
  const workspace = workspaceOf(folder)
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    await rm(folder, { recursive: true, force: true })
    mkdirSync(folder, { mode: 0o700 })
  }
  mkdirSync(workspace.control, { mode: 0o700 })
  return workspace
}

/** Writes the script as its shell wants it. Not executable: a shell is given its path. */
export function writeBody({ folder }: ScriptWorkspace, shell: ScriptShell, body: string): void {
  writeFileSync(join(folder, bodyFileName(shell)), bodyText(shell, body), { mode: 0o600 })
}

/** The workspaces below a work folder, by ticket. Folders whose names no ticket can have are left out. */
export async function listWorkspaces(work: string): Promise<ReadonlyMap<string, ScriptWorkspace>> {
  const entries = await readdir(work, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter(entry => entry.isDirectory() && isSafeTicket(entry.name))
  return new Map(folders.map(({ name }) => [name, workspaceOf(join(work, name))]))
}

/** How often a workspace is tried to be deleted, and the pause in between. */
const deleteTries = 3
const deletePauseMs = 100

/**
 * Deletes a workspace. Processes that still write into it are waited for a little. That is done here: the retries of `rm` are
 * for each folder, so they multiply with the depth, and a caller waited for minutes.
 */
export async function deleteWorkspace({ folder }: ScriptWorkspace): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rm(folder, { recursive: true, force: true })
    } catch (error) {
      if (attempt === deleteTries) throw error
      await delay(deletePauseMs)
    }
  }
}
