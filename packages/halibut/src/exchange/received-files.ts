import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { HalibutError } from '../errors.ts'

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

/** A place for one received stream. */
export interface ReceivedFile {
  /** Nothing is there yet. */
  readonly path: string
  /** Deletes the file, if there is one, and gives its room back. */
  readonly remove: () => Promise<void>
}

/** This much of a volume is left to others. */
const reservedDiskBytes = 64 * 1024 * 1024

/**
 * The folder in which received data streams wait. It is made when the first one arrives, belongs to one runtime, is
 * readable by its user only, and is deleted when the runtime closes, with whatever nobody used. What a process left behind
 * that was killed before it could do so is deleted as well.
 */
export class ReceivedFiles {
  readonly #parent: string
  readonly #maximumBytes: number
  #usedBytes = 0
  #folder: Promise<string> | undefined

  /**
   * @param parent default: the system's temporary folder
   * @param maximumBytes the most bytes in all files at the same time
   */
  constructor(parent: string = tmpdir(), maximumBytes: number = Number.POSITIVE_INFINITY) {
    this.#parent = parent
    this.#maximumBytes = maximumBytes
  }

  /**
   * Finds room for a stream of `length` bytes.
   *
   * @throws HalibutError `ERR_STREAM_STORE` when it is more than the files may have, or than the disk has
   */
  async create(length: number): Promise<ReceivedFile> {
    if (length > this.#maximumBytes - this.#usedBytes) throw full(length, this.#usedBytes, this.#maximumBytes)
    this.#usedBytes += length
    let isRemoved = false
    const giveBack = () => {
      if (!isRemoved) this.#usedBytes -= length
      isRemoved = true
    }
    try {
      const folder = await this.#existing()
      const { bavail, bsize } = await statfs(folder)
      if (length > bavail * bsize - reservedDiskBytes) throw diskFull(length, bavail * bsize, folder)
      const path = join(folder, randomUUID())
      const remove = async () => {
        giveBack()
        await rm(path, { force: true })
      }
      return { path, remove }
    } catch (error) {
      giveBack()
      throw error
    }
  }

  async close(): Promise<void> {
    const folder = this.#folder
    this.#folder = undefined
    if (folder) await rm(await folder, { recursive: true, force: true })
  }

  async #existing(): Promise<string> {
    this.#folder ??= this.#make()
    const folder = await this.#folder
    // Systems clean their temporary folders while a service runs for months.
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return folder
  }

  async #make(): Promise<string> {
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

function full(length: number, used: number, maximum: number): HalibutError {
  return new HalibutError(
    'ERR_STREAM_STORE',
    `A data stream of ${length} bytes finds no room: ${used} of ${maximum} bytes for received streams are used. Raise limits.maximumTemporaryBytes if it was meant.`,
    { details: { length, used, maximum } },
  )
}

function diskFull(length: number, free: number, folder: string): HalibutError {
  return new HalibutError(
    'ERR_STREAM_STORE',
    `A data stream of ${length} bytes finds no room on the volume of ${folder}: ${free} bytes are free. Make room there.`,
    { details: { length, free, folder } },
  )
}
