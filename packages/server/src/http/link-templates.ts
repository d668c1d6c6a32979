/**
 * Links of the root document and of a space's root: docs/wire/server-api.md, root documents. C# clients never send a
 * parameter that the template does not name, so the lists are exactly those that clients know. Only links whose routes
 * exist are listed: a test looks each one up.
 */
export const globalLinks: Readonly<Record<string, string>> = {
  Self: '/api',
  Authentication: '/api/authentication',
  Capabilities: '/api/capabilities',
  CertificateConfiguration: '/api/configuration/certificates{/id}{?skip,take,ids,partialName}',
  CurrentUser: '/api/users/me',
  PermissionDescriptions: '/api/permissions/all',
  ServerStatus: '/api/serverstatus',
  ServerHealthStatus: '/api/serverstatus/health',
  SignIn: '/api/users/login{?returnUrl}',
  SignOut: '/api/users/logout',
  SpaceHome: '/api/{spaceId}',
  Spaces: '/api/spaces{/id}{?name,skip,ids,take,partialName}',
  Tasks:
    '/api/tasks{/id}{?skip,active,environment,tenant,runbook,project,name,node,running,states,hasPendingInterruptions,hasWarningsOrErrors,take,ids,partialName,spaces,includeSystem}',
  TaskTypes: '/api/tasks/taskTypes',
  Users: '/api/users{/id}{?skip,take,ids,filter}',
  Web: '/app',
}

/** Below `/api/{space}`. */
export const spaceLinks: Readonly<Record<string, string>> = {
  Channels: '/channels{/id}{?skip,take,ids,partialName}',
  DeploymentProcesses: '/deploymentprocesses{/id}{?skip,take,ids}',
  Deployments:
    '/deployments{/id}{?skip,take,ids,projects,environments,tenants,channels,taskState,partialName}',
  DiscoverMachine: '/machines/discover{?host,port,type,proxyId}',
  DiscoverWorker: '/workers/discover{?host,port,type,proxyId}',
  Environments: '/environments{/id}{?name,skip,ids,take,partialName}',
  EnvironmentSortOrder: '/environments/sortorder',
  EnvironmentsSummary:
    '/environments/summary{?ids,partialName,machinePartialName,roles,isDisabled,healthStatuses,commStyles,tenantIds,tenantTags,hideEmptyEnvironments,shellNames}',
  Feeds: '/feeds{/id}{?skip,take,ids,partialName,feedType}',
  Lifecycles: '/lifecycles{/id}{?skip,take,ids,partialName}',
  MachineOperatingSystems: '/machines/operatingsystem/names/all',
  MachinePolicies: '/machinepolicies{/id}{?skip,take,ids,partialName}',
  MachinePolicyTemplate: '/machinepolicies/template',
  MachineRoles: '/machineroles/all',
  MachineShells: '/machines/operatingsystem/shells/all',
  Machines:
    '/machines{/id}{?skip,take,name,ids,partialName,roles,isDisabled,healthStatuses,commStyles,tenantIds,tenantTags,environmentIds,thumbprint,deploymentId,shellNames}',
  PackageDeltaSignature: '/packages/{packageId}/{version}/delta-signature',
  PackageUpload: '/packages/raw{?replace,overwriteMode}',
  Packages: '/packages{/id}{?nuGetPackageId,filter,latest,skip,take,includeNotes}',
  ProjectGroups: '/projectgroups{/id}{?skip,take,ids,partialName}',
  Projects: '/projects{/id}{?name,skip,ids,clone,take,partialName,clonedFromProjectId}',
  Proxies: '/proxies{/id}{?skip,take,ids,partialName}',
  Releases: '/releases{/id}{?skip,ignoreChannelRules,take,ids}',
  TagSets: '/tagsets{/id}{?skip,take,ids,partialName}',
  Tenants: '/tenants{/id}{?skip,projectId,name,tags,take,ids,clone,partialName,clonedFromTenantId}',
  Variables: '/variables{/id}{?ids}',
  WorkerPools: '/workerpools{/id}{?name,skip,ids,take,partialName}',
  WorkerPoolsSummary:
    '/workerpools/summary{?ids,partialName,machinePartialName,isDisabled,healthStatuses,commStyles,hideEmptyWorkerPools,shellNames}',
  WorkerPoolsSupportedTypes: '/workerpools/supportedtypes',
  Workers:
    '/workers{/id}{?skip,take,name,ids,partialName,isDisabled,healthStatuses,commStyles,workerPoolIds,thumbprint,shellNames}',
}

/** The links of a space, for its root document. */
export function linksOfSpace(spaceId: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(spaceLinks).map(([name, path]) => [name, `/api/${spaceId}${path}`]),
  )
}
