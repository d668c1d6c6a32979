import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * The folder in which received data streams wait. It is made when the first one arrives, belongs to one runtime, is
 * readable by its user only, and is deleted when the runtime closes, with whatever nobody used.
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
      return await mkdtemp(join(this.#parent, 'halibut-'))
    } catch (error) {
      this.#folder = undefined
      throw error
    }
  }
}
