const maskedText = '********'

/** Blots secrets out of a text. */
export type TextMask = (text: string) => string

/**
 * Makes a mask for the log of a script. A secret is found in any length, in its spellings inside URLs, and line by
 * line if it has several, because a log has lines.
 *
 * @param secrets empty ones are left out
 */
export function createTextMask(secrets: Iterable<string>): TextMask {
  const parts = new Set<string>()
  for (const secret of secrets) {
    for (const line of secret.split(/\r\n|\n|\r/)) {
      const inUrl = encodeURIComponent(line)
      for (const spelling of [line, inUrl, inUrl.replaceAll('%20', '+'), inUrl.replace(/%../g, lowerCase)]) {
        if (spelling !== '') parts.add(spelling)
      }
    }
  }
  if (parts.size === 0) return text => text
  // The longest first, or a secret that begins with another one would leave its rest behind.
  const longestFirst = [...parts].sort((a, b) => b.length - a.length)
  const pattern = new RegExp(longestFirst.map(escapePattern).join('|'), 'g')
  return text => text.replace(pattern, maskedText)
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

function lowerCase(text: string): string {
  return text.toLowerCase()
}
