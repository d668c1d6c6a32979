import type { RoleName, User } from '../model/user.ts'

/** What a route may ask of its caller. The names are those of the REST API (docs/wire/server-api.md, permissions). */
export const permissions = [
  'AdministerSystem',
  'SpaceView',
  'SpaceEdit',
  'SpaceCreate',
  'SpaceDelete',
  'UserView',
  'UserEdit',
  'UserInvite',
  'TeamView',
  'TeamEdit',
  'TeamCreate',
  'TeamDelete',
  'MachineView',
  'MachineCreate',
  'MachineEdit',
  'MachineDelete',
  'WorkerView',
  'WorkerEdit',
  'EnvironmentView',
  'EnvironmentCreate',
  'EnvironmentEdit',
  'EnvironmentDelete',
  'MachinePolicyView',
  'MachinePolicyCreate',
  'MachinePolicyEdit',
  'MachinePolicyDelete',
  'ProxyView',
  'ProxyCreate',
  'ProxyEdit',
  'ProxyDelete',
  'ProjectView',
  'ProjectCreate',
  'ProjectEdit',
  'ProjectDelete',
  'ProjectGroupView',
  'ProjectGroupCreate',
  'ProjectGroupEdit',
  'ProjectGroupDelete',
  'ProcessView',
  'ProcessEdit',
  'VariableView',
  'VariableEdit',
  'ReleaseView',
  'ReleaseCreate',
  'ReleaseEdit',
  'ReleaseDelete',
  'DeploymentView',
  'DeploymentCreate',
  'DeploymentDelete',
  'TaskView',
  'TaskViewLog',
  'TaskCreate',
  'TaskCancel',
  'TaskEdit',
  'BuiltInFeedPush',
  'BuiltInFeedDownload',
  'BuiltInFeedAdminister',
  'FeedView',
  'FeedEdit',
  'EventView',
  'LifecycleView',
  'LifecycleCreate',
  'LifecycleEdit',
  'LifecycleDelete',
  'TenantView',
  'TenantCreate',
  'TenantEdit',
  'TenantDelete',
  'TagSetView',
  'TagSetCreate',
  'TagSetEdit',
  'TagSetDelete',
  'CertificateView',
] as const

export type Permission = (typeof permissions)[number]

/** What a route asks for: nothing, any signed-in user, or a permission. */
export type RoutePermission = 'anonymous' | 'signed-in' | Permission

const views = new Set<Permission>([
  ...permissions.filter(name => name.endsWith('View')),
  'TaskViewLog',
  'BuiltInFeedDownload',
])

const roles: Readonly<Record<RoleName, ReadonlySet<Permission>>> = {
  Administrator: new Set(permissions),
  Viewer: views,
}

/** True when one of the user's roles holds the permission. */
export function isAllowed(user: User, permission: Permission): boolean {
  return user.roles.some(role => roles[role].has(permission))
}

/** Everything that the user may do, sorted. */
export function permissionsOf(user: User): readonly Permission[] {
  return permissions.filter(permission => isAllowed(user, permission)).toSorted()
}
