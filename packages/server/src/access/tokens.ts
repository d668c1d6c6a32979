import { createHash, randomBytes, randomInt } from 'node:crypto'

const keyAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

/** A new API key: `API-` and upper-case letters and digits only, which is all that clients let through. */
export function newApiKey(): string {
  const text = Array.from({ length: 32 }, () => keyAlphabet.charAt(randomInt(keyAlphabet.length))).join('')
  return `API-${text}`
}

/** A random text of 256 bits for cookies and tokens, safe in a header. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * What is stored of a key or token. Both are random and long, so no slow hash is needed, and looking a hash up tells
 * nothing about how much of a guess was right.
 */
export function hashToken(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex')
}
