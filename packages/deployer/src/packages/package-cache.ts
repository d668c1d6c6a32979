import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { systemCode } from '../errors.ts'
import { type PackageName, parsePackageName } from './package-name.ts'
import { compareVersions, type VersionFormat } from './package-version.ts'

export interface CachedPackage extends PackageName {
  readonly path: string
}

/** What is looked for. The hash is SHA-1 in lower-case hex. */
export interface WantedPackage {
  readonly id: string
  readonly version: string
  readonly format: VersionFormat
  readonly hash: string
}

/** The packages in the cache of an agent, which are named in the form of the cache; other files are passed over. */
export async function cachedPackages(folder: string): Promise<CachedPackage[]> {
  let names: string[]
  try {
    names = await readdir(folder, { recursive: true })
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
  return names.flatMap(name => {
    if (!name.includes('@')) return []
    try {
      return [{ ...parsePackageName(name), path: join(folder, name) }]
    } catch {
      return [] // Something else, or a package that is still arriving.
    }
  })
}

/** The cached file with exactly this id, version and content. */
export async function findExactly(
  packages: readonly CachedPackage[],
  wanted: WantedPackage,
): Promise<CachedPackage | undefined> {
  for (const candidate of packages) {
    const isSame =
      sameId(candidate, wanted) && compareVersions(candidate.version, wanted.version, wanted.format) === 0
    if (isSame && (await hashOf(candidate.path)) === wanted.hash.toLowerCase()) return candidate
  }
  return undefined
}

/** Up to `count` cached versions not newer than the wanted one, newest first: what a delta can be made against. */
export function findNearest(
  packages: readonly CachedPackage[],
  wanted: WantedPackage,
  count: number,
): CachedPackage[] {
  return packages
    .filter(
      candidate =>
        sameId(candidate, wanted) && compareVersions(candidate.version, wanted.version, wanted.format) <= 0,
    )
    .sort((a, b) => compareVersions(b.version, a.version, wanted.format))
    .slice(0, count)
}

/** The SHA-1 of a file in lower-case hex, by which server and agent tell whether they have the same package. */
export async function hashOf(path: string): Promise<string | undefined> {
  const hash = createHash('sha1')
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
  return hash.digest('hex')
}

function sameId(a: { readonly id: string }, b: { readonly id: string }): boolean {
  return a.id.toLowerCase() === b.id.toLowerCase()
}
