/** How the versions of a package are written and ordered. */
export type VersionFormat = 'Semver' | 'Maven' | 'Octopus' | 'Lexicographic'

interface ReadVersion {
  /** Four numbers; those that are not written are 0. */
  readonly numbers: readonly number[]
  readonly preRelease: readonly string[]
  readonly metadata: string
}

const largestPart = 2_147_483_647

/**
 * Orders two versions: negative when `a` is older, 0 when they are the same version, positive when `a` is newer
 * (docs/wire/deployment.md, section 6). Missing parts are 0 and leading zeros do not count. Only SemVer looks at build
 * metadata; lexicographic versions are compared as text.
 */
export function compareVersions(a: string, b: string, format: VersionFormat): number {
  if (format === 'Lexicographic') return compareText(a, b)
  const left = readVersion(a)
  const right = readVersion(b)
  if (left === undefined || right === undefined) return compareText(a, b)
  for (const [index, number] of left.numbers.entries()) {
    const difference = number - (right.numbers[index] ?? 0)
    if (difference !== 0) return Math.sign(difference)
  }
  const order = comparePreRelease(left.preRelease, right.preRelease)
  return order !== 0 || format !== 'Semver' ? order : compareText(left.metadata, right.metadata)
}

/** Whether the text is one to four numbers with an optional pre-release and optional metadata. */
export function isVersion(text: string): boolean {
  return readVersion(text) !== undefined
}

function readVersion(text: string): ReadVersion | undefined {
  const match = /^v?(\d+(?:\.\d+){0,3})(?:[-_]([^+]*))?(?:\+(.*))?$/is.exec(text.trim())
  if (match === null) return undefined
  const numbers = (match[1] ?? '').split('.').map(Number)
  if (numbers.some(number => number > largestPart)) return undefined
  return {
    numbers: [...numbers, 0, 0, 0].slice(0, 4),
    preRelease: match[2] === undefined || match[2] === '' ? [] : match[2].split('.'),
    metadata: match[3] ?? '',
  }
}

function comparePreRelease(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return Math.sign(b.length - a.length)
  for (const [index, left] of a.entries()) {
    const right = b[index]
    if (right === undefined) return 1
    const order = compareIdentifier(left, right)
    if (order !== 0) return order
  }
  return a.length < b.length ? -1 : 0
}

/** Numbers by value and before all text; text without regard to case. */
function compareIdentifier(a: string, b: string): number {
  const isNumber = [/^\d+$/.test(a), /^\d+$/.test(b)] as const
  if (isNumber[0] && isNumber[1]) {
    const [left, right] = [BigInt(a), BigInt(b)]
    return left < right ? -1 : left > right ? 1 : 0
  }
  if (isNumber[0] !== isNumber[1]) return isNumber[0] ? -1 : 1
  return compareText(a.toLowerCase(), b.toLowerCase())
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
