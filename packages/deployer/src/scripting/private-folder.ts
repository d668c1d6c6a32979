import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeTree } from '../files/remove-tree.ts'

/** A temporary folder that only this user can open, for files with secrets in them. */
export interface PrivateFolder {
  /** Writes a file that only this user can read and answers its path. */
  write(name: string, text: string): Promise<string>
}

/** Gives the work a private folder and removes it with all that is in it. */
export async function withPrivateFolder<T>(work: (folder: PrivateFolder) => Promise<T>): Promise<T> {
  const path = await mkdtemp(join(tmpdir(), 'deployer-'))
  try {
    return await work({
      async write(name, text) {
        const file = join(path, name)
        await writeFile(file, text, { mode: 0o600, flag: 'wx' })
        return file
      },
    })
  } finally {
    await removeTree(path)
  }
}
