import {
  createSecureContext,
  DEFAULT_CIPHERS,
  type SecureContextOptions,
  type SecureVersion,
  type TLSSocket,
} from 'node:tls'
import type { Certificate } from './certificate.ts'
import { type Thumbprint, thumbprintOf } from './thumbprint.ts'

/**
 * Tentacles of ten years ago have certificates with SHA-1 signatures or RSA keys of 1024 bits. OpenSSL refuses them
 * at its usual security level; here only the thumbprint counts. The ciphers themselves stay the strong ones.
 */
const ciphers = `${DEFAULT_CIPHERS}:@SECLEVEL=0`

/** What both roles show and accept. */
export function tlsSettings(certificate: Certificate, minVersion: SecureVersion): SecureContextOptions {
  return { cert: certificate.certificatePem, key: certificate.privateKeyPem, ciphers, minVersion }
}

/** Settings of a client that shows no certificate. */
export function anonymousTlsSettings(minVersion: SecureVersion): SecureContextOptions {
  return { ciphers, minVersion }
}

export { createSecureContext }

/** The thumbprint of what the other side showed, or undefined when it showed nothing. */
export function peerThumbprint(socket: TLSSocket): Thumbprint | undefined {
  const certificate = socket.getPeerX509Certificate()
  return certificate && thumbprintOf(certificate.raw)
}
