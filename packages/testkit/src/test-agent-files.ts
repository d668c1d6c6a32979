import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import type { FileTransferService } from '@tentacle/contracts'
import { DataStream, type ServiceImplementation } from '@tentacle/halibut'

/** The file transfer of a test agent, and what it was used for. */
export interface TestFiles {
  readonly service: ServiceImplementation<typeof FileTransferService>
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
  return {
    uploads,
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
