export interface TextRun {
  readonly text: string
  /** Where the run ends: at a live `#{` or at the end. */
  readonly end: number
}

/**
 * Reads literal text up to the next live `#{`. `##{` is a literal `#{`; in `##` before `#{` the first `#` is literal
 * and the token is live; any other `#` stands for itself together with the character after it
 * (docs/wire/octostache.md, section 2).
 */
export function scanText(source: string, start: number): TextRun {
  let text = ''
  let at = start
  for (;;) {
    const hash = source.indexOf('#', at)
    if (hash < 0) return { text: text + source.slice(at), end: source.length }
    text += source.slice(at, hash)
    if (source[hash + 1] === '{') return { text, end: hash }
    if (source.startsWith('##{', hash)) {
      text += '#{'
      at = hash + 3
    } else if (source.startsWith('###{', hash)) {
      text += '#'
      at = hash + 2
    } else {
      text += source.slice(hash, hash + 2)
      at = hash + 2
    }
  }
}
