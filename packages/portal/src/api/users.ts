import type { ApiClient } from './client.ts'
import { asObject, flag, type Json, list, object, optionalText, text } from './read.ts'

/** Who is signed in. */
export interface User {
  readonly id: string
  readonly userName: string
  readonly displayName: string
}

/** A space: machines, projects and tasks that belong together. */
export interface Space {
  readonly id: string
  readonly name: string
  readonly isDefault: boolean
}

/** @throws ApiError ERR_REFUSED with the server's words when name or password are wrong */
export async function signIn(api: ApiClient, userName: string, password: string): Promise<void> {
  await api.post('api/users/login', {
    Username: userName,
    Password: password,
    RememberMe: false,
    State: { UsingSecureConnection: api.url('').startsWith('https:') },
  })
}

export async function signOut(api: ApiClient): Promise<void> {
  await api.post('api/users/logout', {})
}

export async function getCurrentUser(api: ApiClient, signal?: AbortSignal): Promise<User> {
  const user = asObject(await api.get('api/users/me', signal))
  const userName = text(user, 'Username')
  return { id: text(user, 'Id'), userName, displayName: text(user, 'DisplayName') || userName }
}

export async function listSpaces(
  api: ApiClient,
  userId: string,
  signal?: AbortSignal,
): Promise<readonly Space[]> {
  return list(await api.get(`api/users/${encodeURIComponent(userId)}/spaces`, signal), readSpace)
}

function readSpace(space: Json): Space {
  return { id: text(space, 'Id'), name: text(space, 'Name'), isDefault: flag(space, 'IsDefault') }
}

/** Makes a key that programs sign in with. The key itself is told only this once. */
export async function createApiKey(api: ApiClient, userId: string, purpose: string): Promise<string> {
  const answer = asObject(
    await api.post(`api/users/${encodeURIComponent(userId)}/apikeys`, { Purpose: purpose, Expires: null }),
  )
  return optionalText(answer, 'ApiKey') ?? text(object(answer, 'ApiKey'), 'NewValue')
}
