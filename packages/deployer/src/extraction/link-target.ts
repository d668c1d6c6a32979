/** More links than this in a row are a circle or a trap; systems give up at 40. */
const maxLinks = 40

/** Why a link cannot be made, or `undefined` when it stays inside. */
export type LinkProblem = 'absolute' | 'outside' | 'circle' | undefined

/**
 * Follows a link of an archive without touching the disk: `path` is where it is, `target` what it says, `links` all
 * links of the archive by their path. Following every link on the way matters, because a target that looks as if it
 * stayed inside can lead out through another link.
 */
export function checkLink(
  path: readonly string[],
  target: string,
  links: ReadonlyMap<string, string>,
  key: (path: readonly string[]) => string = parts => parts.join('/'),
): LinkProblem {
  if (isAbsolute(target)) return 'absolute'
  const place = path.slice(0, -1)
  const ahead = partsOf(target)
  let followed = 0
  for (let part = ahead.shift(); part !== undefined; part = ahead.shift()) {
    if (part === '..') {
      if (place.length === 0) return 'outside'
      place.pop()
      continue
    }
    place.push(part)
    const next = links.get(key(place))
    if (next === undefined) continue
    followed += 1
    if (followed > maxLinks) return 'circle'
    if (isAbsolute(next)) return 'absolute'
    place.pop()
    ahead.unshift(...partsOf(next))
  }
  return undefined
}

function isAbsolute(target: string): boolean {
  return /^(?:[\\/]|[a-z]:)/i.test(target)
}

function partsOf(target: string): string[] {
  const slashed = process.platform === 'win32' ? target.replaceAll('\\', '/') : target
  return slashed.split('/').filter(part => part !== '' && part !== '.')
}
