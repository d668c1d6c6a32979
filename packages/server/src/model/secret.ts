/** Text that is encrypted with the server's master key. Only a {@link SecretVault} makes and opens it. */
export interface SealedText {
  /** Format, nonce, tag and cipher text, base64 with a prefix that names the format. */
  readonly sealed: string
}

/** Keeps secrets unreadable at rest. */
export interface SecretVault {
  /** Encrypts text under a fresh nonce: the same text twice gives two different results. */
  seal(text: string): SealedText
  /** Gives the text back; throws ServerError `ERR_MASTER_KEY` when it was sealed with another key or changed. */
  open(secret: SealedText): string
}

/** True for what {@link SecretVault.seal} returned. */
export function isSealed(value: unknown): value is SealedText {
  return typeof value === 'object' && value !== null && 'sealed' in value && typeof value.sealed === 'string'
}
