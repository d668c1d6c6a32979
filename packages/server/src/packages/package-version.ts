interface Version {
  readonly numbers: readonly number[]
  readonly pre: readonly string[]
  readonly metadata: string
}

function parse(text: string): Version {
  const plus = text.indexOf('+')
  const [core = '', metadata = ''] = plus < 0 ? [text] : [text.slice(0, plus), text.slice(plus + 1)]
  const dash = core.indexOf('-')
  const [numbers = '', pre = ''] = dash < 0 ? [core] : [core.slice(0, dash), core.slice(dash + 1)]
  return {
    numbers: numbers.split('.').map(Number),
    pre: pre === '' ? [] : pre.toLowerCase().split('.'),
    metadata: metadata.toLowerCase(),
  }
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** SemVer 2, without regard to case: numbers before words, fewer identifiers before more. */
function comparePre(left: readonly string[], right: readonly string[]): number {
  if (left.length === 0 || right.length === 0) return Math.sign(right.length - left.length)
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [a, b] = [left[index], right[index]]
    if (a === undefined || b === undefined) return a === undefined ? -1 : 1
    const [isNumberA, isNumberB] = [/^\d+$/.test(a), /^\d+$/.test(b)]
    const order =
      isNumberA && isNumberB
        ? Math.sign(Number(a) - Number(b))
        : isNumberA !== isNumberB
          ? isNumberA
            ? -1
            : 1
          : compareText(a, b)
    if (order !== 0) return order
  }
  return 0
}

/**
 * Orders versions of packages and releases, oldest first: missing numbers count as 0, leading zeros do not count, a
 * pre-release comes before its release, build metadata decides last. For `toSorted`.
 */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [parse(left), parse(right)]
  for (let index = 0; index < 4; index++) {
    const order = Math.sign((a.numbers[index] ?? 0) - (b.numbers[index] ?? 0))
    if (order !== 0) return order
  }
  return comparePre(a.pre, b.pre) || compareText(a.metadata, b.metadata)
}

/** True for versions such as `1.0.0-rc.1`. */
export function isPrerelease(version: string): boolean {
  return parse(version).pre.length > 0
}

/** What stands between `-` and `+`: `rc.1` of `1.0.0-rc.1+build5`; '' of a release. */
export function prereleaseTag(version: string): string {
  return /^[^-+]*-([^+]*)/.exec(version)?.[1] ?? ''
}
