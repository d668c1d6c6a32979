/** What stands in place of a secret. */
export const maskText = '********'

/** Shorter secrets are not masked: they would hide half of every log and protect nothing. */
export const minimumMaskedLength = 4

/** Removes the secrets of one task from everything that is stored or shown. */
export interface SecretMask {
  /** From now on this value is masked. True when it was not known before and is long enough to be masked. */
  add(value: string): boolean
  apply(text: string): string
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

/**
 * Makes a mask. Secrets are found anywhere in a text, case counts, the longest first. A secret of several lines is
 * masked line by line, so nothing has to be held back until its last line comes, and a part of it is masked too.
 */
export function createSecretMask(secrets: Iterable<string> = []): SecretMask {
  const parts = new Set<string>()
  let pattern: RegExp | undefined

  function add(value: string): boolean {
    const before = parts.size
    for (const line of value.split(/\r\n|\r|\n/)) {
      const part = line.trim()
      if (part.length >= minimumMaskedLength) parts.add(part)
    }
    if (parts.size === before) return false
    pattern = undefined
    return true
  }

  for (const secret of secrets) add(secret)
  return {
    add,
    apply(text) {
      if (parts.size === 0 || text.length < minimumMaskedLength) return text
      pattern ??= new RegExp(
        [...parts]
          .sort((a, b) => b.length - a.length)
          .map(escapePattern)
          .join('|'),
        'g',
      )
      return text.replace(pattern, maskText)
    },
  }
}
