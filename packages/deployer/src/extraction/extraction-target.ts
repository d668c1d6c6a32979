import {
  chmod,
  type FileHandle,
  link,
  lstat,
  lutimes,
  mkdir,
  open,
  symlink,
  unlink,
  utimes,
} from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode, throwIfCancelled } from '../errors.ts'
import type { ArchiveMeter } from './archive-limits.ts'
import { unsafe } from './entry-path.ts'
import { checkLink } from './link-target.ts'

/** What an archive says about an entry beside its content. Modes are permission bits; 0 or `undefined` is none given. */
export interface EntryAttributes {
  readonly name: string
  readonly path: readonly string[]
  readonly mode: number | undefined
  readonly mtime: Date | undefined
}

interface PlannedLink {
  readonly entry: EntryAttributes
  readonly target: string
}

/** How much is written at once, in bytes. */
const writeSize = 1024 * 1024

/** Bits that a package may set: no setuid, setgid or sticky. */
const permissionBits = 0o777

/**
 * Writes the entries of one archive below a fresh folder that nobody else writes to. While entries are written there
 * are only plain files and folders: links are kept back until the end, so nothing can be written through one, and then
 * made only if all of them stay inside of the folder.
 */
export class ExtractionTarget {
  private readonly root: string
  private readonly meter: ArchiveMeter
  private readonly signal: AbortSignal | undefined
  private readonly now: Date
  private readonly folders = new Set<string>()
  private readonly folderAttributes = new Map<string, EntryAttributes>()
  private readonly links = new Map<string, PlannedLink>()
  files = 0

  constructor(
    root: string,
    meter: ArchiveMeter,
    { signal, now = new Date() }: { signal?: AbortSignal | undefined; now?: Date } = {},
  ) {
    this.root = root
    this.meter = meter
    this.signal = signal
    this.now = now
  }

  async addFolder(entry: EntryAttributes): Promise<void> {
    this.meter.addEntry()
    await this.makeFolders(entry, entry.path)
    if (entry.path.length > 0) this.folderAttributes.set(this.diskPath(entry.path), entry)
  }

  /** A later entry of the same name replaces an earlier one, as it does when a tar is appended to. */
  async addFile(entry: EntryAttributes, content: AsyncIterable<unknown>): Promise<void> {
    this.meter.addEntry()
    await this.makeParent(entry)
    const mode = ((entry.mode ?? 0) & permissionBits || 0o644) | 0o400
    const file = await this.create(entry, mode)
    try {
      await this.write(file, content)
      const time = this.timeOf(entry)
      if (time !== undefined) await file.utimes(time, time)
    } finally {
      await file.close()
    }
    this.files += 1
  }

  async addSymbolicLink(entry: EntryAttributes, target: string): Promise<void> {
    this.meter.addEntry()
    await this.makeParent(entry)
    await this.removeExisting(entry)
    if (target === '' || target.includes('\0')) throw unsafe(entry.name, 'is a link to nowhere')
    this.links.set(this.key(entry.path), { entry, target })
    this.files += 1
  }

  /** A second name of a file that came earlier in the same archive. */
  async addHardLink(entry: EntryAttributes, target: readonly string[]): Promise<void> {
    this.meter.addEntry()
    const source = this.diskPath(target)
    const found = this.isBelowLink(target) ? undefined : await lstat(source).catch(() => undefined)
    if (found?.isFile() !== true)
      throw unsafe(entry.name, 'is a hard link to something that is no file of the package')
    if (this.key(target) === this.key(entry.path)) return
    await this.makeParent(entry)
    await this.removeExisting(entry)
    await link(source, this.diskPath(entry.path))
    this.files += 1
  }

  /** Makes the links and gives the folders their modes and times, innermost first. */
  async finish(): Promise<void> {
    const targets = new Map([...this.links].map(([key, { target }]) => [key, target]))
    for (const { entry, target } of this.links.values()) {
      const problem = checkLink(entry.path, target, targets, path => this.key(path))
      if (problem !== undefined)
        throw unsafe(entry.name, `is a link to ${JSON.stringify(target)}, ${describeLinkProblem(problem)}`)
    }
    for (const { entry, target } of this.links.values()) {
      const path = this.diskPath(entry.path)
      await symlink(target, path)
      const time = this.timeOf(entry)
      if (time !== undefined) await lutimes(path, time, time)
    }
    for (const [path, entry] of [...this.folderAttributes].sort(([a], [b]) => b.length - a.length)) {
      const mode = (entry.mode ?? 0) & permissionBits
      if (mode !== 0) await chmod(path, (mode | 0o700) & ~process.umask())
      const time = this.timeOf(entry)
      if (time !== undefined) await utimes(path, time, time)
    }
  }

  private diskPath(path: readonly string[]): string {
    return join(this.root, ...path)
  }

  /** How names are told apart: as the file systems of the platform usually do. */
  private key(path: readonly string[]): string {
    const joined = path.join('/')
    return process.platform === 'linux' ? joined : joined.normalize('NFC').toLowerCase()
  }

  private isBelowLink(path: readonly string[]): boolean {
    return path.some((_, depth) => this.links.has(this.key(path.slice(0, depth + 1))))
  }

  private async makeFolders(entry: EntryAttributes, path: readonly string[]): Promise<void> {
    for (let depth = 1; depth <= path.length; depth += 1) {
      const folder = path.slice(0, depth)
      const key = this.key(folder)
      if (this.folders.has(key)) continue
      if (this.links.has(key))
        throw unsafe(entry.name, `would be written through the link ${JSON.stringify(folder.join('/'))}`)
      await makeFolder(this.diskPath(folder), entry)
      this.folders.add(key)
    }
  }

  private async makeParent(entry: EntryAttributes): Promise<void> {
    if (entry.path.length === 0) throw unsafe(entry.name, 'has no name')
    await this.makeFolders(entry, entry.path.slice(0, -1))
    if (this.folders.has(this.key(entry.path))) throw unsafe(entry.name, 'is both a folder and a file')
    if (this.links.delete(this.key(entry.path))) this.files -= 1
  }

  /** An existing file is unlinked, not overwritten: it may be one of several names of the same content. */
  private async create(entry: EntryAttributes, mode: number): Promise<FileHandle> {
    try {
      return await open(this.diskPath(entry.path), 'wx', mode)
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
      await this.removeExisting(entry)
      return await open(this.diskPath(entry.path), 'wx', mode)
    }
  }

  private async removeExisting(entry: EntryAttributes): Promise<void> {
    try {
      await unlink(this.diskPath(entry.path))
      this.files -= 1
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }

  /** Gathers the small pieces that decompression gives, because each write costs a trip to another thread. */
  private async write(file: FileHandle, content: AsyncIterable<unknown>): Promise<void> {
    let pieces: Buffer[] = []
    let size = 0
    const flush = async () => {
      if (size > 0) await writeAll(file, pieces)
      pieces = []
      size = 0
    }
    for await (const chunk of content) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('An archive gave something else than bytes.')
      throwIfCancelled(this.signal)
      this.meter.addBytes(chunk.length)
      pieces.push(chunk)
      size += chunk.length
      if (size >= writeSize) await flush()
    }
    await flush()
  }

  /** When the entry was changed; never in the future, which confuses builds and caches. */
  private timeOf({ mtime }: EntryAttributes): Date | undefined {
    if (mtime === undefined || Number.isNaN(mtime.getTime())) return undefined
    return mtime > this.now ? this.now : mtime
  }
}

async function writeAll(file: FileHandle, pieces: readonly Buffer[]): Promise<void> {
  const { bytesWritten } = await file.writev(pieces)
  const bytes = pieces.reduce((total, piece) => total + piece.length, 0)
  if (bytesWritten < bytes) await file.writeFile(Buffer.concat(pieces).subarray(bytesWritten))
}

async function makeFolder(path: string, entry: EntryAttributes): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    if (!(await lstat(path)).isDirectory()) throw unsafe(entry.name, 'lies below something that is a file')
  }
}

function describeLinkProblem(problem: 'absolute' | 'outside' | 'circle'): string {
  if (problem === 'absolute') return 'which is an absolute path'
  return problem === 'outside' ? 'which leads out of the package' : 'which leads in a circle'
}
