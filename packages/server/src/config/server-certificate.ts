import { type Certificate, createCertificate, readPfx, writePfx } from '@tentacle/halibut'
import type { SettingsRepository } from '../db/settings-repository.ts'
import type { SecretVault } from '../model/secret.ts'

/** How the certificate is called in the REST API and inside itself. */
export const certificateName = 'Octopus Server'

/**
 * The certificate by which Tentacles know this server. It is made once and kept, sealed, in the database: a new one would
 * have to be trusted by every Tentacle again.
 */
export async function loadServerCertificate(
  settings: SettingsRepository,
  vault: SecretVault,
): Promise<Certificate> {
  const kept = await settings.get('certificate')
  if (kept !== undefined) return readPfx(Buffer.from(vault.open({ sealed: kept }), 'base64'))
  const certificate = await createCertificate({ commonName: certificateName })
  await settings.set('certificate', vault.seal(Buffer.from(writePfx(certificate)).toString('base64')).sealed)
  return certificate
}
