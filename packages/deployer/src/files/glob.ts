/** One part of a pattern: `**`, or what one name of a path has to look like. */
export type GlobPart =
  | { readonly kind: 'any-depth' }
  | { readonly kind: 'name'; readonly tokens: readonly GlobToken[] }

export type GlobToken =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'many' }
  | { readonly kind: 'set'; readonly characters: string; readonly negated: boolean }

/** A pattern may not stand for more alternatives than this. */
const maxAlternatives = 1000

/**
 * Reads a pattern for files: `*` and `?` within a name, `**` for any number of folders, `[ab]` and `[a-c]` for one
 * character, `{a,b}` for alternatives (docs/wire/deployment.md, section 9). Answers the parts of each alternative. A
 * backslash separates as a slash does; brackets and braces that are not closed stand for themselves.
 */
export function parseGlob(pattern: string): GlobPart[][] {
  return expandBraces(pattern.replaceAll('\\', '/')).map(alternative =>
    alternative
      .split('/')
      .filter(part => part !== '' && part !== '.')
      .map(part => (part === '**' ? { kind: 'any-depth' } : { kind: 'name', tokens: tokenize(part) })),
  )
}

/** Whether a path, given by its parts, is one that the pattern stands for. */
export function matchesGlob(
  parts: readonly GlobPart[],
  path: readonly string[],
  ignoreCase: boolean,
): boolean {
  // Where the pattern can stand after each name: the work is the product of both lengths, whatever the pattern.
  let places = reachable(parts, new Set([0]))
  for (const name of path) {
    const next = new Set<number>()
    for (const place of places) {
      const part = parts[place]
      if (part?.kind === 'any-depth') next.add(place)
      else if (part !== undefined && matchesName(part.tokens, name, ignoreCase)) next.add(place + 1)
    }
    places = reachable(parts, next)
  }
  return places.has(parts.length)
}

/** `**` may stand for no folder at all. */
function reachable(parts: readonly GlobPart[], places: Set<number>): Set<number> {
  for (const place of places) if (parts[place]?.kind === 'any-depth') places.add(place + 1)
  return places
}

/** Whether a name fits. Only the last `*` is ever tried again, so the work grows with the product of the lengths. */
export function matchesName(tokens: readonly GlobToken[], name: string, ignoreCase: boolean): boolean {
  const characters = [...(ignoreCase ? name.toLowerCase() : name)]
  let at = 0
  let token = 0
  let retryToken = -1
  let retryAt = 0
  while (at < characters.length) {
    const current = tokens[token]
    if (current?.kind === 'many') {
      retryToken = token
      retryAt = at
      token += 1
    } else if (current !== undefined && matchesCharacter(current, characters[at] ?? '', ignoreCase)) {
      at += 1
      token += 1
    } else if (retryToken >= 0) {
      retryAt += 1
      at = retryAt
      token = retryToken + 1
    } else return false
  }
  return tokens.slice(token).every(rest => rest.kind === 'many')
}

function matchesCharacter(token: GlobToken, character: string, ignoreCase: boolean): boolean {
  switch (token.kind) {
    case 'one':
      return true
    case 'text':
      return (ignoreCase ? token.text.toLowerCase() : token.text) === character
    case 'set':
      return (
        isInSet(ignoreCase ? token.characters.toLowerCase() : token.characters, character) !== token.negated
      )
    case 'many':
      return false
  }
}

function isInSet(set: string, character: string): boolean {
  const members = [...set]
  for (let at = 0; at < members.length; at += 1) {
    const first = members[at] ?? ''
    const isRange = members[at + 1] === '-' && at + 2 < members.length
    const last = isRange ? (members[at + 2] ?? '') : first
    if (character >= first && character <= last) return true
    if (isRange) at += 2
  }
  return false
}

function tokenize(part: string): GlobToken[] {
  const tokens: GlobToken[] = []
  const characters = [...part]
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? ''
    const close = character === '[' ? characters.indexOf(']', at + 2) : -1
    if (character === '*') {
      if (tokens.at(-1)?.kind !== 'many') tokens.push({ kind: 'many' })
    } else if (character === '?') tokens.push({ kind: 'one' })
    else if (close > 0) {
      const negated = characters[at + 1] === '!' || characters[at + 1] === '^'
      const inside = characters.slice(at + (negated ? 2 : 1), close).join('')
      tokens.push(
        inside === '' ? { kind: 'text', text: character } : { kind: 'set', characters: inside, negated },
      )
      if (inside !== '') at = close
    } else tokens.push({ kind: 'text', text: character })
  }
  return tokens
}

/** `a{b,c}d` is `abd` and `acd`; groups may stand in groups. */
function expandBraces(pattern: string): string[] {
  const done: string[] = []
  const ahead = [pattern]
  while (ahead.length > 0 && done.length < maxAlternatives) {
    const current = ahead.shift() ?? ''
    const group = firstGroup(current)
    if (group === undefined) done.push(current)
    else if (ahead.length < maxAlternatives) {
      ahead.unshift(
        ...group.options.map(option => current.slice(0, group.start) + option + current.slice(group.end)),
      )
    }
  }
  return done
}

/** The first group of braces with a comma directly in it. */
function firstGroup(pattern: string): { start: number; end: number; options: string[] } | undefined {
  const open: { start: number; commas: number[] }[] = []
  let found: { start: number; end: number; options: string[] } | undefined
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at]
    if (character === '{') open.push({ start: at, commas: [] })
    else if (character === ',') open.at(-1)?.commas.push(at)
    else if (character === '}') {
      const group = open.pop()
      if (group === undefined || group.commas.length === 0) continue
      const cuts = [group.start, ...group.commas, at]
      const options = cuts.slice(1).map((cut, index) => pattern.slice((cuts[index] ?? 0) + 1, cut))
      if (found === undefined || group.start < found.start)
        found = { start: group.start, end: at + 1, options }
      if (open.length === 0) return found
    }
  }
  return found
}
