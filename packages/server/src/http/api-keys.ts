import { type Static, Type } from 'typebox'
import { permissionsOf } from '../access/permissions.ts'
import { ServerError } from '../errors.ts'
import type { ApiKey, User } from '../model/user.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, slicePage, toPage } from '../web/paging.ts'
import { ById, Links, Maybe, Nothing, Nullable, PageOf, pageQuery } from '../web/schema.ts'
import { parseInstant, wireInstant, wireInstantOrNull } from '../web/wire-time.ts'
import { invalid } from './input-checks.ts'
import type { HttpParts } from './parts.ts'
import { SensitiveResource } from './sensitive-value.ts'
import { requireUser } from './users.ts'

const fields = {
  Id: Type.String(),
  UserId: Type.String(),
  Purpose: Type.String(),
  Created: Type.String(),
  Expires: Nullable(Type.String()),
  Links,
}
const ApiKeyResource = Type.Object({ ...fields, ApiKey: SensitiveResource })
/** The only answer that ever holds the key itself. */
const NewApiKeyResource = Type.Object({ ...fields, ApiKey: Type.String() })

const ApiKeyInput = Type.Object({ Purpose: Maybe(Type.String()), Expires: Maybe(Type.String()) })
const KeyOfUser = Type.Object({ id: Type.String(), key: Type.String() })

function toFields(key: ApiKey) {
  return {
    Id: key.id,
    UserId: key.userId,
    Purpose: key.purpose,
    Created: wireInstant(key.created),
    Expires: wireInstantOrNull(key.expires),
    Links: { Self: `/api/users/${key.userId}/apikeys/${key.id}` },
  }
}

function toResource(key: ApiKey): Static<typeof ApiKeyResource> {
  return { ...toFields(key), ApiKey: { HasValue: true, NewValue: null, Hint: key.hint } }
}

/** `users/{id}/apikeys`: what programs sign in with. */
export function apiKeyRoutes(app: App, { store, signIn }: HttpParts): void {
  const base = '/api/users/:id/apikeys'
  const config = { permission: 'signed-in' } as const

  /** Keys act for their user: making one for somebody else is for administrators. */
  async function owner(id: string, requestor: User, isChange: boolean): Promise<User> {
    const user = await requireUser(store, id, requestor)
    if (isChange && user.id !== requestor.id && !permissionsOf(requestor).includes('UserEdit')) {
      throw new ServerError(
        'ERR_FORBIDDEN',
        'You do not have permission to change the API keys of other users.',
      )
    }
    return user
  }
  async function requireKey(userId: string, keyId: string): Promise<ApiKey> {
    const key = await store.apiKeys.require(keyId)
    if (key.userId === userId) return key
    throw new ServerError('ERR_NOT_FOUND', `There is no API key with the id '${keyId}'.`)
  }

  app.get(
    base,
    {
      config,
      schema: {
        params: ById,
        querystring: Type.Object(pageQuery),
        response: { 200: PageOf(ApiKeyResource) },
      },
    },
    async request => {
      const user = await owner(request.params.id, request.user, false)
      const page = pageOf(request.query)
      return toPage(request, 'ApiKey', slicePage(await store.apiKeys.ofUser(user.id), page), page, toResource)
    },
  )

  app.get(
    `${base}/:key`,
    { config, schema: { params: KeyOfUser, response: { 200: ApiKeyResource } } },
    async ({ params, user }) =>
      toResource(await requireKey((await owner(params.id, user, false)).id, params.key)),
  )

  app.post(
    base,
    { config, schema: { params: ById, body: ApiKeyInput, response: { 201: NewApiKeyResource } } },
    async ({ params, body, user }, reply) => {
      const { id: userId } = await owner(params.id, user, true)
      const purpose = (body.Purpose ?? '').trim()
      if (purpose === '') throw invalid('Purpose is required: say what the key is for.')
      const expires = parseInstant(body.Expires, 'Expires')
      if (expires !== null && expires <= store.now().toISOString()) throw invalid('Expires is in the past.')
      const made = await signIn.createApiKey({ userId, purpose, expires, by: user.username })
      void reply.status(201)
      return { ...toFields(made.apiKey), ApiKey: made.secret }
    },
  )

  app.delete(
    `${base}/:key`,
    { config, schema: { params: KeyOfUser, response: { 200: Nothing } } },
    async ({ params, user }) => {
      const key = await requireKey((await owner(params.id, user, true)).id, params.key)
      await store.apiKeys.delete(key.id)
      return {}
    },
  )
}
