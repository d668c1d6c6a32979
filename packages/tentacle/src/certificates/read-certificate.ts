import { createPrivateKey } from 'node:crypto'
import { type Certificate, readPfx } from '@tentacle/halibut'
import { TentacleError } from '../errors.ts'

/** Keys shorter than this, in bits, can be broken by those who try. */
export const recommendedKeyBits = 2048

/**
 * Reads a PKCS#12 file with its private key.
 *
 * @param source - what the bytes came from, for messages.
 * @throws TentacleError `ERR_CERTIFICATE`; its cause tells whether it is the password, the format or the missing key.
 */
export function parseCertificate(pfx: Uint8Array, password: string | undefined, source: string): Certificate {
  try {
    return readPfx(pfx, password)
  } catch (cause) {
    throw new TentacleError(
      'ERR_CERTIFICATE',
      `No certificate with a private key can be read from ${source}.`,
      { cause },
    )
  }
}

/** Decodes base64 text as it was exported: line breaks and a byte order mark do not matter. */
export function decodeBase64(text: string): Buffer | undefined {
  const compact = text.replace(/^\uFEFF/, '').replaceAll(/\s/g, '')
  return /^[A-Za-z0-9+/]+={0,2}$/.test(compact) && compact.length % 4 === 0
    ? Buffer.from(compact, 'base64')
    : undefined
}

/** The size of an RSA key in bits. */
export function keyBits({ privateKeyPem }: Certificate): number {
  return createPrivateKey(privateKeyPem).asymmetricKeyDetails?.modulusLength ?? 0
}
