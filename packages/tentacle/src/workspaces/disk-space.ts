import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode, TentacleError } from '../errors.ts'

/** How many bytes the account may still write at a path. */
export type FreeSpace = (path: string) => Promise<number>

const mebibyte = 1024 * 1024

/** What a script needs at the least, before anything is prepared: 500 MiB, a tenth more, and 1 MiB. */
export const neededForScript = withReserve(500 * mebibyte)

/** What must be free before so many bytes are written. */
export function withReserve(bytes: number): number {
  return Math.ceil(bytes * 1.1) + mebibyte
}

/** Free space of the volume of a path, or of the nearest folder above it that exists. */
export const freeSpaceOf: FreeSpace = async path => {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error
    return freeSpaceOf(dirname(path))
  }
}

/**
 * @param freeUp called once when there is too little, before it is looked again
 * @throws TentacleError `ERR_DISK_SPACE` with the path, what is needed and what is there
 */
export async function requireSpace(
  path: string,
  neededBytes: number,
  freeSpace: FreeSpace = freeSpaceOf,
  freeUp: () => Promise<unknown> = async () => {},
): Promise<void> {
  if ((await freeSpace(path)) >= neededBytes) return
  await freeUp()
  const freeBytes = await freeSpace(path)
  if (freeBytes >= neededBytes) return
  throw new TentacleError(
    'ERR_DISK_SPACE',
    `There is not enough room on the disk of ${path}: ${inMebibytes(neededBytes)} are needed and ${inMebibytes(freeBytes)} are free. Free some space there and try again.`,
    { details: { path, neededBytes, freeBytes } },
  )
}

function inMebibytes(bytes: number): string {
  return `${Math.floor(bytes / mebibyte)} MiB`
}
