import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { Readable } from 'node:stream'
import type { Store } from '../db/store.ts'
import { ServerError } from '../errors.ts'
import type { Package } from '../model/package.ts'
import { archiveProblem } from './check-archive.ts'
import { cachedFileName, type PackageName, parsePackageName } from './package-name.ts'

export type OverwriteMode = 'FailIfExists' | 'OverwriteExisting' | 'IgnoreIfExists'

/** A package on its way in. */
export interface IncomingPackage {
  readonly spaceId: string
  /** As the client names it; folders in it do not count. */
  readonly fileName: string
  readonly content: Readable
  readonly overwriteMode: OverwriteMode
  /** Name of the user. */
  readonly by: string | null
}

/** The package that is in the feed now, and whether this upload put it there. */
export interface ReceivedPackage {
  readonly package: Package
  readonly outcome: 'added' | 'overwritten' | 'ignored'
}

/** The built-in feed: files in a folder, what they are in the database. */
export interface PackageStore {
  /**
   * Takes a package in. The content is read to its end in any case. Throws `ERR_INVALID_INPUT` for a bad name or a file
   * that is no archive, `ERR_CONFLICT` for a version that is there already; then, and when the content breaks off,
   * nothing is left behind.
   */
  receive(incoming: IncomingPackage): Promise<ReceivedPackage>
  /** Absolute path of the package's file. */
  pathOf(item: Package): string
  delete(item: Package): Promise<void>
  /** Removes the file of a package that is not in the database any more. */
  removeFile(item: Package): Promise<void>
  /** Removes what uploads left that were cut off by the end of the process. */
  cleanUp(): Promise<void>
}

interface Written {
  readonly path: string
  readonly sizeBytes: number
  readonly hash: string
}

function invalid(message: string): ServerError {
  return new ServerError('ERR_INVALID_INPUT', message, { problems: [message] })
}

function alreadyThere({ packageId, version }: PackageName): ServerError {
  const message = `A package with the same name and version already exists: ${packageId} ${version}. Choose another version, or allow overwriting (overwriteMode=OverwriteExisting).`
  return new ServerError('ERR_CONFLICT', message, { problems: [message] })
}

/** Opens the feed in this folder. */
export function createPackageStore(store: Store, folder: string): PackageStore {
  const incomingFolder = join(folder, '.incoming')

  /** Streams to disk while hashing: the size of a package does not matter to the memory. */
  async function writeIncoming(content: Readable, name: PackageName): Promise<Written> {
    await mkdir(incomingFolder, { recursive: true, mode: 0o700 })
    const path = join(incomingFolder, randomBytes(16).toString('hex'))
    const file = await open(path, 'wx+', 0o600)
    try {
      const hash = createHash('sha1')
      let sizeBytes = 0
      for await (const chunk of content) {
        hash.update(chunk)
        // A handle may write less than it was given; writeFile on a handle goes on until all is written.
        await file.writeFile(chunk)
        sizeBytes += chunk.length
      }
      const problem = await archiveProblem(file, sizeBytes, name.extension)
      if (problem !== undefined) {
        throw invalid(
          `${name.packageId} ${name.version} was not taken in: the file is not a ${name.extension} archive. ${problem}`,
        )
      }
      await file.sync()
      return { path, sizeBytes, hash: hash.digest('hex') }
    } catch (error) {
      await rm(path, { force: true })
      throw error
    } finally {
      await file.close()
    }
  }

  async function record(name: PackageName, incoming: IncomingPackage, written: Written, file: string) {
    const { spaceId, overwriteMode, by } = incoming
    const contents = {
      spaceId,
      ...name,
      title: name.packageId,
      description: '',
      releaseNotes: '',
      published: store.now().toISOString(),
      sizeBytes: written.sizeBytes,
      hash: written.hash,
      file,
    }
    return store.transaction(async ({ packages }) => {
      const existing = await packages.byVersion(spaceId, name.packageId, name.version)
      if (existing === undefined) {
        return {
          package: await packages.insert(contents, { by }),
          outcome: 'added' as const,
          replaced: undefined,
        }
      }
      if (overwriteMode !== 'OverwriteExisting') throw alreadyThere(name)
      const updated = await packages.update({ ...existing, ...contents }, by)
      return { package: updated, outcome: 'overwritten' as const, replaced: existing.file }
    })
  }

  const packageStore: PackageStore = {
    async receive(incoming) {
      const { spaceId, content, overwriteMode } = incoming
      const baseName = incoming.fileName.split(/[\\/]/).at(-1) ?? ''
      const name = parsePackageName(baseName)
      const existing =
        'problem' in name ? undefined : await store.packages.byVersion(spaceId, name.packageId, name.version)
      if ('problem' in name || (existing !== undefined && overwriteMode !== 'OverwriteExisting')) {
        // Clients read the answer only after they have sent everything.
        for await (const _chunk of content);
        if ('problem' in name) throw invalid(name.problem)
        if (existing !== undefined && overwriteMode === 'IgnoreIfExists')
          return { package: existing, outcome: 'ignored' }
        throw alreadyThere(name)
      }
      const written = await writeIncoming(content, name)
      const unique = randomBytes(16).toString('hex').toUpperCase()
      const file = posix.join(spaceId, name.packageId.toLowerCase(), cachedFileName(name, unique))
      const path = join(folder, file)
      try {
        await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
        await rename(written.path, path)
        const { replaced, ...received } = await record(name, incoming, written, file)
        // Whoever reads the old file at the moment keeps reading it; the name is not used again.
        if (replaced !== undefined) await rm(join(folder, replaced), { force: true })
        return received
      } catch (error) {
        await rm(written.path, { force: true })
        await rm(path, { force: true })
        throw error
      }
    },

    pathOf: item => join(folder, ...item.file.split('/')),

    async delete(item) {
      await store.packages.delete(item.id)
      await packageStore.removeFile(item)
    },

    removeFile: item => rm(packageStore.pathOf(item), { force: true }),

    async cleanUp() {
      await rm(incomingFolder, { recursive: true, force: true })
      const kept = new Set((await store.packages.list()).items.map(item => packageStore.pathOf(item)))
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
      for (const entry of entries) {
        const path = join(entry.parentPath, entry.name)
        if (entry.isFile() && !kept.has(path)) await rm(path, { force: true })
      }
    },
  }
  return packageStore
}
