import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type {
  FileTransferService,
  ResumableFileTransferService,
  ResumableUpload,
  UploadState,
} from '@tentacle/contracts'
import { DataStream, type ServiceImplementation } from '@tentacle/halibut'

/** The file transfer of a test agent, and what it was used for. */
export interface TestFiles {
  readonly service: ServiceImplementation<typeof FileTransferService>
  /** What our own agents have besides. Its streams must be live. */
  readonly resumable: ServiceImplementation<typeof ResumableFileTransferService>
  /** Paths below home that were uploaded, in order. */
  readonly uploads: string[]
}

async function sha1(path: string): Promise<string> {
  const hash = createHash('sha1')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

/** Makes a file transfer service for a home folder. */
export function createTestFiles(home: string): TestFiles {
  const uploads: string[] = []
  const partialOf = ({ hash }: ResumableUpload) => join(home, `.${hash}.partial`)
  const heldBytes = async (upload: ResumableUpload) =>
    (await stat(partialOf(upload)).catch(() => undefined))?.size ?? 0

  async function startUpload(upload: ResumableUpload): Promise<UploadState> {
    const held = await heldBytes(upload)
    if (held < upload.length) return { status: 'Open', heldBytes: held, result: null }
    const partial = partialOf(upload)
    const hash = await sha1(partial)
    if (hash !== upload.hash) {
      await rm(partial)
      return { status: 'Damaged', heldBytes: 0, result: null }
    }
    const fullPath = resolve(home, upload.remotePath)
    await mkdir(dirname(fullPath), { recursive: true })
    await rename(partial, fullPath)
    uploads.push(relative(home, fullPath))
    return { status: 'Complete', heldBytes: held, result: { fullPath, hash, length: held } }
  }

  return {
    uploads,
    resumable: {
      startUpload,
      async uploadPart(upload, offset, part) {
        if (offset === (await heldBytes(upload)))
          for await (const chunk of part.read()) await appendFile(partialOf(upload), chunk)
        return startUpload(upload)
      },
      downloadPart: () => null,
    },
    service: {
      async uploadFile(remotePath, stream) {
        const fullPath = resolve(home, remotePath.replaceAll('\\', '/'))
        if (stream === null) return { fullPath, hash: null, length: 0 }
        await mkdir(dirname(fullPath), { recursive: true })
        await stream.saveTo(fullPath)
        uploads.push(relative(home, fullPath))
        return { fullPath, hash: await sha1(fullPath), length: stream.length }
      },
      downloadFile: remotePath => DataStream.fromFile(resolve(home, remotePath)).catch(() => null),
    },
  }
}
