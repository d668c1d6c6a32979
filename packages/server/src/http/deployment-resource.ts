import { type Static, Type } from 'typebox'
import type { Deployment } from '../model/release.ts'
import { Nullable, SpaceResource } from '../web/schema.ts'
import { wireInstant, wireInstantOrNull } from '../web/wire-time.ts'
import { headOf } from './collection.ts'

const Texts = Type.Array(Type.String())

export const DeploymentResource = SpaceResource({
  ReleaseId: Type.String(),
  ProjectId: Type.String(),
  EnvironmentId: Type.String(),
  TenantId: Nullable(Type.String()),
  ChannelId: Type.String(),
  TaskId: Type.String(),
  Name: Type.String(),
  Comments: Type.String(),
  DeploymentProcessId: Type.String(),
  ManifestVariableSetId: Type.String(),
  SkipActions: Texts,
  SpecificMachineIds: Texts,
  ExcludedMachineIds: Texts,
  ForcePackageDownload: Type.Boolean(),
  ForcePackageRedeployment: Type.Boolean(),
  UseGuidedFailure: Type.Boolean(),
  FormValues: Type.Record(Type.String(), Type.Unknown()),
  QueueTime: Nullable(Type.String()),
  QueueTimeExpiry: Nullable(Type.String()),
  Created: Type.String(),
  DeployedBy: Type.String(),
  DeployedById: Type.String(),
  DeployedToMachineIds: Texts,
  FailureEncountered: Type.Boolean(),
  Changes: Type.Array(Type.Unknown()),
  ChangesMarkdown: Type.String(),
})

/** A deployment as the REST API shows it. */
export function toDeploymentResource(deployment: Deployment): Static<typeof DeploymentResource> {
  const space = `/api/${deployment.spaceId}`
  return {
    ...headOf(deployment, `${space}/deployments/${deployment.id}`, {
      Task: `/api/tasks/${deployment.taskId}`,
      Release: `${space}/releases/${deployment.releaseId}`,
      Environment: `${space}/environments/${deployment.environmentId}`,
      Project: `${space}/projects/${deployment.projectId}`,
      Variables: `${space}/variables/${deployment.variableSetSnapshotId}`,
      Web: `/app#/${deployment.spaceId}/deployments/${deployment.id}`,
    }),
    ReleaseId: deployment.releaseId,
    ProjectId: deployment.projectId,
    EnvironmentId: deployment.environmentId,
    TenantId: deployment.tenantId,
    ChannelId: deployment.channelId,
    TaskId: deployment.taskId,
    Name: deployment.name,
    Comments: deployment.comments,
    DeploymentProcessId: deployment.processSnapshotId,
    ManifestVariableSetId: deployment.variableSetSnapshotId,
    SkipActions: [...deployment.skipActions],
    SpecificMachineIds: [...deployment.specificMachineIds],
    ExcludedMachineIds: [...deployment.excludedMachineIds],
    ForcePackageDownload: deployment.forcePackageDownload,
    ForcePackageRedeployment: deployment.forcePackageRedeployment,
    UseGuidedFailure: deployment.useGuidedFailure,
    FormValues: Object.fromEntries(
      Object.entries(deployment.formValues).map(([id, value]) => [
        id,
        typeof value === 'string' ? value : { HasValue: true, NewValue: null, Hint: null },
      ]),
    ),
    QueueTime: wireInstantOrNull(deployment.queueTime),
    QueueTimeExpiry: wireInstantOrNull(deployment.queueTimeExpiry),
    Created: wireInstant(deployment.created),
    DeployedBy: deployment.deployedBy,
    DeployedById: deployment.deployedById,
    DeployedToMachineIds: [...deployment.deployedToMachineIds],
    FailureEncountered: deployment.failureEncountered,
    Changes: [],
    ChangesMarkdown: '',
  }
}
