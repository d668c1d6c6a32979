import { randomBytes } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { QuickstartError } from './options.ts'

/** What one start tells the next; kept in `quickstart.json` in the home folder, readable by its owner only. */
export interface SavedState {
  readonly adminPassword: string
  readonly apiKey?: string
  /** Version number of the next sample release: 1.0.N. */
  readonly nextRelease: number
}

/** The folder that holds everything of one quickstart. */
export interface HomeFolder {
  readonly path: string
  readonly server: string
  readonly agents: string
  readonly packages: string
  readonly logs: string
  load(): SavedState
  save(change: Partial<SavedState>): SavedState
}

const fresh = (): SavedState => ({ adminPassword: randomBytes(12).toString('base64url'), nextRelease: 0 })

/** `mkdir -p`; Node's own recursive form never returns below folders such as /proc. */
function makeFolders(path: string): void {
  if (existsSync(path)) return
  makeFolders(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

/** Makes the folder where needed. Throws {@link QuickstartError} if it cannot be written. */
export function openHome(folder: string): HomeFolder {
  const path = resolve(folder)
  const inside = (name: string): string => join(path, name)
  try {
    for (const name of ['', 'server', 'agents', 'packages', 'logs']) {
      makeFolders(inside(name))
    }
    accessSync(path, constants.W_OK)
    writeFileSync(inside('.write-test'), '')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new QuickstartError(
      `The home folder ${path} cannot be written (${reason}). Choose another one: npm start -- --home=DIR`,
      { cause: error },
    )
  }
  const file = inside('quickstart.json')
  const write = (state: SavedState): SavedState => {
    writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
    renameSync(`${file}.new`, file)
    return state
  }
  const load = (): SavedState => {
    if (!existsSync(file)) return write(fresh())
    try {
      return { ...fresh(), ...JSON.parse(readFileSync(file, 'utf8')) }
    } catch (error) {
      throw new QuickstartError(
        `${file} is damaged, so the administrator's password is not known. Restore it, or begin anew with another --home.`,
        { cause: error },
      )
    }
  }
  return {
    path,
    server: inside('server'),
    agents: inside('agents'),
    packages: inside('packages'),
    logs: inside('logs'),
    load,
    save: change => write({ ...load(), ...change }),
  }
}
