import { createHash } from 'node:crypto'
import { access, constants, mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
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
 * Saves what is uploaded while it arrives. The old content is there until the new one is complete; the hash is taken
 * on the way.
 *
 * @returns SHA-1 in lower-case hex digits
 */
async function save(upload: DataStream, path: string): Promise<string> {
  const old = await stat(path).catch(() => undefined)
  if (old?.isDirectory())
    throw new TentacleError('ERR_FILE', `${path} is a folder, so no file can be stored there.`)
  const hash = createHash('sha1')
  await upload.saveTo(path, { onBytes: bytes => void hash.update(bytes) })
  return hash.digest('hex')
}

function transferError(verb: 'stored' | 'read', path: string, thrown: unknown): TentacleError {
  if (thrown instanceof TentacleError) return thrown
  return new TentacleError('ERR_FILE', `The file ${path} cannot be ${verb}: ${toError(thrown).message}`, {
    details: { path, systemCode: systemCode(thrown) },
    cause: thrown,
  })
}
