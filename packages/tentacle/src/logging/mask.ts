/** What stands in place of a secret. */
export const maskedText = '********'

/** Shorter values are not looked for: they would blot out words that have nothing to do with them. */
const minimumLength = 4

/** An API key after a misspelt option, and a password in an address: secrets that no option marks as such. */
const keyPattern = /\bAPI-[A-Z0-9]{8,}\b/g
const addressPattern = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/?#]*:)[^\s@/?#]+(?=@)/gi

/**
 * Knows the secrets of this process and blots them out of text, also in the spelling that they have inside a URL.
 * Values of fewer than 4 characters are left alone here; on the command line they are masked by the option they follow.
 */
export class SecretMask {
  #longestFirst: readonly string[] = []

  add(secret: string | undefined): void {
    if (secret === undefined || secret.length < minimumLength) return
    const secrets = new Set([...this.#longestFirst, secret, encodeURIComponent(secret)])
    this.#longestFirst = [...secrets].sort((a, b) => b.length - a.length)
  }

  readonly apply = (text: string): string =>
    this.#longestFirst
      .reduce((masked, secret) => masked.replaceAll(secret, maskedText), text)
      .replaceAll(keyPattern, maskedText)
      .replaceAll(addressPattern, `$1${maskedText}`)
}
