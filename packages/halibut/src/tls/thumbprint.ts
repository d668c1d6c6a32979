import { createHash } from 'node:crypto'
import { HalibutError } from '../errors.ts'

/**
 * How a certificate is named everywhere: the SHA-1 digest of its DER form as 40 upper-case hex digits without
 * separators (docs/wire/halibut.md, "TLS and trust"). Make one with `parseThumbprint` or `thumbprintOf`.
 */
export type Thumbprint = string & { readonly __brand: 'Thumbprint' }

/** Characters that come along when a thumbprint is copied from a certificate viewer: blanks, separators, marks. */
const noise = /[\s:\-\u200b\u200e\u200f\u202a-\u202e\ufeff]/gu

function isThumbprint(text: string): text is Thumbprint {
  return /^[0-9A-F]{40}$/.test(text)
}

/**
 * Reads a thumbprint as people paste it: blanks, colons, dashes, invisible direction marks and lower case are fine.
 *
 * @throws HalibutError `ERR_INVALID_THUMBPRINT` when what remains is not 40 hex digits.
 */
export function parseThumbprint(text: string): Thumbprint {
  const digits = text.replace(noise, '').toUpperCase()
  if (isThumbprint(digits)) return digits
  const seen = text.length > 60 ? `${text.slice(0, 60)}…` : text
  const kind = /^[0-9A-F]*$/.test(digits) ? '' : ', not all of them hex digits'
  throw new HalibutError(
    'ERR_INVALID_THUMBPRINT',
    `'${seen}' is not a certificate thumbprint. A thumbprint is the SHA-1 digest of the certificate: 40 digits ` +
      `of 0-9 and A-F, but this has ${digits.length} characters${kind}.`,
    { details: { text: seen } },
  )
}

/** The DER bytes of the first certificate in a PEM text, or undefined when there is none. */
function derOfPem(pem: string): Buffer | undefined {
  const body = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END/.exec(pem)?.[1]
  return body === undefined ? undefined : Buffer.from(body, 'base64')
}

/**
 * The thumbprint of a certificate, given as DER bytes or as PEM text (of several, the first). The bytes are only
 * hashed, so a certificate that OpenSSL finds odd, as old peers have them, gets its thumbprint all the same.
 *
 * @throws HalibutError `ERR_INVALID_CERTIFICATE` for text without a PEM certificate and for empty bytes, which is
 *   what TLS gives for a peer that showed no certificate.
 */
export function thumbprintOf(certificate: Uint8Array | string): Thumbprint {
  const der = typeof certificate === 'string' ? derOfPem(certificate) : certificate
  if (der === undefined || der.length === 0) {
    throw new HalibutError(
      'ERR_INVALID_CERTIFICATE',
      'There is no certificate to take the thumbprint of: expected PEM text or DER bytes of an X.509 certificate.',
    )
  }
  return parseThumbprint(createHash('sha1').update(der).digest('hex'))
}
