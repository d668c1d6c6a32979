import { Type } from 'typebox'
import { permissions } from '../access/permissions.ts'
import type { App } from '../web/app-types.ts'
import { Links, Nullable } from '../web/schema.ts'
import { globalLinks, linksOfSpace } from './link-templates.ts'
import type { HttpParts } from './parts.ts'

const RootResource = Type.Object({
  Application: Type.String(),
  Version: Type.String(),
  ApiVersion: Type.String(),
  InstallationId: Type.String(),
  IsEarlyAccessProgram: Type.Boolean(),
  HasLongTermSupport: Type.Boolean(),
  /** Ours; clients do not look at it. */
  ProductVersion: Type.String(),
  Links,
})

const StatusResource = Type.Object({
  IsDatabaseEncrypted: Type.Boolean(),
  IsUpgradeAvailable: Type.Boolean(),
  IsInMaintenanceMode: Type.Boolean(),
  IsMajorMinorUpgrade: Type.Boolean(),
  IsPotentialClone: Type.Boolean(),
  MaximumAvailableVersion: Nullable(Type.String()),
  MaximumAvailableVersionCoveredByLicense: Nullable(Type.String()),
  MaintenanceExpires: Nullable(Type.String()),
  Links,
})

const AuthenticationResource = Type.Object({
  AuthenticationProviders: Type.Array(
    Type.Object({
      Name: Type.String(),
      IdentityType: Type.String(),
      FormsLoginEnabled: Type.Boolean(),
      Links,
    }),
  ),
  AnyAuthenticationProvidersSupportPasswordManagement: Type.Boolean(),
  AutoLoginEnabled: Type.Boolean(),
  Links,
})

/** The version of the API's conventions; C# clients refuse anything but 3.0. */
const apiVersion = '3.0.0'

/** What clients read first: the root documents, and who and how well this server is. */
export function rootRoutes(app: App, { store, identity }: HttpParts): void {
  const anonymous = { permission: 'anonymous' } as const

  app.get('/api', { config: anonymous, schema: { response: { 200: RootResource } } }, async () => {
    const space = await store.spaces.default()
    return {
      Application: identity.application,
      Version: identity.version,
      ApiVersion: apiVersion,
      InstallationId: identity.installationId,
      IsEarlyAccessProgram: false,
      HasLongTermSupport: false,
      ProductVersion: identity.productVersion,
      // Clients that know of no spaces find the default one's things here.
      Links: { ...(space === undefined ? {} : linksOfSpace(space.id)), ...globalLinks },
    }
  })

  app.get(
    '/api/:space',
    {
      config: { permission: 'signed-in' },
      schema: { response: { 200: Type.Object({ Id: Type.String(), Links }) } },
    },
    async ({ space }) => ({ Id: space.id, Links: { Self: `/api/${space.id}`, ...linksOfSpace(space.id) } }),
  )

  app.get(
    '/api/capabilities',
    {
      config: anonymous,
      schema: { response: { 200: Type.Object({ Capabilities: Type.Array(Type.String()) }) } },
    },
    async () => ({ Capabilities: ['GetAllSpacesRequest'] }),
  )

  app.get(
    '/api/serverstatus',
    { config: { permission: 'signed-in' }, schema: { response: { 200: StatusResource } } },
    async () => ({
      IsDatabaseEncrypted: true,
      IsUpgradeAvailable: false,
      IsInMaintenanceMode: false,
      IsMajorMinorUpgrade: false,
      IsPotentialClone: false,
      MaximumAvailableVersion: null,
      MaximumAvailableVersionCoveredByLicense: null,
      MaintenanceExpires: null,
      Links: { Self: '/api/serverstatus' },
    }),
  )

  app.get(
    '/api/serverstatus/health',
    {
      config: anonymous,
      schema: { response: { 200: Type.Record(Type.String(), Type.Unknown()) } },
    },
    async () => ({
      IsOperatingNormally: true,
      IsEntireClusterReadOnly: false,
      IsEntireClusterDrainingTasks: false,
      IsCompliantWithLicense: true,
      Description: 'The server is operating normally.',
      Links: { Self: '/api/serverstatus/health' },
    }),
  )

  app.get(
    '/api/authentication',
    { config: anonymous, schema: { response: { 200: AuthenticationResource } } },
    async () => ({
      AuthenticationProviders: [
        {
          Name: 'Username / Password',
          IdentityType: 'UsernamePassword',
          FormsLoginEnabled: true,
          Links: { LogoutUrl: '/api/users/logout' },
        },
      ],
      AnyAuthenticationProvidersSupportPasswordManagement: false,
      AutoLoginEnabled: false,
      Links: { Self: '/api/authentication' },
    }),
  )

  app.get(
    '/api/permissions/all',
    {
      config: { permission: 'signed-in' },
      schema: { response: { 200: Type.Record(Type.String(), Type.Unknown()) } },
    },
    async () =>
      Object.fromEntries(
        permissions.map(name => {
          const isSystem = /^(Administer|User|Team|SpaceCreate|SpaceDelete)/.test(name)
          return [
            name,
            {
              Description: name.replace(/(?<=[a-z])(?=[A-Z])/g, ' '),
              CanApplyAtSystemLevel: true,
              CanApplyAtSpaceLevel: !isSystem,
              SupportedRestrictions: [],
            },
          ]
        }),
      ),
  )
}
