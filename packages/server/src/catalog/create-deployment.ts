import type { Store } from '../db/store.ts'
import { ServerError } from '../errors.ts'
import type { DeploymentProcess } from '../model/deployment-process.ts'
import type { Instant } from '../model/document.ts'
import type { Environment } from '../model/environment.ts'
import type { Deployment, Release } from '../model/release.ts'
import type { SecretVault } from '../model/secret.ts'
import type { Tenant } from '../model/tenant.ts'
import type { User } from '../model/user.ts'
import type { VariableSet } from '../model/variable-set.ts'
import type { TaskService } from '../orchestration/task-service.ts'
import { openEnvironments } from './lifecycle-progress.ts'

/** What all deployments of one request have in common. */
export interface DeploymentOptions {
  readonly comments: string
  /** Ids of actions. */
  readonly skipActions: readonly string[]
  readonly specificMachineIds: readonly string[]
  readonly excludedMachineIds: readonly string[]
  readonly forcePackageDownload: boolean
  readonly forcePackageRedeployment: boolean
  /** Null: as the environment says. */
  readonly useGuidedFailure: boolean | null
  /** Values of prompted variables by the variable's id or name. */
  readonly formValues: Readonly<Record<string, string>>
  readonly queueTime: Instant | null
  readonly queueTimeExpiry: Instant | null
}

export interface NewDeployment extends DeploymentOptions {
  readonly release: Release
  readonly environment: Environment
  readonly tenant: Tenant | null
  readonly user: User
}

/** Parts that deploying needs. */
export interface DeploymentParts {
  readonly store: Store
  readonly tasks: TaskService
  readonly vault: SecretVault
}

function refusal(problem: string): ServerError {
  return new ServerError('ERR_INVALID_INPUT', 'The deployment cannot be created.', { problems: [problem] })
}

async function checkTenant(
  { release, environment, tenant }: NewDeployment,
  mode: 'Untenanted' | 'TenantedOrUntenanted' | 'Tenanted',
  projectName: string,
): Promise<void> {
  if (tenant === null) {
    if (mode === 'Tenanted') throw refusal(`'${projectName}' is deployed for tenants only. Say for which.`)
    return
  }
  if (mode === 'Untenanted') throw refusal(`'${projectName}' is not deployed for tenants.`)
  if (tenant.projectEnvironments[release.projectId]?.includes(environment.id) !== true) {
    throw refusal(
      `The tenant '${tenant.name}' does not take part in '${projectName}' in '${environment.name}'.`,
    )
  }
}

/** The values that were asked for, by variable id; sensitive ones sealed. Throws when a required one is missing. */
function readPrompts(
  { variables }: VariableSet,
  given: Readonly<Record<string, string>>,
  vault: SecretVault,
): Deployment['formValues'] {
  const byName = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]))
  const prompted = variables.filter(variable => variable.prompt !== null)
  const values: Record<string, string | { readonly sealed: string }> = {}
  for (const variable of prompted) {
    const value = byName.get(variable.id.toLowerCase()) ?? byName.get(variable.name.toLowerCase())
    const hasDefault = variable.value !== null && variable.value !== ''
    if ((value === undefined || value === '') && variable.prompt?.required === true && !hasDefault) {
      throw refusal(`The variable '${variable.name}' must be given for each deployment.`)
    }
    if (value !== undefined) values[variable.id] = variable.type === 'Sensitive' ? vault.seal(value) : value
  }
  const known = new Set(
    prompted.flatMap(variable => [variable.id.toLowerCase(), variable.name.toLowerCase()]),
  )
  const unknown = Object.keys(given).filter(name => !known.has(name.toLowerCase()))
  if (unknown.length > 0)
    throw refusal(`There is no prompted variable ${unknown.map(name => `'${name}'`).join(', ')}.`)
  return values
}

/**
 * Makes a deployment and the task that carries it out. Throws `ERR_INVALID_INPUT` when the lifecycle, the tenant or a
 * prompted variable forbids it.
 */
export async function createDeployment(
  { store, tasks, vault }: DeploymentParts,
  wanted: NewDeployment,
): Promise<Deployment> {
  const { release, environment, tenant, user } = wanted
  return store.transaction(async within => {
    const project = await within.projects.require(release.projectId)
    if (project.isDisabled) throw refusal(`The project '${project.name}' is disabled.`)
    await checkTenant(wanted, project.tenantedDeploymentMode, project.name)
    if (!(await openEnvironments(within, release)).includes(environment.id)) {
      throw refusal(
        `The lifecycle does not let release ${release.version} of '${project.name}' go to '${environment.name}' now.`,
      )
    }
    const variables = await within.variableSets.require(release.variableSetSnapshotId)
    const formValues = readPrompts(variables, wanted.formValues, vault)
    const taskId = await tasks.reserveId(within)
    const forTenant = tenant === null ? '' : ` for ${tenant.name}`
    const deployment = await within.deployments.insert(
      {
        spaceId: release.spaceId,
        releaseId: release.id,
        projectId: project.id,
        channelId: release.channelId,
        environmentId: environment.id,
        tenantId: tenant?.id ?? null,
        taskId,
        name: `Deploy to ${environment.name}${forTenant}`,
        comments: wanted.comments,
        processSnapshotId: release.processSnapshotId,
        variableSetSnapshotId: release.variableSetSnapshotId,
        skipActions: wanted.skipActions,
        specificMachineIds: wanted.specificMachineIds,
        excludedMachineIds: wanted.excludedMachineIds,
        forcePackageDownload: wanted.forcePackageDownload || project.forcePackageDownload,
        forcePackageRedeployment: wanted.forcePackageRedeployment,
        useGuidedFailure: wanted.useGuidedFailure ?? environment.useGuidedFailure,
        formValues,
        queueTime: wanted.queueTime,
        queueTimeExpiry: wanted.queueTimeExpiry,
        created: within.now().toISOString(),
        deployedBy: user.username,
        deployedById: user.id,
        deployedToMachineIds: [],
        failureEncountered: false,
      },
      { by: user.username },
    )
    await tasks.create(
      {
        spaceId: release.spaceId,
        name: 'Deploy',
        description: `Deploy ${project.name} release ${release.version} to ${environment.name}${forTenant}`,
        arguments: { DeploymentId: deployment.id },
        projectId: project.id,
        environmentId: environment.id,
        // One deployment of a project to an environment (for a tenant) at a time.
        concurrencyTag: [project.id, environment.id, ...(tenant === null ? [] : [tenant.id])].join('/'),
        createdBy: user.id,
        queueTime: wanted.queueTime,
        queueTimeExpiry: wanted.queueTimeExpiry,
      },
      within,
      { id: taskId },
    )
    return deployment
  })
}

/** Ids of the actions that steps or actions of these names stand for. Unknown names are a problem of the caller's. */
export function actionsNamed(
  { steps }: DeploymentProcess,
  names: readonly string[],
  problems: string[],
): readonly string[] {
  return names.flatMap(name => {
    const wanted = name.toLowerCase()
    const found = steps.flatMap(step =>
      step.name.toLowerCase() === wanted
        ? step.actions
        : step.actions.filter(
            action => action.name.toLowerCase() === wanted || action.id.toLowerCase() === wanted,
          ),
    )
    if (found.length === 0) problems.push(`There is no step '${name}' in the release.`)
    return found.map(action => action.id)
  })
}
