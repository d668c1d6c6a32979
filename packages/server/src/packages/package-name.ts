/** What the name of a package's file says. */
export interface PackageName {
  readonly packageId: string
  readonly version: string
  /** With the dot, as written: `.zip`, `.tar.gz` … */
  readonly extension: string
}

/** Why a name is not that of a package, in words for the person who named the file. */
export interface BadPackageName {
  readonly problem: string
}

/** The kinds of files that can be packages; the longer ones first, so that `.tar.gz` is not read as `.gz`. */
export const packageExtensions = [
  '.tar.bz2',
  '.tar.gz',
  '.nupkg',
  '.tgz',
  '.tbz',
  '.zip',
  '.tar',
  '.jar',
  '.war',
  '.ear',
  '.rar',
  '.whl',
] as const

// The id is the shortest text that leaves a version behind it; the version takes all that can belong to it.
const idAndVersion =
  /^([\p{L}\p{N}_]+(?:[_.-][\p{L}\p{N}_]+)*?)\.(\d+(?:\.\d+){0,3}(?:-[0-9a-z-]+(?:\.[0-9a-z-]+)*)?(?:\+[0-9a-z-]+(?:\.[0-9a-z-]+)*)?)(.*)$/iu

const maxPart = 2 ** 31 - 1

/**
 * Reads `Acme.Web.1.2.3.zip` as id, version and kind: docs/wire/server-api.md, package files. A name that Tentacles
 * would read in another way than it looks (`App.2.Web.1.0.0.zip` is version 2 of App there) is refused.
 */
export function parsePackageName(fileName: string): PackageName | BadPackageName {
  const lower = fileName.toLowerCase()
  const known = packageExtensions.find(extension => lower.endsWith(extension))
  const form = 'A package file is named <id>.<version><kind>, for example Acme.Web.1.2.3.zip'
  if (known === undefined) {
    return { problem: `'${fileName}' has none of the kinds ${packageExtensions.join(', ')}. ${form}.` }
  }
  const stem = fileName.slice(0, -known.length)
  const extension = fileName.slice(-known.length)
  const [, packageId, version, rest = ''] = idAndVersion.exec(stem) ?? []
  if (packageId === undefined || version === undefined) {
    return { problem: `No package id and version could be read from '${fileName}'. ${form}.` }
  }
  if (rest !== '') {
    return {
      problem:
        `'${fileName}' would be read as version ${version} of ${packageId}, and '${rest}${extension}' is not a kind of ` +
        `package. ${form}.`,
    }
  }
  const numbers = version.split(/[-+]/, 1)[0]?.split('.') ?? []
  if (numbers.some(number => Number(number) > maxPart)) {
    return { problem: `The version ${version} in '${fileName}' has a number above ${maxPart}.` }
  }
  return { packageId, version, extension }
}

/** True when the version can be the version of a package or release: up to four numbers, `-pre`, `+meta`. */
export function isVersion(text: string): boolean {
  return /^\d+(\.\d+){0,3}(-[0-9a-z-]+(\.[0-9a-z-]+)*)?(\+[0-9a-z-]+(\.[0-9a-z-]+)*)?$/i.test(text)
}

/** Percent-escapes what may not be in the names of cached packages on any system. */
function escapeName(text: string): string {
  return text.replace(
    /[%<>:"/\\|?@]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** The name under which a package is kept, in the form that caches on targets use too: `Acme.Web@S1.2.3@0A1B….zip`. */
export function cachedFileName({ packageId, version, extension }: PackageName, unique: string): string {
  return `${escapeName(packageId)}@S${escapeName(version)}@${unique}${extension}`
}
