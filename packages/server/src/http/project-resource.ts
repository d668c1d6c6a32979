import { type Static, Type } from 'typebox'
import { chooseSlug } from '../catalog/slug.ts'
import type { Store } from '../db/store.ts'
import type { Project } from '../model/project.ts'
import { Maybe, NamedResource, Nullable, Words } from '../web/schema.ts'
import { namedHeadOf } from './collection.ts'
import { checkIds, checkName, collectProblems } from './input-checks.ts'

const ActionPackage = Type.Object({ DeploymentAction: Type.String(), PackageReference: Type.String() })
const ConnectivityPolicy = Type.Object({
  SkipMachineBehavior: Type.String(),
  TargetRoles: Type.Array(Type.String()),
  AllowDeploymentsToNoTargets: Type.Boolean(),
  ExcludeUnhealthyTargets: Type.Boolean(),
})

export const ProjectResource = NamedResource({
  Description: Type.String(),
  IsDisabled: Type.Boolean(),
  ProjectGroupId: Type.String(),
  LifecycleId: Type.String(),
  VariableSetId: Type.String(),
  DeploymentProcessId: Type.String(),
  ClonedFromProjectId: Nullable(Type.String()),
  AutoCreateRelease: Type.Boolean(),
  DiscreteChannelRelease: Type.Boolean(),
  IncludedLibraryVariableSetIds: Type.Array(Type.String()),
  DefaultToSkipIfAlreadyInstalled: Type.Boolean(),
  TenantedDeploymentMode: Type.String(),
  DefaultGuidedFailureMode: Type.String(),
  VersioningStrategy: Type.Object({
    Template: Nullable(Type.String()),
    DonorPackage: Nullable(ActionPackage),
  }),
  Templates: Type.Array(Type.Unknown()),
  ProjectConnectivityPolicy: ConnectivityPolicy,
  AutoDeployReleaseOverrides: Type.Array(Type.Unknown()),
  ReleaseNotesTemplate: Nullable(Type.String()),
  DeploymentChangesTemplate: Nullable(Type.String()),
  ForcePackageDownload: Type.Boolean(),
  IsVersionControlled: Type.Boolean(),
  PersistenceSettings: Type.Object({ Type: Type.String() }),
  ExtensionSettings: Type.Array(Type.Unknown()),
})

export const ProjectInput = Type.Object({
  Name: Maybe(Type.String()),
  Slug: Maybe(Type.String()),
  Description: Maybe(Type.String()),
  IsDisabled: Maybe(Type.Boolean()),
  ProjectGroupId: Maybe(Type.String()),
  LifecycleId: Maybe(Type.String()),
  DefaultToSkipIfAlreadyInstalled: Maybe(Type.Boolean()),
  TenantedDeploymentMode: Maybe(Words(['Untenanted', 'TenantedOrUntenanted', 'Tenanted'])),
  DefaultGuidedFailureMode: Maybe(Words(['EnvironmentDefault', 'Off', 'On'])),
  VersioningStrategy: Maybe(
    Type.Object({
      Template: Maybe(Type.String()),
      DonorPackage: Maybe(
        Type.Object({ DeploymentAction: Maybe(Type.String()), PackageReference: Maybe(Type.String()) }),
      ),
    }),
  ),
  ProjectConnectivityPolicy: Maybe(
    Type.Object({
      SkipMachineBehavior: Maybe(Words(['None', 'SkipUnavailableMachines'])),
      TargetRoles: Maybe(Type.Array(Type.String())),
      AllowDeploymentsToNoTargets: Maybe(Type.Boolean()),
      ExcludeUnhealthyTargets: Maybe(Type.Boolean()),
    }),
  ),
  ReleaseNotesTemplate: Maybe(Type.String()),
  DeploymentChangesTemplate: Maybe(Type.String()),
  ForcePackageDownload: Maybe(Type.Boolean()),
})

/** A project as the REST API shows it. */
export function toProjectResource(project: Project): Static<typeof ProjectResource> {
  const space = `/api/${project.spaceId}`
  const self = `${space}/projects/${project.id}`
  const { donorPackage, template } = project.versioningStrategy
  return {
    ...namedHeadOf(project, self, {
      Releases: `${self}/releases{/version}{?skip,take,searchByVersion}`,
      Channels: `${self}/channels{?skip,take,partialName}`,
      DeploymentProcess: `${space}/deploymentprocesses/${project.deploymentProcessId}`,
      Variables: `${space}/variables/${project.variableSetId}`,
      Web: `/app#/${project.spaceId}/projects/${project.slug}`,
    }),
    Description: project.description,
    IsDisabled: project.isDisabled,
    ProjectGroupId: project.projectGroupId,
    LifecycleId: project.lifecycleId,
    VariableSetId: project.variableSetId,
    DeploymentProcessId: project.deploymentProcessId,
    ClonedFromProjectId: project.clonedFromProjectId,
    AutoCreateRelease: false,
    DiscreteChannelRelease: false,
    IncludedLibraryVariableSetIds: [],
    DefaultToSkipIfAlreadyInstalled: project.defaultToSkipIfAlreadyInstalled,
    TenantedDeploymentMode: project.tenantedDeploymentMode,
    DefaultGuidedFailureMode: project.defaultGuidedFailureMode,
    VersioningStrategy: {
      Template: template,
      DonorPackage:
        donorPackage === null
          ? null
          : {
              DeploymentAction: donorPackage.deploymentAction,
              PackageReference: donorPackage.packageReference,
            },
    },
    Templates: [],
    ProjectConnectivityPolicy: {
      SkipMachineBehavior: project.connectivityPolicy.skipMachineBehavior,
      TargetRoles: [...project.connectivityPolicy.targetRoles],
      AllowDeploymentsToNoTargets: project.connectivityPolicy.allowDeploymentsToNoTargets,
      ExcludeUnhealthyTargets: project.connectivityPolicy.excludeUnhealthyTargets,
    },
    AutoDeployReleaseOverrides: [],
    ReleaseNotesTemplate: project.releaseNotesTemplate,
    DeploymentChangesTemplate: project.deploymentChangesTemplate,
    ForcePackageDownload: project.forcePackageDownload,
    IsVersionControlled: false,
    PersistenceSettings: { Type: 'Database' },
    ExtensionSettings: [],
  }
}

function readVersioning(
  input: Static<typeof ProjectInput>['VersioningStrategy'],
  before: Partial<Project>,
): Project['versioningStrategy'] {
  if (input == null) return before.versioningStrategy ?? { template: null, donorPackage: null }
  const donor = input.DonorPackage
  return {
    template: input.Template || null,
    donorPackage: donor?.DeploymentAction
      ? { deploymentAction: donor.DeploymentAction, packageReference: donor.PackageReference ?? '' }
      : null,
  }
}

function readConnectivity(
  input: Static<typeof ProjectInput>['ProjectConnectivityPolicy'],
  before: Project['connectivityPolicy'] | undefined,
): Project['connectivityPolicy'] {
  return {
    skipMachineBehavior: input?.SkipMachineBehavior ?? before?.skipMachineBehavior ?? 'None',
    targetRoles: input?.TargetRoles ?? before?.targetRoles ?? [],
    allowDeploymentsToNoTargets:
      input?.AllowDeploymentsToNoTargets ?? before?.allowDeploymentsToNoTargets ?? false,
    excludeUnhealthyTargets: input?.ExcludeUnhealthyTargets ?? before?.excludeUnhealthyTargets ?? false,
  }
}

/** Checks what a client says of a project; what it leaves out stays as it was. */
export async function readProject(
  store: Store,
  spaceId: string,
  input: Static<typeof ProjectInput>,
  before: Partial<Project>,
) {
  const problems = collectProblems()
  const name = checkName(input.Name ?? before.name, 'a project', problems)
  const required = async (
    id: string | null | undefined,
    what: 'ProjectGroupId' | 'LifecycleId',
  ): Promise<string> => {
    if (!id) {
      problems.add(`${what} is required.`)
      return ''
    }
    const found =
      what === 'LifecycleId'
        ? await checkIds(store.lifecycles, spaceId, [id], 'lifecycle', problems)
        : await checkIds(store.projectGroups, spaceId, [id], 'project group', problems)
    return found[0] ?? ''
  }
  const projectGroupId = await required(input.ProjectGroupId ?? before.projectGroupId, 'ProjectGroupId')
  const lifecycleId = await required(input.LifecycleId ?? before.lifecycleId, 'LifecycleId')
  problems.throwIfAny()
  return {
    spaceId,
    name,
    slug: chooseSlug(input.Slug, before.slug, name),
    description: input.Description ?? before.description ?? '',
    isDisabled: input.IsDisabled ?? before.isDisabled ?? false,
    projectGroupId,
    lifecycleId,
    defaultToSkipIfAlreadyInstalled:
      input.DefaultToSkipIfAlreadyInstalled ?? before.defaultToSkipIfAlreadyInstalled ?? false,
    tenantedDeploymentMode: input.TenantedDeploymentMode ?? before.tenantedDeploymentMode ?? 'Untenanted',
    defaultGuidedFailureMode:
      input.DefaultGuidedFailureMode ?? before.defaultGuidedFailureMode ?? 'EnvironmentDefault',
    versioningStrategy: readVersioning(input.VersioningStrategy, before),
    connectivityPolicy: readConnectivity(input.ProjectConnectivityPolicy, before.connectivityPolicy),
    releaseNotesTemplate: input.ReleaseNotesTemplate ?? before.releaseNotesTemplate ?? null,
    deploymentChangesTemplate: input.DeploymentChangesTemplate ?? before.deploymentChangesTemplate ?? null,
    forcePackageDownload: input.ForcePackageDownload ?? before.forcePackageDownload ?? false,
  }
}
