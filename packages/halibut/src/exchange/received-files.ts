import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Names of folders say whose they are: what a killed process left behind is deleted by the next one of its host. */
const hostPrefix = `halibut-${hostname().replaceAll(/[^A-Za-z0-9]/g, '')}-`

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function deleteLeftOvers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(hostPrefix) ? Number(name.slice(hostPrefix.length).split('-')[0]) : 0
    if (!Number.isInteger(pid) || pid < 1 || isRunning(pid)) continue
    // What belongs to another user stays; it is theirs to delete.
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => {})
  }
}

/**
 * The folder in which received data streams wait. It is made when the first one arrives, belongs to one runtime, is
 * readable by its user only, and is deleted when the runtime closes, with whatever nobody used. What a process left behind
 * that was killed before it could do so is deleted as well.
 */
export class ReceivedFiles {
  readonly #parent: string
  #folder: Promise<string> | undefined

  /** @param parent default: the system's temporary folder */
  constructor(parent: string = tmpdir()) {
    this.#parent = parent
  }

  async newPath(): Promise<string> {
    this.#folder ??= this.#create()
    const folder = await this.#folder
    // Systems clean their temporary folders while a service runs for months.
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return join(folder, randomUUID())
  }

  async close(): Promise<void> {
    const folder = this.#folder
    this.#folder = undefined
    if (folder) await rm(await folder, { recursive: true, force: true })
  }

  async #create(): Promise<string> {
    try {
      await mkdir(this.#parent, { recursive: true })
      await deleteLeftOvers(this.#parent)
      return await mkdtemp(join(this.#parent, `${hostPrefix}${process.pid}-`))
    } catch (error) {
      this.#folder = undefined
      throw error
    }
  }
}
