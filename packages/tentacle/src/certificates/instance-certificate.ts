import { type Certificate, createCertificate, readPfx, writePfx } from '@tentacle/halibut'
import { TentacleError } from '../errors.ts'
import { settingsKeys } from '../settings/settings-keys.ts'
import type { SettingsDraft, SettingsStore } from '../settings/settings-store.ts'
import type { TentacleSettings } from '../settings/tentacle-settings.ts'

/** What every agent's certificate says; nobody looks at it, peers know each other by thumbprint. */
export const certificateName = 'Octopus Tentacle'

/**
 * The certificate of an instance, `undefined` if it has none yet.
 *
 * @throws TentacleError `ERR_SECRET` if this machine's key does not open it, `ERR_CERTIFICATE` if it is no certificate.
 */
export async function loadCertificate(settings: TentacleSettings): Promise<Certificate | undefined> {
  const pfx = await settings.certificatePfx()
  if (pfx === undefined) return undefined
  try {
    return readPfx(pfx)
  } catch (cause) {
    throw new TentacleError(
      'ERR_CERTIFICATE',
      `The certificate stored in ${settings.path} cannot be read. Make a new one with new-certificate, or import one, ` +
        'and let the servers trust its thumbprint.',
      { cause },
    )
  }
}

/** Stores a certificate as PKCS#12 without password inside the encrypted setting, and its thumbprint beside it. */
export async function storeCertificate(draft: SettingsDraft, certificate: Certificate): Promise<void> {
  await draft.setSecret(settingsKeys.certificate, Buffer.from(writePfx(certificate)).toString('base64'))
  draft.set(settingsKeys.certificateThumbprint, certificate.thumbprint)
}

/** A new certificate of the kind that agents have. */
export async function generateCertificate(now: Date): Promise<Certificate> {
  return await createCertificate({ commonName: certificateName, validYears: 100, now })
}

/**
 * Makes sure that there is a certificate. Of two processes that find none, one makes it and both use that one.
 *
 * @returns the new certificate, or `undefined` if there was one already.
 */
export async function generateIfMissing(store: SettingsStore, now: Date): Promise<Certificate | undefined> {
  if ((await store.read()).certificateThumbprint !== undefined) return undefined
  const fresh = await generateCertificate(now)
  let used = false
  await store.change(async draft => {
    used = !draft.get(settingsKeys.certificateThumbprint)
    if (used) await storeCertificate(draft, fresh)
  })
  return used ? fresh : undefined
}
