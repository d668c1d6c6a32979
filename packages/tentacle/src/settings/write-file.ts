import { chown, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode, TentacleError, toError } from '../errors.ts'
import { whileBusy } from '../while-busy.ts'
import { crypto } from './crypto.ts'

/** How a file is written. */
export interface WriteOptions {
  /** Permissions of a file that is new. Default 0o600: only the account that made it can read it. */
  readonly mode?: number
  /** Whether to make the folder if it is missing. Default false: a path that was typed may be wrong. */
  readonly makeFolder?: boolean
}

/**
 * Writes a file beside the old one and renames it into place, so that a reader, a crash or a power cut finds either
 * the old text or the new one, never a part. An existing file keeps its owner and permissions, and a symbolic link
 * keeps pointing to it: the service account that could read it before can still read it.
 *
 * @throws TentacleError `ERR_FILE` that names the path and the reason.
 */
export async function writeFileSafely(
  path: string,
  content: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  try {
    if (options.makeFolder) await mkdir(dirname(path), { recursive: true })
    const target = await realpath(path).catch(() => path)
    const old = await stat(target).catch(() => undefined)
    if (old?.isDirectory())
      throw new TentacleError('ERR_FILE', `Cannot write ${path}: there is a folder of that name.`)
    const beside = `${target}.${crypto().randomBytes(6).toString('hex')}.tmp`
    try {
      const mode = old === undefined ? (options.mode ?? 0o600) : old.mode & 0o777
      const file = await open(beside, 'wx', mode)
      try {
        await file.writeFile(content)
        await file.chmod(mode)
        await file.sync()
      } finally {
        await file.close()
      }
      if (old !== undefined && process.getuid?.() === 0) await chown(beside, old.uid, old.gid)
      await replace(beside, target, content)
    } catch (error) {
      await rm(beside, { force: true })
      throw error
    }
  } catch (error) {
    throw fileError('write', path, error)
  }
}

/**
 * A file that is mounted by itself, as containers do it, can be overwritten but not replaced. Only there a reader may see
 * a part of the new text.
 */
async function replace(beside: string, target: string, content: string | Uint8Array): Promise<void> {
  try {
    await whileBusy(() => rename(beside, target))
  } catch (error) {
    if (process.platform === 'win32' || systemCode(error) !== 'EBUSY') throw error
    await overwrite(target, content)
    await rm(beside)
  }
}

async function overwrite(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Reads a whole file.
 *
 * @throws TentacleError `ERR_FILE`; `details.systemCode` is `ENOENT` when there is no such file.
 */
export async function readWholeFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw fileError('read', path, error)
  }
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file or folder'],
  ['ENOTDIR', 'a part of the path is not a folder'],
  ['EISDIR', 'it is a folder'],
  ['EACCES', 'this account has no right to do that'],
  ['EPERM', 'the system does not allow it'],
  ['EROFS', 'the disk is read-only'],
  ['ENOSPC', 'the disk is full'],
  ['ENAMETOOLONG', 'the name is too long'],
])

/** One error for every failed file call: what was tried, on what, why, and what helps. */
export function fileError(
  verb: 'read' | 'write' | 'create' | 'delete' | 'lock',
  path: string,
  thrown: unknown,
): TentacleError {
  if (thrown instanceof TentacleError) return thrown
  const code = systemCode(thrown)
  const reason = (code === undefined ? undefined : reasons.get(code)) ?? toError(thrown).message
  const remedy =
    code === 'EACCES' || code === 'EPERM' ? ' Run the command as the account that owns it, or as root.' : ''
  return new TentacleError('ERR_FILE', `Cannot ${verb} ${path}: ${reason}.${remedy}`, {
    details: { path, systemCode: code },
    cause: thrown,
  })
}
