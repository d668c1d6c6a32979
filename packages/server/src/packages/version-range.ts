import { compareVersions, prereleaseTag } from './package-version.ts'

interface Bound {
  readonly version: string
  readonly isIncluded: boolean
}

/** A range of versions; a missing bound does not limit. */
export interface VersionRange {
  readonly from?: Bound
  readonly to?: Bound
}

const bracketed = /^([[(])\s*([^,\s]*)\s*(?:(,)\s*([^,\s]*)\s*)?([\])])$/
const version = /^\d+(\.\d+){0,3}([-+][0-9a-z.+-]+)?$/i

/**
 * Reads a range as channel rules write it: `[1.0,2.0)`, `(,1.0]`, `[1.0]`, `1.0` (that or newer), empty for all.
 * Undefined when it is none.
 */
export function parseVersionRange(text: string): VersionRange | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return {}
  if (version.test(trimmed)) return { from: { version: trimmed, isIncluded: true } }
  const [, open, low = '', comma, high = '', close] = bracketed.exec(trimmed) ?? []
  if (open === undefined || close === undefined) return undefined
  if (![low, high].every(bound => bound === '' || version.test(bound))) return undefined
  if (comma === undefined) {
    if (low === '' || open !== '[' || close !== ']') return undefined
    return { from: { version: low, isIncluded: true }, to: { version: low, isIncluded: true } }
  }
  return {
    ...(low === '' ? {} : { from: { version: low, isIncluded: open === '[' } }),
    ...(high === '' ? {} : { to: { version: high, isIncluded: close === ']' } }),
  }
}

/** True when the version lies in the range. */
export function isInRange(range: VersionRange, candidate: string): boolean {
  const { from, to } = range
  if (from !== undefined) {
    const order = compareVersions(candidate, from.version)
    if (order < 0 || (order === 0 && !from.isIncluded)) return false
  }
  if (to !== undefined) {
    const order = compareVersions(candidate, to.version)
    if (order > 0 || (order === 0 && !to.isIncluded)) return false
  }
  return true
}

/** Limits on versions, as rules of channels and searches in feeds have them. */
export interface VersionRule {
  readonly versionRange: string
  /** Regular expression over the pre-release tag: `^$` for releases only. Empty: any. */
  readonly tag: string
}

/** What is wrong with a rule, or undefined. */
export function ruleProblem({ versionRange, tag }: VersionRule): string | undefined {
  if (parseVersionRange(versionRange) === undefined)
    return `'${versionRange}' is not a range of versions such as [1.0,2.0).`
  try {
    new RegExp(tag)
    return undefined
  } catch (error) {
    return `'${tag}' is not a regular expression: ${error instanceof Error ? error.message : error}`
  }
}

/** True when the version fits the rule. A rule that cannot be read fits nothing. */
export function fitsRule(rule: VersionRule, candidate: string): boolean {
  if (ruleProblem(rule) !== undefined) return false
  const range = parseVersionRange(rule.versionRange)
  return (
    range !== undefined &&
    isInRange(range, candidate) &&
    (rule.tag === '' || new RegExp(rule.tag, 'i').test(prereleaseTag(candidate)))
  )
}
