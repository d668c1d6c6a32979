import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { asn1 as Asn1, pkcs12 as Pkcs12 } from 'node-forge'
import { HalibutError } from '../errors.ts'
import type { Certificate } from './certificate.ts'
import { forge } from './forge.ts'
import { openPfx, type PfxFailure } from './pfx-container.ts'
import { readPlainPfx } from './pfx-plain.ts'
import { thumbprintOf } from './thumbprint.ts'

/** Rounds of key derivation and salt size of what we write; the same as in files of the .NET Tentacle. */
const writtenRounds = 2000
const writtenSaltBytes = 20

/**
 * Reads certificate and private key from a PFX (PKCS#12) file. Understands what .NET, Windows and OpenSSL wrote
 * over the years: RC2, 3DES and AES encryption, SHA-1 and SHA-2 digests, an empty password and none. Of several
 * certificates the one that belongs to the private key is taken; issuers are left out, because peers know each
 * other by thumbprint alone.
 *
 * This computes for some 10 to 50 ms and does not give way meanwhile; the form that agents store takes the least.
 *
 * @throws HalibutError `ERR_INVALID_PFX`; `details.reason` says what is wrong: `not-a-pfx`, `wrong-password`,
 *   `unsupported`, `no-certificate`, `no-private-key` or `not-an-rsa-key`.
 */
export function readPfx(bytes: Uint8Array, password?: string): Certificate {
  const hasPassword = password !== undefined && password !== ''
  return (hasPassword ? undefined : readPlainPfx(bytes)) ?? readAnyPfx(bytes, password)
}

function readAnyPfx(bytes: Uint8Array, password: string | undefined): Certificate {
  const bags = openPfx(bytes, password).safeContents.flatMap(content => content.safeBags)
  const { oids } = forge().pki
  const keyBags = bags.filter(bag => bag.type === oids.keyBag || bag.type === oids.pkcs8ShroudedKeyBag)
  const certificates = bags.filter(bag => bag.type === oids.certBag).map(certificateIn)

  const keys = keyBags.map(privateKeyIn)
  if (keys.length === 0) {
    throw invalidPfx(
      'no-private-key',
      'The PFX file holds a certificate but no private key. Export it again together with its private key.',
    )
  }
  for (const key of keys) {
    const certificate = certificates.find(candidate => candidate.checkPrivateKey(key))
    if (certificate === undefined) continue
    return {
      certificatePem: certificate.toString(),
      privateKeyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      thumbprint: thumbprintOf(certificate.raw),
    }
  }
  throw invalidPfx(
    'no-certificate',
    certificates.length === 0
      ? 'The PFX file holds a private key but no certificate. Export the certificate and its key together.'
      : `None of the ${certificates.length} certificates in the PFX file belongs to its private key.`,
  )
}

/**
 * Writes a PFX file that the .NET Tentacle and every version of Windows can read: key encrypted by
 * PBE-SHA1-3DES with 2000 rounds, MAC with SHA-1. That protects little, so treat the file itself as a secret.
 *
 * @param password without one, the file opens with an empty password.
 * @throws HalibutError `ERR_INVALID_PFX` when the certificate's key is not an RSA key.
 */
export function writePfx(certificate: Certificate, password?: string): Uint8Array {
  const { pki, pkcs12, asn1 } = forge()
  const key = createPrivateKey(certificate.privateKeyPem)
  if (key.asymmetricKeyType !== 'rsa') throw notRsa(key)
  const pfx = pkcs12.toPkcs12Asn1(
    pki.privateKeyFromPem(certificate.privateKeyPem),
    pki.certificateFromPem(certificate.certificatePem),
    password ?? '',
    { algorithm: '3des', count: writtenRounds, saltSize: writtenSaltBytes },
  )
  return Buffer.from(asn1.toDer(pfx).getBytes(), 'latin1')
}

function derOf(structure: Asn1.Asn1): Buffer {
  return Buffer.from(forge().asn1.toDer(structure).getBytes(), 'latin1')
}

/** Node's own reading of the certificate, also for kinds that the PFX reader does not know. */
function certificateIn(bag: Pkcs12.Bag): X509Certificate {
  const structure = bag.cert ? forge().pki.certificateToAsn1(bag.cert) : bag.asn1
  try {
    return new X509Certificate(derOf(structure))
  } catch (error) {
    throw invalidPfx('unsupported', 'The PFX file holds a certificate that cannot be read.', error)
  }
}

function privateKeyIn(bag: Pkcs12.Bag): KeyObject {
  const { pki } = forge()
  const structure = bag.key ? pki.wrapRsaPrivateKey(pki.privateKeyToAsn1(bag.key)) : bag.asn1
  let key: KeyObject
  try {
    key = createPrivateKey({ key: derOf(structure), type: 'pkcs8', format: 'der' })
  } catch (error) {
    throw invalidPfx('unsupported', 'The private key in the PFX file cannot be read.', error)
  }
  if (key.asymmetricKeyType !== 'rsa') throw notRsa(key)
  return key
}

function notRsa(key: KeyObject): HalibutError {
  const kind = key.asymmetricKeyType?.toUpperCase() ?? 'unknown'
  return invalidPfx(
    'not-an-rsa-key',
    `The private key is of the kind ${kind}; only RSA keys work on both ends. Make a new certificate with an RSA key.`,
  )
}

function invalidPfx(reason: PfxFailure, message: string, cause?: unknown): HalibutError {
  return new HalibutError('ERR_INVALID_PFX', message, { details: { reason }, cause })
}
