import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { systemCode, TentacleError, toError } from '../errors.ts'
import { type FreeSpace, requireSpace, withReserve } from '../workspaces/disk-space.ts'

/**
 * The path that a caller means. A relative one is below the home. On this system a backslash separates folders too; `~`
 * means nothing.
 *
 * @throws TentacleError `ERR_INVALID_NAME` for what cannot be the path of a file
 */
export function resolvePath(home: string, remotePath: string): string {
  const text = process.platform === 'win32' ? remotePath : remotePath.replaceAll('\\', '/')
  if (text === '' || text.endsWith('/') || text.includes('\0')) {
    throw new TentacleError('ERR_INVALID_NAME', `${JSON.stringify(remotePath)} is not the path of a file.`)
  }
  return resolve(home, text)
}

/**
 * Makes the folder of a file that is to be stored.
 *
 * @param bytes how much is still to be written
 * @throws TentacleError `ERR_DISK_SPACE`, or `ERR_FILE` when something else than a file is in its place: a folder, or a
 *   device such as `/dev/null`, which a file would take the place of
 */
export async function prepareTarget(path: string, bytes: number, freeSpace: FreeSpace): Promise<void> {
  const old = await stat(path).catch(() => undefined)
  if (old !== undefined && !old.isFile()) {
    const what = old.isDirectory() ? 'a folder' : 'a device, pipe or socket'
    throw new TentacleError('ERR_FILE', `${path} is ${what}, so no file can be stored there.`)
  }
  await mkdir(dirname(path), { recursive: true })
  await requireSpace(dirname(path), withReserve(bytes), freeSpace)
}

/** What callers are told when a file cannot be stored or read. */
export function transferError(verb: 'stored' | 'read', path: string, thrown: unknown): TentacleError {
  if (thrown instanceof TentacleError) return thrown
  return new TentacleError('ERR_FILE', `The file ${path} cannot be ${verb}: ${toError(thrown).message}`, {
    details: { path, systemCode: systemCode(thrown) },
    cause: thrown,
  })
}
