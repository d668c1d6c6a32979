import type { Socket } from 'node:net'
import { isIP } from 'node:net'
import { connect, DEFAULT_CIPHERS, type TLSSocket } from 'node:tls'
import { type Certificate, type Thumbprint, thumbprintOf } from '@tentacle/halibut'
import { systemCode, toError } from '../../errors.ts'
import { ProbeTimeout } from '../probe.ts'

/** The certificate that the other side showed. */
export interface ShownCertificate {
  readonly thumbprint: Thumbprint
  /** `CN=Octopus Portal`, on one line. */
  readonly subject: string
  readonly issuer: string
  readonly isSelfSigned: boolean
  readonly validTo: string
}

/** How TLS began. */
export type TlsOutcome =
  | {
      readonly kind: 'open'
      readonly socket: TLSSocket
      readonly version: string
      readonly shown: ShownCertificate | undefined
    }
  /** Bytes came back that are no TLS. */
  | { readonly kind: 'no tls' }
  /** The other side ended the handshake. */
  | { readonly kind: 'hung up' }
  | { readonly kind: 'silent' }
  /** Both speak TLS and do not agree. */
  | { readonly kind: 'failed'; readonly reason: string }

/**
 * Does the TLS handshake of a polling agent on a connection: any certificate is accepted, the thumbprint decides later
 * (docs/wire/halibut.md, "TLS and trust"). Peers of ten years ago have weak certificates, so the security level is lowered.
 */
export async function openTls(
  socket: Socket,
  host: string,
  certificate: Certificate | undefined,
  { signal, isWebSocket = false }: { readonly signal: AbortSignal; readonly isWebSocket?: boolean },
): Promise<TlsOutcome> {
  try {
    const secure = await handshake(socket, host, certificate, signal, isWebSocket)
    return { kind: 'open', socket: secure, version: secure.getProtocol() ?? 'TLS', shown: shownBy(secure) }
  } catch (error) {
    socket.destroy()
    if (error instanceof ProbeTimeout) return { kind: 'silent' }
    if (signal.aborted) throw error
    return judge(toError(error))
  }
}

function handshake(
  socket: Socket,
  host: string,
  certificate: Certificate | undefined,
  signal: AbortSignal,
  isWebSocket: boolean,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connect({
      socket,
      ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0`,
      minVersion: 'TLSv1.2',
      // As when polling by WebSocket (docs/wire/halibut.md, "Polling over WebSockets").
      ...(isWebSocket && { maxVersion: 'TLSv1.2' }),
      rejectUnauthorized: false,
      ...(isIP(host) === 0 && { servername: host }),
      ...(certificate && { cert: certificate.certificatePem, key: certificate.privateKeyPem }),
    })
    const giveUp = () => secure.destroy(toError(signal.reason))
    const leave = () => signal.removeEventListener('abort', giveUp)
    secure.once('secureConnect', () => {
      leave()
      resolve(secure)
    })
    secure.on('error', error => {
      leave()
      reject(error)
    })
    secure.once('close', () => {
      leave()
      reject(new HungUp('the other side hung up'))
    })
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  })
}

class HungUp extends Error {}

function judge(error: Error): TlsOutcome {
  const code = systemCode(error) ?? ''
  if (error instanceof HungUp || code === 'ECONNRESET' || code === 'EPIPE') return { kind: 'hung up' }
  if (
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|RECORD_TOO_|UNEXPECTED_MESSAGE|HTTP_REQUEST|BAD_RECORD_TYPE/.test(
      code,
    )
  )
    return { kind: 'no tls' }
  return { kind: 'failed', reason: code === '' ? error.message : code }
}

function shownBy(socket: TLSSocket): ShownCertificate | undefined {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  const [subject, issuer] = [oneLine(certificate.subject), oneLine(certificate.issuer)]
  return {
    thumbprint: thumbprintOf(certificate.raw),
    subject,
    issuer,
    isSelfSigned: subject === issuer,
    validTo: certificate.validTo,
  }
}

/** Names come from strangers: no control characters, and not too long. */
function oneLine(name: string | undefined): string {
  const joined = (name ?? '')
    .split('\n')
    .join(', ')
    .replaceAll(/\p{Cc}/gu, '?')
  return joined === '' ? 'no name' : joined.slice(0, 120)
}

/** "CN=a" for a certificate that vouches for itself, else "CN=a, issued by CN=b". */
export function describeCertificate({ subject, issuer, isSelfSigned }: ShownCertificate): string {
  return isSelfSigned ? `${subject}, issued by itself` : `${subject}, issued by ${issuer}`
}
