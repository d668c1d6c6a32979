import { basename } from 'node:path'
import { DeployerError } from '../errors.ts'
import { isVersion, type VersionFormat } from './package-version.ts'

/** What the name of a package file says. */
export interface PackageName {
  readonly id: string
  /** As written, not normalised: folders are named after it. */
  readonly version: string
  readonly format: VersionFormat
  /** With its dot, such as `.zip` or `.tar.gz`. */
  readonly extension: string
}

const formatLetters: Readonly<Record<string, VersionFormat>> = {
  S: 'Semver',
  M: 'Maven',
  O: 'Octopus',
  L: 'Lexicographic',
}

const versionAndExtension =
  /^(\d+(?:\.\d+){0,3}(?:-[0-9a-z-]+(?:\.[0-9a-z-]+)*)?(?:\+[0-9a-z-]+(?:\.[0-9a-z-]+)*)?)((?:\.[a-z0-9]+)+)$/i
const versionAlone = /^\d+(?:\.\d+){0,3}(?:-[0-9a-z-]+(?:\.[0-9a-z-]+)*)?(?:\+[0-9a-z-]+(?:\.[0-9a-z-]+)*)?$/i

/** What file systems allow. */
const maxNameLength = 255

/**
 * Reads the name of a package file: the form of the package cache, `<id>@<format><version>@<anything><extension>`, or
 * `<id>.<version><extension>` (docs/wire/deployment.md, section 6).
 *
 * Throws ERR_PACKAGE_NAME for a name that is neither.
 */
export function parsePackageName(file: string): PackageName {
  const name = basename(file)
  const found = name.length > maxNameLength ? undefined : (parseCacheName(name) ?? parsePlainName(name))
  if (found !== undefined && (found.format !== 'Semver' || isVersion(found.version))) return found
  throw new DeployerError(
    'ERR_PACKAGE_NAME',
    `No id and version can be read from the name of the package file '${name}'. ` +
      'Name it <id>.<version>.<extension>, for example Acme.Web.1.2.3.zip.',
  )
}

/** The name that a package has in the cache; `unique` is 32 hex digits. */
export function toCacheName({ id, version, format, extension }: PackageName, unique: string): string {
  return `${escapeName(id)}@${format[0] ?? 'S'}${escapeName(version)}@${unique.toUpperCase()}${extension}`
}

/** Escapes the characters that cannot be in a file name on one system or another, and `@`. */
export function escapeName(text: string): string {
  return text.replace(
    /[%<>:"/\\|?@]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

function unescapeName(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function parseCacheName(name: string): PackageName | undefined {
  const parts = name.split('@')
  const [id = '', version = '', rest = ''] = parts
  const format = formatLetters[version[0] ?? '']
  const match = /^[0-9a-f]+((?:\.[a-z0-9]+)+)$/i.exec(rest)
  if (parts.length !== 3 || format === undefined || match === null || id === '' || version.length < 2)
    return undefined
  return { id: unescapeName(id), version: unescapeName(version.slice(1)), format, extension: match[1] ?? '' }
}

/** The id is the shortest that leaves a version and an extension; `.tar` with what follows is always the extension. */
function parsePlainName(name: string): PackageName | undefined {
  const tar = /\.tar(?:\.[a-z0-9]+)?$/i.exec(name)
  const stem = tar === null ? name : name.slice(0, tar.index)
  for (let dot = stem.indexOf('.'); dot >= 0; dot = stem.indexOf('.', dot + 1)) {
    const id = stem.slice(0, dot)
    if (!isPackageId(id)) continue
    const rest = stem.slice(dot + 1)
    if (tar !== null) {
      if (versionAlone.test(rest)) return { id, version: rest, format: 'Semver', extension: tar[0] }
      continue
    }
    const match = versionAndExtension.exec(rest)
    if (match !== null) return { id, version: match[1] ?? '', format: 'Semver', extension: match[2] ?? '' }
  }
  return undefined
}

/** Letters, digits and `_`, with single `.` and `-` between them. */
function isPackageId(text: string): boolean {
  return /^[\p{L}\p{Nd}_.-]+$/u.test(text) && !/^[.-]|[.-]{2}|[.-]$/.test(text)
}
