import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import type { FileTransferService, UploadResult } from '@tentacle/contracts'
import { DataStream, type ServiceImplementation } from '@tentacle/halibut'
import { systemCode, TentacleError } from '../errors.ts'
import { prepareTarget, resolvePath, transferError } from '../transfer/target-file.ts'
import { type FreeSpace, freeSpaceOf } from '../workspaces/disk-space.ts'

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
        await prepareTarget(path, upload.length, freeSpace)
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
        return await contentOf(path)
      } catch (error) {
        if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null
        throw transferError('read', path, error)
      }
    },
  }
}

/** A file as it is now: of one that grows meanwhile, such as a log, what is there now is sent. */
async function contentOf(path: string): Promise<DataStream> {
  // Before it is opened: opening a named pipe waits for somebody who writes to it.
  if (!(await stat(path)).isFile())
    throw new TentacleError('ERR_FILE', `${path} is not a file, so it cannot be sent.`)
  // What may not be read is told now, not in the middle of the answer.
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    // The system does not know the size of its own files (`/proc/version`), and says 0.
    if (size === 0) return DataStream.fromBytes(await file.readFile())
    return DataStream.from(size, () => createReadStream(path, { end: size - 1, highWaterMark: 256 * 1024 }))
  } finally {
    await file.close()
  }
}

/**
 * Saves what is uploaded while it arrives. The old content is there until the new one is complete; the hash is taken
 * on the way.
 *
 * @returns SHA-1 in lower-case hex digits
 */
async function save(upload: DataStream, path: string): Promise<string> {
  const hash = createHash('sha1')
  await upload.saveTo(path, { onBytes: bytes => void hash.update(bytes) })
  return hash.digest('hex')
}
