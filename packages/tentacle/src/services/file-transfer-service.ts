import { createHash, randomUUID } from 'node:crypto'
import { access, chmod, constants, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { FileTransferService, UploadResult } from '@tentacle/contracts'
import { DataStream, type ServiceImplementation } from '@tentacle/halibut'
import { systemCode, TentacleError, toError } from '../errors.ts'
import { type FreeSpace, freeSpaceOf, requireSpace, withReserve } from '../workspaces/disk-space.ts'

export interface FileTransferOptions {
  /** Where relative paths begin. */
  readonly home: string
  readonly freeSpace?: FreeSpace
}

/**
 * Files to and from this machine, with the rights of the agent's account: absolute paths are allowed
 * (docs/wire/tentacle-scripts.md, "File transfer").
 */
export function createFileTransferService({
  home,
  freeSpace = freeSpaceOf,
}: FileTransferOptions): ServiceImplementation<typeof FileTransferService> {
  return {
    async uploadFile(remotePath, upload) {
      const path = resolvePath(home, remotePath)
      if (upload === null) return { fullPath: path, hash: null, length: 0 }
      try {
        await mkdir(dirname(path), { recursive: true })
        await requireSpace(dirname(path), withReserve(upload.length), freeSpace)
        return {
          fullPath: path,
          hash: await save(upload, path),
          length: upload.length,
        } satisfies UploadResult
      } catch (error) {
        throw transferError('stored', path, error)
      }
    },
    async downloadFile(remotePath) {
      const path = resolvePath(home, remotePath)
      try {
        await access(path, constants.R_OK)
        const info = await stat(path)
        if (!info.isFile())
          throw new TentacleError('ERR_FILE', `${path} is not a file, so it cannot be sent.`)
        return await DataStream.fromFile(path)
      } catch (error) {
        if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null
        throw transferError('read', path, error)
      }
    },
  }
}

/** A relative path is one below the home. On this system a backslash separates folders too; `~` means nothing. */
function resolvePath(home: string, remotePath: string): string {
  const text = process.platform === 'win32' ? remotePath : remotePath.replaceAll('\\', '/')
  if (text === '' || text.endsWith('/') || text.includes('\0')) {
    throw new TentacleError('ERR_INVALID_NAME', `${JSON.stringify(remotePath)} is not the path of a file.`)
  }
  return resolve(home, text)
}

/**
 * Writes beside the target and renames, so the old content is there until the new one is complete. The hash is taken
 * on the way. A file that was there keeps its permissions.
 *
 * @returns SHA-1 in lower-case hex digits
 */
async function save(upload: DataStream, path: string): Promise<string> {
  const old = await stat(path).catch(() => undefined)
  if (old?.isDirectory())
    throw new TentacleError('ERR_FILE', `${path} is a folder, so no file can be stored there.`)
  const beside = join(dirname(path), `.${randomUUID()}.partial`)
  const hash = createHash('sha1')
  try {
    const file = await open(beside, 'wx')
    try {
      let written = 0
      for await (const chunk of upload.read()) {
        const bytes: Buffer = chunk
        hash.update(bytes)
        for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
        written += bytes.length
      }
      if (written !== upload.length) {
        throw new TentacleError('ERR_FILE', `${written} of ${upload.length} bytes arrived for ${path}.`)
      }
      await file.datasync()
    } finally {
      await file.close()
    }
    if (old !== undefined) await chmod(beside, old.mode & 0o7777)
    await rename(beside, path)
    return hash.digest('hex')
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

function transferError(verb: 'stored' | 'read', path: string, thrown: unknown): TentacleError {
  if (thrown instanceof TentacleError) return thrown
  return new TentacleError('ERR_FILE', `The file ${path} cannot be ${verb}: ${toError(thrown).message}`, {
    details: { path, systemCode: systemCode(thrown) },
    cause: thrown,
  })
}
