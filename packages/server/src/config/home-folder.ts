import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ServerError, toError } from '../errors.ts'

/** The folder with everything that one server keeps. */
export interface HomeFolder {
  readonly path: string
  readonly database: string
  readonly masterKey: string
  readonly settings: string
  readonly packages: string
  readonly logs: string
  readonly temporary: string
}

/** A home folder that no other server can use until it is released. */
export interface LockedHome extends HomeFolder {
  release(): void
}

/** Names what is where in a home folder, without touching the disk. */
export function homeFolder(folder: string): HomeFolder {
  const path = resolve(folder)
  return {
    path,
    database: join(path, 'server.db'),
    masterKey: join(path, 'master.key'),
    settings: join(path, 'config.json'),
    packages: join(path, 'packages'),
    logs: join(path, 'logs'),
    temporary: join(path, 'temp'),
  }
}

/**
 * Makes a folder and those above it; true when it was not there. Node's own recursive form never returns where a file
 * system answers "no such folder" to a mkdir in a folder that exists, as /proc does.
 */
function makeFolder(path: string): boolean {
  if (existsSync(path)) return false
  const parent = dirname(path)
  if (parent !== path) makeFolder(parent)
  mkdirSync(path, { mode: 0o700 })
  return true
}

/**
 * Makes the folder, for its owner only, and checks that it can be written. Throws `ERR_HOME` when it cannot, naming the
 * option that helps.
 */
export function ensureHome(folder: string): HomeFolder {
  const home = homeFolder(folder)
  try {
    const isNew = makeFolder(home.path)
    // A umask may have taken more away, but nobody may have added something.
    if (isNew && process.platform !== 'win32') chmodSync(home.path, 0o700)
    if (!statSync(home.path).isDirectory()) throw new Error('it is not a folder')
    accessSync(home.path, constants.R_OK | constants.W_OK | constants.X_OK)
    writeFileSync(join(home.path, '.write-test'), '')
    for (const inner of [home.packages, home.logs, home.temporary]) makeFolder(inner)
    return home
  } catch (error) {
    throw new ServerError(
      'ERR_HOME',
      `The home folder ${home.path} cannot be used (${toError(error).message}). Give this user the right to write there, or ` +
        'choose another folder with --home.',
      { cause: error, details: { path: home.path } },
    )
  }
}

function holderOf(noteFile: string): string {
  try {
    const { pid } = JSON.parse(readFileSync(noteFile, 'utf8'))
    return typeof pid === 'number' ? `, process ${pid}` : ''
  } catch {
    return ''
  }
}

/**
 * Takes the folder for this process. The system holds the lock (by way of an SQLite file), so it ends with the process
 * however that ends. Throws `ERR_HOME_IN_USE` when another server has it.
 */
export function lockHome(folder: string): LockedHome {
  const home = ensureHome(folder)
  const note = join(home.path, 'server.pid')
  const lock = new DatabaseSync(join(home.path, 'server.lock'), { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw new ServerError(
      'ERR_HOME_IN_USE',
      `Another server works in ${home.path}${holderOf(note)}. Stop it first, or choose another folder with --home.`,
      { cause: error, details: { path: home.path } },
    )
  }
  writeFileSync(note, JSON.stringify({ pid: process.pid, started: new Date().toISOString() }), {
    mode: 0o600,
  })
  return { ...home, release: () => lock.close() }
}
