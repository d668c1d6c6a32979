import type { Store } from '../db/store.ts'
import { ServerError } from '../errors.ts'
import type { DeploymentProcess } from '../model/deployment-process.ts'
import type { Environment } from '../model/environment.ts'
import type { Channel, Project } from '../model/project.ts'
import type { Deployment, Release } from '../model/release.ts'
import type { Tenant } from '../model/tenant.ts'
import type { VariableSet } from '../model/variable-set.ts'

/** Everything that a deployment was asked for with, as it was frozen then. */
export interface DeploymentInputs {
  readonly deployment: Deployment
  readonly release: Release
  readonly project: Project
  readonly channel: Channel | undefined
  readonly environment: Environment
  /** Null: the deployment is for no tenant. */
  readonly tenant: Tenant | null
  readonly process: DeploymentProcess
  readonly variableSet: VariableSet
}

function present<T>(found: T | undefined, what: string, id: string): T {
  if (found !== undefined) return found
  throw new ServerError('ERR_NOT_FOUND', `The ${what} '${id}' of this deployment is not there any more.`)
}

/** Reads what belongs to a deployment. Throws `ERR_NOT_FOUND` when a part was deleted meanwhile. */
export async function loadDeployment(store: Store, id: string): Promise<DeploymentInputs> {
  const deployment = present(await store.deployments.get(id), 'record', id)
  const {
    releaseId,
    projectId,
    environmentId,
    channelId,
    tenantId,
    processSnapshotId,
    variableSetSnapshotId,
  } = deployment
  return {
    deployment,
    release: present(await store.releases.get(releaseId), 'release', releaseId),
    project: present(await store.projects.get(projectId), 'project', projectId),
    channel: await store.channels.get(channelId),
    environment: present(await store.environments.get(environmentId), 'environment', environmentId),
    tenant: tenantId === null ? null : present(await store.tenants.get(tenantId), 'tenant', tenantId),
    process: present(await store.deploymentProcesses.get(processSnapshotId), 'process', processSnapshotId),
    variableSet: present(
      await store.variableSets.get(variableSetSnapshotId),
      'variable set',
      variableSetSnapshotId,
    ),
  }
}
