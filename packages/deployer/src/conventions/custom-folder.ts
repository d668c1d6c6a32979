import { constants } from 'node:fs'
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readlink,
  rm,
  rmdir,
  symlink,
  utimes,
} from 'node:fs/promises'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { DeployerError, systemCode, throwIfCancelled } from '../errors.ts'
import { matchesGlob, parseGlob } from '../files/glob.ts'
import { removeTree } from '../files/remove-tree.ts'
import { variableNames } from '../variables/variable-names.ts'
import { type Deployment, setOutput } from './deployment.ts'

/**
 * Copies the package to the folder that the step names, after emptying it if the step wants that; the conventions go
 * on there (docs/wire/deployment.md, section 10). Without such a folder only the variables are set. Throws ERR_FOLDER.
 */
export async function copyToCustomFolder(work: Deployment): Promise<void> {
  const { variables, log, io } = work
  const wanted = variables.complete(variableNames.customFolder)
  if (wanted === undefined) {
    variables.set(variableNames.customFolder, work.folder)
    return
  }
  const target = checked(wanted, work.folder)
  try {
    await mkdir(target, { recursive: true })
    if (variables.flag(variableNames.customFolderPurge)) {
      log.info(`Removing what is in ${target}.`)
      await purge(target, variables.lines(variableNames.customFolderPurgeExclusions), io.signal)
    }
    const count = await copyTree(work.folder, target, io.signal)
    log.verbose(`Copied ${count} files to ${target}.`)
    setOutput(work, 'Package.CopiedFileCount', String(count))
  } catch (error) {
    throw explained(error, target)
  }
  variables.set(variableNames.customFolder, target)
  setOutput(work, variableNames.installationFolderOutput, target)
  setOutput(work, variableNames.installationFolder, target)
  work.folder = target
}

function checked(wanted: string, folder: string): string {
  if (!isAbsolute(wanted)) {
    throw new DeployerError(
      'ERR_FOLDER',
      `The custom installation folder '${wanted}' is not a full path. Give one that starts at the root.`,
    )
  }
  const target = resolve(wanted)
  const way = relative(folder, target)
  if (way === '' || !(way.startsWith('..') || isAbsolute(way))) {
    throw new DeployerError(
      'ERR_FOLDER',
      `The custom installation folder ${target} lies within the folder that the package was unpacked to. Choose another.`,
    )
  }
  return target
}

/** Removes everything in a folder but what the patterns name, relative to it. Links are removed, not followed. */
export async function purge(
  folder: string,
  exclusions: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const kept = exclusions.flatMap(parseGlob)
  const isKept = (path: readonly string[]) =>
    kept.some(parts => matchesGlob(parts, path, process.platform !== 'linux'))
  await purgeBelow(folder, [], isKept, signal)
}

async function purgeBelow(
  root: string,
  path: readonly string[],
  isKept: (path: readonly string[]) => boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const entry of await readdir(join(root, ...path), { withFileTypes: true })) {
    throwIfCancelled(signal)
    const inner = [...path, entry.name]
    if (isKept(inner)) continue
    if (!entry.isDirectory()) {
      await patiently(() => rm(join(root, ...inner), { force: true }), signal)
      continue
    }
    await purgeBelow(root, inner, isKept, signal)
    // A folder that still holds something kept stays.
    await patiently(() => rmdir(join(root, ...inner)), signal).catch((error: unknown) => {
      if (!['ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '')) throw error
    })
  }
}

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

/** Files that are in use are often free a moment later. */
async function patiently(work: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const deadline = Date.now() + 60_000
  for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 2000)) {
    try {
      return await work()
    } catch (error) {
      if (!['EBUSY', 'EPERM'].includes(systemCode(error) ?? '') || Date.now() > deadline) throw error
      throwIfCancelled(signal)
      await new Promise(resolve => setTimeout(resolve, waitMs))
    }
  }
}

function explained(error: unknown, target: string): unknown {
  const code = systemCode(error)
  if (code === undefined) return error
  const inUse = ['EBUSY', 'EPERM', 'EACCES', 'ETXTBSY'].includes(code)
  return new DeployerError(
    'ERR_FOLDER',
    `The package could not be copied to ${target} (${code}).${inUse ? ' Is the application still running, and may this user write there?' : ''}`,
    { cause: error },
  )
}
