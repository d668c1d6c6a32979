import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  DeployerError,
  defaultArchiveLimits,
  extractPackage,
  type PackageFile,
  parsePackageName,
} from '@tentacle/deployer'
import { systemCode, TentacleError } from '../errors.ts'
import { fileError } from '../settings/write-file.ts'

/** How often a package that another program holds is tried, as in the original. */
const tries = 10

/** What goes by: virus scanners and copies that are not finished hold a file for a while. */
const passing: ReadonlySet<string | undefined> = new Set(['EBUSY', 'ETXTBSY', 'EAGAIN', 'EMFILE', 'ENFILE'])

/** How a package is unpacked. */
export interface UnpackOptions {
  /** Between two tries, in ms. */
  readonly pauseMs: number
  readonly signal: AbortSignal
}

/**
 * Unpacks a package into a folder that may have files already: those of the same name are replaced when the whole package
 * has turned out to be sound.
 *
 * @returns the number of files in the package
 * @throws TentacleError `ERR_PACKAGE` for a package that cannot be unpacked, `ERR_FILE` for a folder that cannot be
 * written.
 */
export async function unpackInto(path: string, folder: string, options: UnpackOptions): Promise<number> {
  const staging = await makeStaging(folder)
  try {
    for (let attempt = 1; ; attempt++) {
      const into = join(staging, String(attempt))
      await mkdir(into)
      try {
        const { files } = await extractPackage(packageAt(path), into, {
          limits: defaultArchiveLimits,
          signal: options.signal,
        })
        await cp(into, folder, { recursive: true, verbatimSymlinks: true })
        return files
      } catch (error) {
        if (attempt === tries || !passesBy(error)) throw refusal(error, folder)
        await delay(options.pauseMs, undefined, { signal: options.signal })
      }
    }
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/** On the same disk as the target, and with a name that sorts away. */
async function makeStaging(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true })
    return await mkdtemp(join(dirname(folder), `.${basename(folder)}.unpacking-`))
  } catch (error) {
    throw fileError('create', folder, error)
  }
}

/** A name without a version is no obstacle here: only the extension is needed. */
function packageAt(path: string): PackageFile {
  try {
    return { ...parsePackageName(path), path }
  } catch {
    return { id: basename(path), version: '0.0', format: 'Semver', extension: extname(path), path }
  }
}

function passesBy(error: unknown): boolean {
  return (
    passing.has(systemCode(error)) || (error instanceof DeployerError && passing.has(systemCode(error.cause)))
  )
}

function refusal(error: unknown, folder: string): Error {
  if (error instanceof DeployerError) return new TentacleError('ERR_PACKAGE', error.message, { cause: error })
  return fileError('write', folder, error)
}
