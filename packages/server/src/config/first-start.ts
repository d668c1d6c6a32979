import { randomBytes, randomUUID } from 'node:crypto'
import { hashPassword } from '../access/password-hash.ts'
import { createSpace } from '../catalog/create-space.ts'
import type { Store } from '../db/store.ts'

export interface FirstStartOptions {
  readonly adminUsername: string
  /** Undefined: a random one is made. */
  readonly adminPassword: string | undefined
}

/** Facts of the installation, and the password that was made for the first user: shown once, kept nowhere. */
export interface FirstStart {
  readonly installationId: string
  readonly newPassword: string | undefined
}

/** Fills an empty database with what a server cannot be without: an id, an administrator, the default space. */
export async function ensureInitialContent(store: Store, options: FirstStartOptions): Promise<FirstStart> {
  const known = await store.settings.get('installation-id')
  if (known !== undefined) return { installationId: known, newPassword: undefined }
  const password = options.adminPassword ?? randomBytes(15).toString('base64url')
  const passwordHash = await hashPassword(password)
  const installationId = randomUUID()
  await store.transaction(async within => {
    const admin = await within.users.insert({
      username: options.adminUsername,
      displayName: 'Administrator',
      emailAddress: '',
      isActive: true,
      isService: false,
      passwordHash,
      roles: ['Administrator'],
      created: within.now().toISOString(),
    })
    await createSpace(within, { name: 'Default', isDefault: true, managerUserIds: [admin.id] }, null)
    await within.settings.set('installation-id', installationId)
  })
  return { installationId, newPassword: options.adminPassword === undefined ? password : undefined }
}
