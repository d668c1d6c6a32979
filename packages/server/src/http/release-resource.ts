import { type Static, Type } from 'typebox'
import type { Release } from '../model/release.ts'
import { Nullable, SpaceResource } from '../web/schema.ts'
import { wireInstant } from '../web/wire-time.ts'
import { headOf } from './collection.ts'

export const ReleaseResource = SpaceResource({
  Version: Type.String(),
  ChannelId: Type.String(),
  ProjectId: Type.String(),
  ReleaseNotes: Nullable(Type.String()),
  Assembled: Type.String(),
  SelectedPackages: Type.Array(
    Type.Object({
      ActionName: Type.String(),
      StepName: Type.String(),
      PackageReferenceName: Type.String(),
      Version: Type.String(),
    }),
  ),
  SelectedGitResources: Type.Array(Type.Unknown()),
  ProjectDeploymentProcessSnapshotId: Type.String(),
  ProjectVariableSetSnapshotId: Type.String(),
  LibraryVariableSetSnapshotIds: Type.Array(Type.String()),
  IgnoreChannelRules: Type.Boolean(),
  BuildInformation: Type.Array(Type.Unknown()),
})

/** A release as the REST API shows it. */
export function toReleaseResource(release: Release): Static<typeof ReleaseResource> {
  const space = `/api/${release.spaceId}`
  const self = `${space}/releases/${release.id}`
  return {
    ...headOf(release, self, {
      Project: `${space}/projects/${release.projectId}`,
      Channel: `${space}/channels/${release.channelId}`,
      Deployments: `${self}/deployments{?skip,take}`,
      DeploymentTemplate: `${self}/deployments/template`,
      ProjectDeploymentProcessSnapshot: `${space}/deploymentprocesses/${release.processSnapshotId}`,
      ProjectVariableSnapshot: `${space}/variables/${release.variableSetSnapshotId}`,
      SnapshotVariables: `${self}/snapshot-variables`,
      Web: `/app#/${release.spaceId}/releases/${release.id}`,
    }),
    Version: release.version,
    ChannelId: release.channelId,
    ProjectId: release.projectId,
    ReleaseNotes: release.releaseNotes,
    Assembled: wireInstant(release.assembled),
    SelectedPackages: release.selectedPackages.map(item => ({
      ActionName: item.actionName,
      StepName: item.actionName,
      PackageReferenceName: item.packageReferenceName,
      Version: item.version,
    })),
    SelectedGitResources: [],
    ProjectDeploymentProcessSnapshotId: release.processSnapshotId,
    ProjectVariableSetSnapshotId: release.variableSetSnapshotId,
    LibraryVariableSetSnapshotIds: [],
    IgnoreChannelRules: release.ignoreChannelRules,
    BuildInformation: [],
  }
}
