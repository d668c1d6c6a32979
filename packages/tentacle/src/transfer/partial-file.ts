import { createHash, type Hash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { chmod, type FileHandle, lstat, open, rename, rm, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { systemCode, TentacleError } from '../errors.ts'
import { whileBusy } from '../while-busy.ts'

/** How much is gathered for one write: what comes from a connection comes in pieces of 16 KiB. */
const batchBytes = 512 * 1024

/**
 * What has arrived of a file, beside the place where it goes. Only the agent's account may read it: it is not known yet
 * who may read the whole. One at a time works on it.
 */
export class PartialFile {
  readonly path: string
  readonly #target: string
  /** Digest of the first `#hashedBytes` bytes of the file with this number; the rest is read when it is asked for. */
  #hash: Hash = createHash('sha1')
  #hashedBytes = 0
  #inode: number | undefined
  /** The last part on its way to the disk. */
  #syncing: Promise<unknown> = Promise.resolve()

  /** @param target a file of the same folder */
  constructor(path: string, target: string) {
    this.path = path
    this.#target = target
  }

  /**
   * How many bytes there are; undefined: there is no such file.
   *
   * @throws TentacleError `ERR_FILE` when something of somebody else is in its place
   */
  async size(): Promise<number | undefined> {
    const found = await lstat(this.path).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return undefined
      throw error
    })
    if (found === undefined) return undefined
    // The name can be guessed. In a folder that others may write to, a link would lead the agent to any file.
    const isOurs = process.geteuid === undefined || found.uid === process.geteuid()
    if (!found.isFile() || found.nlink !== 1 || !isOurs) {
      throw new TentacleError(
        'ERR_FILE',
        `${this.path} is in the way: it is not a file of the agent's account. Remove it and try again.`,
        { details: { path: this.path } },
      )
    }
    if (found.ino !== this.#inode || found.size < this.#hashedBytes) this.#startHash(found.ino)
    return found.size
  }

  /**
   * Writes what arrives behind what is there. Whatever came before a failure is kept. It goes to the disk while the next
   * part arrives: nobody waits for that, since after a power cut the file itself says how far it got.
   *
   * @param position where the file ends
   * @param onPosition told where it ends now
   */
  async append(source: Readable, position: number, onPosition: (position: number) => void): Promise<void> {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    const isNew = (await this.size()) === undefined
    const file = await open(this.path, O_WRONLY | O_NOFOLLOW | (isNew ? O_CREAT | O_EXCL : 0), 0o600)
    try {
      if (isNew) this.#startHash((await file.stat()).ino)
      let end = position
      const write = async (bytes: Uint8Array) => {
        await writeAt(file, bytes, end)
        if (this.#hashedBytes === end) {
          this.#hash.update(bytes)
          this.#hashedBytes += bytes.length
        }
        end += bytes.length
        onPosition(end)
      }
      await inBatches(source, write)
      // One part at a time, or a slow disk would fall behind further and further.
      await this.#settle()
    } finally {
      this.#syncing = Promise.all([this.#syncing, syncAndClose(file)])
      this.#syncing.catch(() => {}) // told by whoever settles it
    }
  }

  /** SHA-1 of the whole in lower-case hex digits. Asked again after a failure, it goes on from there. */
  async digest(): Promise<string> {
    const rest = createReadStream(this.path, { start: this.#hashedBytes, highWaterMark: batchBytes })
    for await (const chunk of rest) {
      const bytes: Buffer = chunk
      this.#hash.update(bytes)
      this.#hashedBytes += bytes.length
    }
    return this.#hash.copy().digest('hex')
  }

  /** Puts it in the place of the target, whose permissions it takes over, once the disk has all of it. */
  async finish(): Promise<void> {
    await this.#settle()
    // What an earlier process wrote is not among that.
    await syncAndClose(await open(this.path, constants.O_WRONLY | constants.O_NOFOLLOW))
    const old = await stat(this.#target).catch(() => undefined)
    await chmod(this.path, old?.isFile() ? old.mode & 0o7777 : 0o666 & ~process.umask())
    await whileBusy(() => rename(this.path, this.#target))
  }

  /** Throws away what is there. */
  async discard(): Promise<void> {
    this.#syncing = Promise.resolve()
    await rm(this.path, { force: true })
  }

  /** Throws when the disk has lost something: it says so only once, and the file is worth nothing then. */
  async #settle(): Promise<void> {
    try {
      await this.#syncing
    } catch (error) {
      await this.discard()
      throw error
    }
  }

  #startHash(inode: number): void {
    this.#hash = createHash('sha1')
    this.#hashedBytes = 0
    this.#inode = inode
  }
}

async function syncAndClose(file: FileHandle): Promise<void> {
  try {
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** SHA-1 of a file in lower-case hex digits. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha1')
  await pipeline(createReadStream(path, { highWaterMark: batchBytes }), hash)
  return hash.digest('hex')
}

/** Hands the bytes on in larger pieces. When the source fails, what it gave before is handed on all the same. */
async function inBatches(source: Readable, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(batchBytes)
  let filled = 0
  const flush = async () => {
    const batch = buffer.subarray(0, filled)
    filled = 0
    if (batch.length > 0) await write(batch)
  }
  try {
    for await (const chunk of source) {
      const part: Buffer = chunk
      for (let at = 0; at < part.length; ) {
        const copied = part.copy(buffer, filled, at)
        at += copied
        filled += copied
        if (filled === buffer.length) await flush()
      }
    }
  } finally {
    await flush()
  }
}

/** Writes all of the bytes; the system may take fewer at a time. */
async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten
  }
}
