import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from '../errors.ts'

/**
 * Makes a folder and the folders above it that are missing. Unlike the built-in way it ends on every system: below
 * /proc that one tries for ever.
 */
export async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') return await requireFolder(path, error)
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolders(dirname(path))
    await mkdir(path).catch((second: unknown) => {
      if (systemCode(second) !== 'EEXIST') throw second
    })
  }
}

/** Something is there: fine if it is a folder or a link to one. */
async function requireFolder(path: string, error: unknown): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() !== true) throw error
}
