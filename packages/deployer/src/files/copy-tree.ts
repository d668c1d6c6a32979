import { constants } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, readdir, readlink, rm, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode, throwIfCancelled } from '../errors.ts'
import { patiently } from './patiently.ts'
import { removeTree } from './remove-tree.ts'

/** Copies everything in a folder over what is in another; modes, times and links stay as they are. Answers the count of files. */
export async function copyTree(from: string, to: string, signal?: AbortSignal): Promise<number> {
  let count = 0
  for (const entry of await readdir(from, { withFileTypes: true })) {
    throwIfCancelled(signal)
    const source = join(from, entry.name)
    const target = join(to, entry.name)
    if (entry.isDirectory()) {
      await makeFolderAt(target)
      count += await copyTree(source, target, signal)
    } else if (entry.isSymbolicLink()) {
      await removeTree(target)
      await symlink(await readlink(source), target)
      count += 1
    } else if (entry.isFile()) {
      await patiently(() => copyOne(source, target), signal)
      count += 1
    }
  }
  return count
}

async function copyOne(source: string, target: string): Promise<void> {
  const existing = await lstat(target).catch(() => undefined)
  // Never write through a link: it may lead anywhere, and the package wants a file of its own here.
  if (existing !== undefined && !existing.isFile()) await removeTree(target)
  await copyFile(source, target, constants.COPYFILE_FICLONE).catch(async (error: unknown) => {
    // A running program cannot be overwritten, but it can be replaced.
    if (systemCode(error) !== 'ETXTBSY' && systemCode(error) !== 'EACCES') throw error
    await rm(target, { force: true })
    await copyFile(source, target, constants.COPYFILE_FICLONE)
  })
  const { mode, atime, mtime } = await lstat(source)
  await chmod(target, mode & 0o7777)
  await utimes(target, atime, mtime)
}

async function makeFolderAt(path: string): Promise<void> {
  const existing = await lstat(path).catch(() => undefined)
  if (existing?.isDirectory() === true) return
  // A link to a folder is how some put data elsewhere; it is kept and written into.
  if (existing?.isSymbolicLink() === true) return
  if (existing !== undefined) await removeTree(path)
  await mkdir(path)
}
