import { open } from 'node:fs/promises'
import type {
  DownloadPart,
  DownloadRequest,
  ResumableFileTransferService,
  UploadState,
} from '@tentacle/contracts'
import { DataStream, type ServiceImplementation } from '@tentacle/halibut'
import { systemCode, TentacleError } from '../errors.ts'
import { resolvePath, transferError } from '../transfer/target-file.ts'
import type { Uploads } from '../transfer/uploads.ts'
import { versionOf } from '../transfer/version-of-file.ts'

/**
 * Files to and from this machine that go on where they were cut off (docs/wire/tentacle-services.md, "Resumable
 * transfers"). Paths and rights are those of the plain file transfer.
 *
 * @param home where relative paths begin
 */
export function createResumableTransferService(
  home: string,
  uploads: Uploads,
): ServiceImplementation<typeof ResumableFileTransferService> {
  return {
    async startUpload(upload, { thumbprint }) {
      const state = () => uploads.of(upload).start(`${thumbprint}/${upload.sender}`)
      return stored(resolvePath(home, upload.remotePath), state)
    },
    async uploadPart(upload, offset, part, { thumbprint }) {
      const sender = `${thumbprint}/${upload.sender}`
      return stored(resolvePath(home, upload.remotePath), async () => {
        const state = await uploads.of(upload).append(sender, offset, part)
        return state.status === 'Open' && state.heldBytes === upload.length
          ? uploads.of(upload).start(sender)
          : state
      })
    },
    async downloadPart(request) {
      const path = resolvePath(home, request.remotePath)
      try {
        return await partOf(path, request)
      } catch (error) {
        if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null
        throw transferError('read', path, error)
      }
    },
  }
}

async function stored(path: string, run: () => Promise<UploadState>): Promise<UploadState> {
  try {
    return await run()
  } catch (error) {
    throw transferError('stored', path, error)
  }
}

/** The part that is wanted, if the file is still the one that was asked for. */
async function partOf(
  path: string,
  { version: wanted, offset, maximumBytes }: DownloadRequest,
): Promise<DownloadPart> {
  const file = await open(path, 'r')
  try {
    const found = versionOf(await file.stat({ bigint: true }))
    if (found === undefined)
      throw new TentacleError('ERR_FILE', `${path} is not a file, so it cannot be sent.`)
    const { version, length } = found
    if (wanted !== '' && wanted !== version) return { version, length, content: null }
    if (offset < 0 || offset > length || maximumBytes < 0) {
      throw new TentacleError(
        'ERR_FILE',
        `${path} has ${length} bytes: there are no ${maximumBytes} bytes of it at ${offset}.`,
      )
    }
    const end = Math.min(length, offset + maximumBytes)
    const content = DataStream.from(end - offset, () => contentOf(path, version, offset, end))
    return { version, length, content }
  } finally {
    await file.close()
  }
}

/** Reads when the answer is sent. The file may be another one by then. */
async function* contentOf(
  path: string,
  version: string,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  if (start === end) return
  const file = await open(path, 'r')
  try {
    if (versionOf(await file.stat({ bigint: true }))?.version !== version)
      throw new TentacleError('ERR_FILE', `${path} was changed while it was being sent. Begin again.`)
    yield* file.createReadStream({ start, end: end - 1, highWaterMark: 256 * 1024, autoClose: false })
  } finally {
    await file.close()
  }
}
