import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { ResumableUpload } from '@tentacle/contracts'
import { TentacleError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import type { FreeSpace } from '../workspaces/disk-space.ts'
import { workFolder } from '../workspaces/script-workspace.ts'
import { PartialFile } from './partial-file.ts'
import { resolvePath } from './target-file.ts'
import { Upload } from './upload.ts'
import { partialName, UploadRecords } from './upload-records.ts'

/** So many uploads are remembered between two calls. One that is forgotten has its file read once more. */
const maximumRemembered = 100

/** Where uploads go, and what they need. */
export interface UploadsOptions {
  /** Where relative paths begin. */
  readonly home: string
  readonly freeSpace: FreeSpace
  /** How long a call may wait for a file to be read or a disk to be written. Default 20 s. */
  readonly patienceMs?: number
}

/** The unfinished uploads of a home. */
export class Uploads {
  readonly #options: UploadsOptions
  readonly #records: UploadRecords
  /** The one that was used last is last. */
  readonly #known = new Map<string, Upload>()

  constructor(options: UploadsOptions) {
    this.#options = options
    this.#records = new UploadRecords(join(workFolder(options.home), '.uploads'))
  }

  /**
   * The upload of this file to this place: the same one for the same request.
   *
   * @throws TentacleError `ERR_INVALID_NAME` when the request names no file
   */
  of({ remotePath, length, hash }: ResumableUpload): Upload {
    const target = resolvePath(this.#options.home, remotePath)
    const digest = hash.toLowerCase()
    if (!/^[0-9a-f]{40}$/.test(digest) || length < 0) {
      throw new TentacleError(
        'ERR_INVALID_NAME',
        `A file of ${length} bytes with the SHA-1 digest ${JSON.stringify(hash.slice(0, 80))} cannot be uploaded: the digest has 40 hex digits, and the length is not negative.`,
      )
    }
    const id = createHash('sha1')
      .update(JSON.stringify([target, length, digest]))
      .digest('hex')
    const upload = this.#known.get(id) ?? this.#open(id, target, length, digest)
    this.#known.delete(id)
    this.#known.set(id, upload)
    this.#forgetBut(upload)
    return upload
  }

  /** Deletes the files of uploads that nobody goes on with any more. */
  clean(now: () => Date, log: Pick<Log, 'info' | 'warn'>): Promise<void> {
    return this.#records.clean(id => this.#known.get(id)?.isBusy === true, now, log)
  }

  #open(id: string, target: string, length: number, hash: string): Upload {
    return new Upload({
      id,
      target,
      partial: new PartialFile(join(dirname(target), partialName(id)), target),
      length,
      hash,
      records: this.#records,
      freeSpace: this.#options.freeSpace,
      patienceMs: this.#options.patienceMs ?? 20_000,
    })
  }

  /** Two objects for one file would not know of each other, so those in use stay. */
  #forgetBut(used: Upload): void {
    for (const [id, upload] of this.#known) {
      if (this.#known.size <= maximumRemembered) return
      if (upload !== used && !upload.isBusy) this.#known.delete(id)
    }
  }
}
