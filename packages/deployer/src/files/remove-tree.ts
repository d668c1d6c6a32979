import { chmod, lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../errors.ts'

/**
 * Removes a file or a folder with everything in it; links are removed, not followed. Folders without write permission
 * are made writable first, because their owner may well remove what is in them. Nothing there is no error.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(systemCode(error) ?? '')) throw error
    await makeWritable(path)
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function makeWritable(path: string): Promise<void> {
  const found = await lstat(path)
  if (!found.isDirectory()) return
  await chmod(path, (found.mode & 0o777) | 0o700)
  for (const name of await readdir(path)) await makeWritable(join(path, name))
}
