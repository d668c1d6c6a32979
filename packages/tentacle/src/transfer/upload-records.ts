import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { systemCode } from '../errors.ts'
import type { Log } from '../logging/log.ts'

/** Nobody goes on with an upload that was left alone for so long. Seven days: a long weekend, and then some. */
const olderThanMs = 7 * 24 * 60 * 60 * 1000

/**
 * Notes of where unfinished uploads lie. They are beside their targets, which may be anywhere, and nobody could find
 * those that are never finished otherwise.
 */
export class UploadRecords {
  readonly #folder: string

  /** @param folder made when it is needed */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Notes that there is such a file, before there is. */
  async add(id: string, partialPath: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    await writeFile(join(this.#folder, id), partialPath, { mode: 0o600 })
  }

  /** The file is in its place, or was thrown away. */
  async remove(id: string): Promise<void> {
    await rm(join(this.#folder, id), { force: true })
  }

  /**
   * Deletes what nobody has gone on with for seven days.
   *
   * @param isActive whether something is done with this upload right now
   */
  async clean(
    isActive: (id: string) => boolean,
    now: () => Date,
    log: Pick<Log, 'info' | 'warn'>,
  ): Promise<void> {
    for (const id of await readdir(this.#folder).catch(() => [])) {
      if (isActive(id)) continue
      try {
        await this.#cleanOne(id, now, log)
      } catch (error) {
        log.warn(`The unfinished upload ${id} cannot be deleted`, error)
      }
    }
  }

  async #cleanOne(id: string, now: () => Date, log: Pick<Log, 'info'>): Promise<void> {
    const record = join(this.#folder, id)
    const path = await readFile(record, 'utf8')
    // A record that a power cut has damaged must not name some other file.
    const partial = basename(path) === partialName(id) ? await lastWriteOf(path) : undefined
    // For a moment there is a record and no file yet.
    const lastWrite = partial ?? (await lastWriteOf(record)) ?? 0
    if (now().getTime() - lastWrite < olderThanMs) return
    if (partial !== undefined) {
      await rm(path, { force: true })
      log.info(`Deleted ${path}, the beginning of an upload that nobody has gone on with`)
    }
    await rm(record, { force: true })
  }
}

/** The name of the file that holds what has arrived. Hidden, and no name of any package. */
export function partialName(id: string): string {
  return `.${id}.partial`
}

async function lastWriteOf(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).mtimeMs
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined
    throw error
  }
}
