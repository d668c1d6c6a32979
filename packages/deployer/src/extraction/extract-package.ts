import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { DeployerError, systemCode, throwIfCancelled, toError } from '../errors.ts'
import type { DeploymentLog } from '../log/deployment-log.ts'
import type { PackageName } from '../packages/package-name.ts'
import type { ExecutionVariables } from '../variables/execution-variables.ts'
import { applicationFolder, claimFolder, makeFolder } from './application-folder.ts'
import type { ArchiveFormat } from './archive-format.ts'
import { type ArchiveLimits, ArchiveMeter, archiveLimits } from './archive-limits.ts'
import { ExtractionTarget } from './extraction-target.ts'
import { requireFreeSpace } from './free-space.ts'
import { removeAbandonedStaging, withStagingFolder } from './staging-folder.ts'
import { tarFormat, tarGzipFormat } from './tar-archive.ts'
import { zipFormat } from './zip-archive.ts'

/** A package file together with what it is called. */
export interface PackageFile extends PackageName {
  readonly path: string
}

export interface Extracted {
  readonly files: number
  readonly bytes: number
}

const formats: readonly (readonly [extensions: readonly string[], format: ArchiveFormat])[] = [
  [['.zip', '.whl', '.nupkg', '.jar', '.war', '.ear', '.rar'], zipFormat],
  [['.tar'], tarFormat],
  [['.tar.gz', '.tgz', '.tar.z'], tarGzipFormat],
]

const bzip2 = ['.tar.bz2', '.tar.bz', '.tbz']

/** What NuGet puts into a package about the package; it is not content. */
const nugetMetadata =
  /^(?:_rels\/|package\/services\/metadata\/|\[Content_Types\]\.xml$|[^/]*\.nuspec$|[^/]*\.nupkg\.sha512$)/i

/** The format of a package by its extension. Throws ERR_UNSUPPORTED_FORMAT, which lists what there is. */
export function formatOf({ extension, path }: PackageFile): ArchiveFormat {
  const lower = extension.toLowerCase()
  const found = formats.find(([extensions]) => extensions.includes(lower))
  if (found !== undefined) return found[1]
  const known = formats.flatMap(([extensions]) => extensions).join(' ')
  const reason = bzip2.includes(lower)
    ? 'bzip2 is not supported. Pack it as .tar.gz'
    : `packages with the extension '${extension}' cannot be unpacked. There are: ${known}`
  throw new DeployerError('ERR_UNSUPPORTED_FORMAT', `The package ${basename(path)} was refused: ${reason}.`)
}

/**
 * Unpacks a package into the folder of its version and answers that folder. Everything happens in a folder beside it
 * that is renamed at the end: there is either a complete installation or none.
 */
export async function extractToApplicationFolder(
  file: PackageFile,
  {
    variables,
    log,
    signal,
  }: { variables: ExecutionVariables; log: DeploymentLog; signal: AbortSignal | undefined },
): Promise<Extracted & { readonly folder: string }> {
  const place = applicationFolder(variables, file)
  const parent = dirname(place)
  formatOf(file)
  await makeFolder(parent)
  await removeAbandonedStaging(parent, log)
  await requireFreeSpace(parent, variables, log)
  return await withStagingFolder(parent, async staging => {
    const extracted = await extractPackage(file, staging, { limits: archiveLimits(variables), signal })
    const folder = await claimFolder(staging, place, { signal })
    return { ...extracted, folder }
  })
}

/**
 * Unpacks a package into an empty folder. Throws ERR_UNSAFE_ARCHIVE, ERR_ARCHIVE_LIMIT, ERR_DAMAGED_ARCHIVE,
 * ERR_UNSUPPORTED_FORMAT, ERR_FOLDER and ERR_CANCELLED; the caller removes the folder then.
 */
export async function extractPackage(
  file: PackageFile,
  folder: string,
  {
    limits,
    signal,
    now,
  }: { readonly limits: ArchiveLimits; readonly signal?: AbortSignal | undefined; readonly now?: Date },
): Promise<Extracted> {
  const format = formatOf(file)
  const meter = new ArchiveMeter(limits, (await statPackage(file.path)).size)
  const target = new ExtractionTarget(folder, meter, { signal, ...(now === undefined ? {} : { now }) })
  const isNuGet = file.extension.toLowerCase() === '.nupkg'
  try {
    await format.unpack(file.path, target, { meter, signal, rename: isNuGet ? nugetName : name => name })
    await target.finish()
  } catch (error) {
    throwIfCancelled(signal)
    throw describeFailure(error, file, folder)
  }
  return { files: target.files, bytes: meter.bytes }
}

/** The size of a package file. Throws ERR_PACKAGE_NOT_FOUND when there is none. */
export async function statPackage(path: string): Promise<{ readonly size: number }> {
  try {
    const found = await stat(path)
    if (found.isFile()) return found
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') throw error
  }
  throw new DeployerError('ERR_PACKAGE_NOT_FOUND', `The package file ${path} does not exist on this machine.`)
}

/** Names in NuGet packages are escaped as in addresses. */
function nugetName(name: string): string | undefined {
  if (nugetMetadata.test(name)) return undefined
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

function describeFailure(error: unknown, file: PackageFile, folder: string): Error {
  if (error instanceof DeployerError) return error
  const code = systemCode(error)
  if (code !== undefined) {
    return new DeployerError(
      'ERR_FOLDER',
      `The package ${basename(file.path)} cannot be unpacked into ${folder} (${code}).`,
      { cause: error },
    )
  }
  return new DeployerError(
    'ERR_DAMAGED_ARCHIVE',
    `The package ${basename(file.path)} cannot be unpacked: it is no ${file.extension} archive, or it is damaged ` +
      `(${toError(error).message}).`,
    { cause: error },
  )
}
