import {
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { localDate } from './log-line.ts'

/** How many files of earlier days are kept. */
const archivesKept = 7

/** A file of this size, in bytes, becomes an archive before its day is over. */
const maximumBytes = 100 * 1024 * 1024

/** A lock of another process that is rotating is respected for this long, in ms. Rotating takes a few renames. */
const rotationLockMs = 60_000

/**
 * A file that several processes append to, and that becomes the newest of seven archives when its day is over or when it
 * has 100 MiB: `NAME.EXT`, `NAME.0.EXT` (the newest) to `NAME.6.EXT`. It is opened for each entry, so that anybody can
 * move it away.
 */
export class SharedFile {
  readonly #name: string
  readonly #extension: string

  constructor(name: string, extension: string) {
    this.#name = name
    this.#extension = extension
  }

  /**
   * What root writes goes into the file of the account that the folder belongs to: otherwise the agent, which runs as that
   * account, could not write there any more. Nor does root follow a link that the account put in the place of the file.
   *
   * @returns the size of the file, in bytes
   */
  append(folder: string, text: string): number {
    const owner = process.getuid?.() === 0 ? statSync(folder) : undefined
    const isForeign = owner !== undefined && owner.uid !== 0
    const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW } = constants
    const flags = O_APPEND | O_CREAT | O_WRONLY | (isForeign ? O_NOFOLLOW : 0)
    const file = openSync(this.#path(folder), flags, 0o640)
    try {
      const { uid, size } = fstatSync(file)
      if (isForeign && uid === 0 && size === 0) fchownSync(file, owner.uid, owner.gid)
      return size + writeSync(file, text)
    } finally {
      closeSync(file)
    }
  }

  /** Moves the file aside if it is due. One process does it; the others go on appending. */
  rotateIfDue(folder: string, now: Date): void {
    if (!this.#isDue(folder, now)) return
    const lock = join(folder, `${this.#name}.rotating`)
    if (!takeLock(lock, now)) return
    try {
      if (!this.#isDue(folder, now)) return
      const archive = (number: number) => join(folder, `${this.#name}.${number}.${this.#extension}`)
      rmSync(archive(archivesKept - 1), { force: true })
      for (let number = archivesKept - 2; number >= 0; number -= 1) {
        if (existsSync(archive(number))) renameSync(archive(number), archive(number + 1))
      }
      renameSync(this.#path(folder), archive(0))
    } finally {
      rmSync(lock, { force: true })
    }
  }

  /** Whether a file of this size is to be moved aside. */
  static isFull(bytes: number): boolean {
    return bytes >= maximumBytes
  }

  #path(folder: string): string {
    return join(folder, `${this.#name}.${this.#extension}`)
  }

  #isDue(folder: string, now: Date): boolean {
    const stats = statSync(this.#path(folder), { throwIfNoEntry: false })
    return stats !== undefined && (localDate(stats.mtime) < localDate(now) || SharedFile.isFull(stats.size))
  }
}

function takeLock(lock: string, now: Date): boolean {
  const age = now.getTime() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN)
  if (age > rotationLockMs) rmSync(lock, { force: true })
  try {
    closeSync(openSync(lock, 'wx', 0o600))
    return true
  } catch {
    return false
  }
}
