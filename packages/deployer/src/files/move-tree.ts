import { lstat, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from './remove-tree.ts'

/** Moves what is in one folder into another on the same disk; folders of the same name are merged, files replaced. */
export async function moveTree(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    const target = join(to, entry.name)
    const existing = await lstat(target).catch(() => undefined)
    if (entry.isDirectory() && existing?.isDirectory() === true) {
      await moveTree(source, target)
      continue
    }
    if (existing !== undefined && (entry.isDirectory() || existing.isDirectory())) await removeTree(target)
    await rename(source, target)
  }
}
