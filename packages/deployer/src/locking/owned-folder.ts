import { randomBytes } from 'node:crypto'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../errors.ts'
import { removeTree } from '../files/remove-tree.ts'
import { tryMachineLock } from './machine-lock.ts'

/** Where folders of one kind are made, how their names begin, and who may open them. */
export interface FolderKind {
  readonly parent: string
  readonly prefix: string
  readonly mode: number
}

/**
 * Gives the work a fresh folder and removes it when the work did not move it away. A lock under the folder's name says
 * that its owner lives, so that what killed processes left behind can be told from what is in use.
 */
export async function withOwnedFolder<T>(
  { parent, prefix, mode }: FolderKind,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = join(parent, `${prefix}${randomBytes(8).toString('hex')}`)
  const lock = await tryMachineLock(folder)
  try {
    await mkdir(folder, { mode })
    return await work(folder)
  } finally {
    await removeTree(folder)
    await lock?.release()
  }
}

/** Removes folders of this kind whose owners are gone. Those of other users, which cannot be removed, stay. */
export async function removeAbandonedFolders(
  { parent, prefix }: FolderKind,
  onRemove: (folder: string) => void,
): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue
    const folder = join(parent, name)
    const lock = await tryMachineLock(folder)
    if (lock === undefined) continue
    try {
      onRemove(folder)
      await removeTree(folder)
    } catch (error) {
      if (!['EACCES', 'EPERM'].includes(systemCode(error) ?? '')) throw error
    } finally {
      await lock.release()
    }
  }
}
