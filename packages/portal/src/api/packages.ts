import { ApiError, errorFromAnswer } from './api-error.ts'
import type { ApiClient } from './client.ts'
import { asObject, type Json, moment, number, type Page, page, text } from './read.ts'

/** One version of a package in the server's own feed. */
export interface Package {
  readonly id: string
  readonly packageId: string
  readonly version: string
  readonly extension: string
  /** Size in bytes. */
  readonly size: number
  readonly published: number | undefined
}

/** What to do when the feed already has this version. */
export type OverwriteMode = 'FailIfExists' | 'OverwriteExisting'

/** A page of package versions whose id contains the filter; `latest` asks for the newest version of each only. */
export async function listPackages(
  api: ApiClient,
  space: string,
  { filter = '', take = 200 }: { filter?: string; take?: number },
  signal?: AbortSignal,
): Promise<Page<Package>> {
  const query = new URLSearchParams({ take: String(take) })
  if (filter !== '') query.set('filter', filter)
  return page(await api.get(`api/${space}/packages?${query}`, signal), readPackage)
}

/** The address of a package's bytes. */
export function packageUrl(api: ApiClient, space: string, id: string): string {
  return api.url(`api/${space}/packages/${encodeURIComponent(id)}/raw`)
}

/** How far an upload is, both in bytes. */
export interface UploadProgress {
  readonly sent: number
  readonly total: number
}

/** One upload. */
export interface Upload {
  readonly file: File
  readonly mode: OverwriteMode
  readonly onProgress: (progress: UploadProgress) => void
  readonly signal: AbortSignal
}

/**
 * Sends a file into the server's feed. Only XMLHttpRequest tells how much of a body has left.
 * @throws ApiError ERR_REFUSED with status 409 when the version is there already
 */
export async function uploadPackage(api: ApiClient, space: string, upload: Upload): Promise<Package> {
  const headers = await api.changeHeaders()
  const { promise, resolve, reject } = Promise.withResolvers<Package>()
  const request = new XMLHttpRequest()
  request.open('POST', api.url(`api/${space}/packages/raw?overwriteMode=${upload.mode}`))
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
  request.upload.onprogress = ({ loaded, total }) => upload.onProgress({ sent: loaded, total })
  request.onload = () => {
    try {
      resolve(readUploadAnswer(request.status, request.responseText))
    } catch (error) {
      reject(error)
    }
  }
  request.onerror = () =>
    reject(new ApiError('ERR_UNREACHABLE', 'The connection was lost during the upload. Nothing was stored.'))
  request.onabort = () => reject(upload.signal.reason)
  const abort = () => request.abort()
  upload.signal.addEventListener('abort', abort)
  const body = new FormData()
  body.append('fileToUpload', upload.file, upload.file.name)
  request.send(body)
  return promise.finally(() => upload.signal.removeEventListener('abort', abort))
}

function readUploadAnswer(status: number, body: string): Package {
  if (status < 200 || status > 299) throw errorFromAnswer(status, body)
  return readPackage(asObject(JSON.parse(body)))
}

function readPackage(item: Json): Package {
  return {
    id: text(item, 'Id'),
    packageId: text(item, 'PackageId'),
    version: text(item, 'Version'),
    extension: text(item, 'FileExtension'),
    size: number(item, 'PackageSizeBytes'),
    published: moment(item, 'Published'),
  }
}
