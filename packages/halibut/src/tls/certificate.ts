import { generateKeyPair, randomBytes, sign } from 'node:crypto'
import { promisify } from 'node:util'
import type { pki as Pki } from 'node-forge'
import { HalibutError } from '../errors.ts'
import { forge } from './forge.ts'
import { type Thumbprint, thumbprintOf } from './thumbprint.ts'

/** A certificate with its private key: what a peer shows to others, and what they know it by. */
export interface Certificate {
  /** The X.509 certificate as PEM text. */
  readonly certificatePem: string
  /** The RSA private key as unencrypted PKCS#8 PEM text. Never log it. */
  readonly privateKeyPem: string
  /** By which others know this certificate. */
  readonly thumbprint: Thumbprint
}

/** What a new certificate says. */
export interface CertificateOptions {
  /** The subject's common name, which is also the issuer's: at most 64 characters. Peers do not look at it. */
  readonly commonName: string
  /** How many years it is valid. Peers do not look at it either. Default 100, sensible 1 to 1000. */
  readonly validYears?: number
  /** The time that counts as now. Default: the clock. */
  readonly now?: Date
}

const millisecondsPerDay = 86_400_000
const generateKeys = promisify(generateKeyPair)

/**
 * Makes a self-signed certificate the way the .NET Tentacle makes its own (docs/wire/tentacle-services.md,
 * "Certificates"): RSA 2048, SHA-256, X.509 v3 without extensions, valid from yesterday's UTC midnight so that
 * clocks that differ by hours do not matter.
 *
 * @throws HalibutError `ERR_INVALID_ARGUMENT` for a common name that X.509 cannot hold or years out of range.
 */
export async function createCertificate(options: CertificateOptions): Promise<Certificate> {
  const { commonName, validYears = 100, now = new Date() } = options
  checkOptions(commonName, validYears)
  const { publicKey, privateKey } = await generateKeys('rsa', {
    modulusLength: 2048,
    publicExponent: 65_537,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })

  const { asn1, pki } = forge()
  const certificate = pki.createCertificate()
  certificate.publicKey = pki.publicKeyFromPem(publicKey)
  certificate.serialNumber = newSerialNumber().toString('hex')
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate())
  certificate.validity.notBefore = new Date(midnight - millisecondsPerDay)
  certificate.validity.notAfter = yearsAfter(midnight, validYears)
  const utf8: number = asn1.Type.UTF8
  const subject = [{ name: 'commonName', value: commonName, valueTagClass: utf8 }]
  certificate.setSubject(subject)
  certificate.setIssuer(subject)
  signWith(privateKey, certificate)

  const certificatePem = pki.certificateToPem(certificate).replaceAll('\r\n', '\n')
  return { certificatePem, privateKeyPem: privateKey, thumbprint: thumbprintOf(certificatePem) }
}

/**
 * Signs with SHA-256 through the system's cryptography: the library would compute for 20 to 100 ms. It asks its key for a
 * signature of the digest, and gets one of the text that the digest is of.
 */
function signWith(privateKeyPem: string, certificate: Pki.Certificate): void {
  const { asn1, md } = forge()
  const key = {
    sign: () => {
      const text = asn1.toDer(certificate.tbsCertificate).getBytes()
      return sign('sha256', Buffer.from(text, 'latin1'), privateKeyPem).toString('latin1')
    },
  }
  certificate.sign(key as unknown as Pki.rsa.PrivateKey, md.sha256.create())
}

function checkOptions(commonName: string, validYears: number): void {
  if (commonName.trim() === '' || commonName.length > 64 || /\p{Cc}/u.test(commonName)) {
    throw new HalibutError(
      'ERR_INVALID_ARGUMENT',
      `A certificate cannot have the common name '${commonName.slice(0, 64)}': give 1 to 64 printable characters.`,
    )
  }
  if (!Number.isInteger(validYears) || validYears < 1 || validYears > 1000) {
    throw new HalibutError(
      'ERR_INVALID_ARGUMENT',
      `A certificate cannot be valid for ${validYears} years: give a whole number from 1 to 1000.`,
    )
  }
}

/**
 * Eight random bytes as a positive DER integer below 2^63. The first byte is 0x40 to 0x7f: neither a sign bit nor a
 * leading zero, so the number always takes eight bytes and needs no padding.
 */
function newSerialNumber(): Buffer {
  const bytes = randomBytes(8)
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0)
  return bytes
}

function yearsAfter(midnight: number, years: number): Date {
  const end = new Date(midnight)
  end.setUTCFullYear(end.getUTCFullYear() + years)
  return end
}
