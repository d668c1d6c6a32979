import { randomBytes } from 'node:crypto'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from '../files/remove-tree.ts'
import { type MachineLock, tryMachineLock } from '../locking/machine-lock.ts'
import type { DeploymentLog } from '../log/deployment-log.ts'

const prefix = '.extracting-'

/**
 * Gives the work a fresh folder below `parent` and removes it when the work did not move it away. A lock under the
 * folder's name says that its owner lives, so that leftovers of killed processes can be told from folders in use.
 */
export async function withStagingFolder<T>(parent: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(parent, `${prefix}${randomBytes(8).toString('hex')}`)
  const lock = await tryMachineLock(folder)
  try {
    await mkdir(folder, { mode: 0o755 })
    return await work(folder)
  } finally {
    await removeTree(folder)
    await lock?.release()
  }
}

/** Removes what processes that were killed while they unpacked a package left below `parent`. */
export async function removeAbandonedFolders(parent: string, log: DeploymentLog): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue
    const folder = join(parent, name)
    const lock: MachineLock | undefined = await tryMachineLock(folder)
    if (lock === undefined) continue
    try {
      log.verbose(`Removing ${folder}, which an interrupted deployment left behind.`)
      await removeTree(folder)
    } finally {
      await lock.release()
    }
  }
}
