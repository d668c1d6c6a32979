import { join } from 'node:path'
import { DeployerError } from '../errors.ts'
import {
  type CachedPackage,
  cachedPackages,
  findExactly,
  findNearest,
  hashOf,
} from '../packages/package-cache.ts'
import type { VersionFormat } from '../packages/package-version.ts'
import type { Command, CommandContext } from './command.ts'
import type { ParsedOptions } from './option-set.ts'

const formats: readonly VersionFormat[] = ['Semver', 'Maven', 'Octopus', 'Lexicographic']

/** How many other versions are offered to make a delta against. */
const nearestCount = 5

export const findPackage: Command = {
  name: 'find-package',
  summary: 'Tells whether a package is in the cache of this machine, or which other versions are',
  options: [
    { name: 'packageId', help: 'The id of the package' },
    { name: 'packageVersion', help: 'The version' },
    { name: 'packageHash', help: 'The SHA-1 of the file, in hex' },
    { name: 'packageVersionFormat', help: `One of ${formats.join(', ')}; Semver by default` },
    { name: 'exactMatch', help: 'true: offer no other versions' },
  ],
  run: find,
}

async function find({ io, log, options }: CommandContext): Promise<number> {
  const wanted = {
    id: required(options, 'packageId'),
    version: required(options, 'packageVersion'),
    hash: required(options, 'packageHash'),
    format: parseFormat(options.get('packageVersionFormat')),
  }
  const home = io.env.TentacleHome
  if (home === undefined || home === '') {
    throw new DeployerError(
      'ERR_USAGE',
      'It is not known where packages are kept: the agent has to set TentacleHome.',
    )
  }
  const folder = join(home, 'Files')
  const packages = await cachedPackages(folder)
  const exact = await findExactly(packages, wanted)
  if (exact !== undefined) {
    log.verbose(`${wanted.id} ${wanted.version} is in the cache as ${exact.path}.`)
    log.message('calamari-found-package')
    await report(log, exact)
    return 0
  }
  log.verbose(`${wanted.id} ${wanted.version} is not in ${folder}.`)
  if (options.get('exactMatch')?.toLowerCase() === 'true') return 0
  for (const candidate of findNearest(packages, wanted, nearestCount)) {
    log.verbose(`${candidate.id} ${candidate.version} is there as ${candidate.path}.`)
    await report(log, candidate)
  }
  return 0
}

async function report(log: CommandContext['log'], found: CachedPackage): Promise<void> {
  const hash = await hashOf(found.path)
  if (hash === undefined) return
  log.message('foundPackage', {
    id: found.id,
    version: found.version,
    versionFormat: found.format,
    hash,
    remotePath: found.path,
    fileExtension: found.extension,
  })
}

function required(options: ParsedOptions, name: string): string {
  const value = options.get(name)
  if (value === undefined || value === '')
    throw new DeployerError('ERR_USAGE', `The option --${name} is needed.`)
  return value
}

function parseFormat(text: string | undefined): VersionFormat {
  if (text === undefined || text === '') return 'Semver'
  const found = formats.find(format => format.toLowerCase() === text.toLowerCase())
  if (found !== undefined) return found
  throw new DeployerError(
    'ERR_USAGE',
    `The version format '${text}' is not known. There are: ${formats.join(', ')}.`,
  )
}
