const whitespace = /\s/u
const letterOrDigit = /[\p{L}\p{Nd}]/u
const nameSymbols = '_-:/~()@'
const calcSymbols = '_-:/~@'

/** True for the blanks that may stand between the parts of a tag, line breaks among them. */
export function isWhitespaceAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d)
  return code === 0x85 || (code !== 0xfeff && whitespace.test(text[at] ?? ''))
}

/** The first place at or after `at` that is no blank. */
export function whitespaceEnd(text: string, at: number): number {
  let end = at
  while (end < text.length && isWhitespaceAt(text, end)) end += 1
  return end
}

/**
 * How many UTF-16 units of a character of a name stand at `at`; 0 when it cannot be in a name. Names hold letters and
 * digits of any script, blanks, and `_ - : / ~ ( ) @` (docs/wire/octostache.md, section 1).
 */
export function nameCharacter(text: string, at: number, kind: 'name' | 'calc' = 'name'): number {
  const code = text.codePointAt(at)
  if (code === undefined) return 0
  if (code < 0x80) {
    const isAlphanumeric =
      (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)
    if (isAlphanumeric) return 1
    return (kind === 'name' ? nameSymbols : calcSymbols).includes(String.fromCharCode(code)) ? 1 : 0
  }
  return letterOrDigit.test(String.fromCodePoint(code)) ? (code > 0xffff ? 2 : 1) : 0
}
