import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FolderKind, removeAbandonedFolders, withOwnedFolder } from '../locking/owned-folder.ts'

/** A temporary folder that only this user can open, for files with secrets in them. */
export interface PrivateFolder {
  /** Writes a file that only this user can read and answers its path. */
  write(name: string, text: string): Promise<string>
}

/**
 * Gives the work a private folder and removes it with all that is in it. Folders that killed processes of this user
 * left are removed as well: there may be secrets in them.
 */
export async function withPrivateFolder<T>(work: (folder: PrivateFolder) => Promise<T>): Promise<T> {
  const kind: FolderKind = { parent: tmpdir(), prefix: 'tentacle-script-', mode: 0o700 }
  await removeAbandonedFolders(kind, () => {})
  return await withOwnedFolder(kind, path =>
    work({
      async write(name, text) {
        const file = join(path, name)
        await writeFile(file, text, { mode: 0o600, flag: 'wx' })
        return file
      },
    }),
  )
}
