import type { ApiClient } from './client.ts'
import { asObject, text } from './read.ts'

/** The certificate that the server shows to Tentacles. */
export interface ServerCertificate {
  /** SHA-1 of the certificate, 40 upper-case hex digits. */
  readonly thumbprint: string
  readonly signatureAlgorithm: string
}

export async function getServerCertificate(api: ApiClient, signal?: AbortSignal): Promise<ServerCertificate> {
  const answer = asObject(await api.get('api/configuration/certificates/certificate-global', signal))
  return { thumbprint: text(answer, 'Thumbprint'), signatureAlgorithm: text(answer, 'SignatureAlgorithm') }
}
