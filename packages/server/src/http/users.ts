import { type Static, Type } from 'typebox'
import { permissionsOf } from '../access/permissions.ts'
import type { Store } from '../db/store.ts'
import { ServerError } from '../errors.ts'
import type { User } from '../model/user.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, toPage } from '../web/paging.ts'
import { ById, Links, PageOf, pageQuery, QueryText } from '../web/schema.ts'
import type { HttpParts } from './parts.ts'
import { SpaceResource, toSpaceResource } from './space-resource.ts'

export const UserResource = Type.Object({
  Id: Type.String(),
  Username: Type.String(),
  DisplayName: Type.String(),
  EmailAddress: Type.String(),
  IsActive: Type.Boolean(),
  IsService: Type.Boolean(),
  IsRequestor: Type.Boolean(),
  CanPasswordBeEdited: Type.Boolean(),
  Identities: Type.Array(Type.Unknown()),
  Links,
})

/** A user as the REST API shows it. */
export function toUserResource(user: User, requestor: User): Static<typeof UserResource> {
  const self = `/api/users/${user.id}`
  return {
    Id: user.id,
    Username: user.username,
    DisplayName: user.displayName,
    EmailAddress: user.emailAddress,
    IsActive: user.isActive,
    IsService: user.isService,
    IsRequestor: user.id === requestor.id,
    CanPasswordBeEdited: false,
    Identities: [],
    Links: {
      Self: self,
      Spaces: `${self}/spaces`,
      ApiKeys: `${self}/apikeys{/id}{?skip,take}`,
      Permissions: `${self}/permissions{?spaces,includeSystem}`,
      AccessToken: '/api/users/access-token',
    },
  }
}

/** The user with this id: oneself, or with the permission anybody. */
export async function requireUser(store: Store, id: string, requestor: User): Promise<User> {
  if (id.toLowerCase() === requestor.id.toLowerCase()) return requestor
  if (permissionsOf(requestor).includes('UserView')) return store.users.require(id)
  throw new ServerError('ERR_FORBIDDEN', 'You do not have permission to see other users: UserView is needed.')
}

const PermissionsResource = Type.Object({
  Id: Type.String(),
  SpacePermissions: Type.Record(Type.String(), Type.Array(Type.Unknown())),
  SystemPermissions: Type.Array(Type.String()),
  Teams: Type.Array(Type.Unknown()),
  IsPermissionsComplete: Type.Boolean(),
  IsTeamsComplete: Type.Boolean(),
  Links,
})

/** `users`: who one is, and which spaces and rights one has. */
export function userRoutes(app: App, { store }: HttpParts): void {
  const signedIn = { permission: 'signed-in' } as const

  app.get(
    '/api/users/me',
    { config: signedIn, schema: { response: { 200: UserResource } } },
    async ({ user }) => toUserResource(user, user),
  )

  app.get(
    '/api/users',
    {
      config: { permission: 'UserView' },
      schema: {
        querystring: Type.Object({ ...pageQuery, filter: QueryText }),
        response: { 200: PageOf(UserResource) },
      },
    },
    async request => {
      const { ids, filter, partialName = filter } = request.query
      const page = pageOf(request.query)
      const found = await store.users.list({
        ...page,
        ...(ids && { ids }),
        ...(partialName && { partialName }),
      })
      return toPage(request, 'User', found, page, user => toUserResource(user, request.user))
    },
  )

  app.get(
    '/api/users/all',
    { config: { permission: 'UserView' }, schema: { response: { 200: Type.Array(UserResource) } } },
    async request => (await store.users.list()).items.map(user => toUserResource(user, request.user)),
  )

  app.get(
    '/api/users/:id',
    { config: signedIn, schema: { params: ById, response: { 200: UserResource } } },
    async ({ params, user }) => toUserResource(await requireUser(store, params.id, user), user),
  )

  app.get(
    '/api/users/:id/spaces',
    { config: signedIn, schema: { params: ById, response: { 200: Type.Array(SpaceResource) } } },
    async ({ params, user }) => {
      await requireUser(store, params.id, user)
      // Roles hold in all spaces, and what spaces there are is no secret.
      return (await store.spaces.list()).items.map(toSpaceResource)
    },
  )

  app.get(
    '/api/users/:id/permissions',
    { config: signedIn, schema: { params: ById, response: { 200: PermissionsResource } } },
    async ({ params, user }) => {
      const owner = await requireUser(store, params.id, user)
      const names = [...permissionsOf(owner)]
      const spaces = (await store.spaces.list()).items
      const unrestricted = spaces.map(space => ({
        SpaceId: space.id,
        RestrictedToProjectIds: [],
        RestrictedToEnvironmentIds: [],
        RestrictedToTenantIds: [],
        RestrictedToProjectGroupIds: [],
      }))
      return {
        Id: owner.id,
        SpacePermissions: Object.fromEntries(names.map(name => [name, unrestricted])),
        SystemPermissions: names,
        Teams: [],
        IsPermissionsComplete: true,
        IsTeamsComplete: true,
        Links: { Self: `/api/users/${owner.id}/permissions` },
      }
    },
  )
}
