import type { DeploymentAction } from '../model/deployment-process.ts'
import type { AnyMachine } from '../model/machine.ts'
import type { Package } from '../model/package.ts'
import { outputVariables } from '../variables/output-variables.ts'
import { chooseVariables } from '../variables/scoped-variables.ts'
import {
  actionVariables,
  environmentVariables,
  machineVariables,
  taskVariables,
} from '../variables/system-variables.ts'
import { mergeVariables, plainVariables, type RuntimeVariable } from '../variables/variable-list.ts'
import type { TaskContext } from '../work/task-kind.ts'
import type { DeploymentInputs } from './deployment-inputs.ts'
import type { DeploymentPlan, PlannedAction, PlannedStep } from './deployment-plan.ts'

/** What has happened so far, as conditions and scripts see it. */
export interface DeploymentProgress {
  /** The first failure; '' when there was none. */
  readonly error: string
  /** Names of steps → how they ended. */
  readonly steps: ReadonlyMap<string, { readonly code: string; readonly error: string }>
}

/** Where variables are wanted. */
export interface VariablePlace {
  readonly step?: PlannedStep
  readonly planned?: PlannedAction
  readonly machine?: AnyMachine
  /** The package of the action, with its path on the machine. */
  readonly package?: { readonly item: Package; readonly path: string } | undefined
}

/** Names the installations that replace each other on a machine: docs/wire/orchestration.md, deployments. */
function retentionPolicySet(
  { deployment }: DeploymentInputs,
  step: PlannedStep,
  machine: AnyMachine,
): string {
  return [
    deployment.environmentId,
    deployment.projectId,
    `Step-${step.step.name}`,
    machine.id,
    '<default>',
  ].join('/')
}

function deploymentFacts({
  deployment,
  release,
  project,
  channel,
  tenant,
}: DeploymentInputs): RuntimeVariable[] {
  return plainVariables({
    'Octopus.Project.Id': project.id,
    'Octopus.Project.Name': project.name,
    'Octopus.Project.Slug': project.slug,
    'Octopus.ProjectGroup.Id': project.projectGroupId,
    'Octopus.Release.Id': release.id,
    'Octopus.Release.Number': release.version,
    'Octopus.Release.Notes': release.releaseNotes,
    'Octopus.Release.Created': release.assembled,
    'Octopus.Release.Channel.Name': channel?.name,
    'Octopus.Deployment.Id': deployment.id,
    'Octopus.Deployment.Name': deployment.name,
    'Octopus.Deployment.Created': deployment.created,
    'Octopus.Deployment.Comments': deployment.comments,
    'Octopus.Deployment.CreatedBy.Id': deployment.deployedById,
    'Octopus.Deployment.CreatedBy.Username': deployment.deployedBy,
    'Octopus.Deployment.Tenant.Id': tenant?.id,
    'Octopus.Deployment.Tenant.Name': tenant?.name,
    'Octopus.Deployment.Tenant.Slug': tenant?.slug,
    'Octopus.Deployment.Tenant.Tags': tenant?.tenantTags.join(','),
    'Octopus.Deployment.SpecificMachines': deployment.specificMachineIds.join(','),
    'Octopus.Deployment.ExcludedMachines': deployment.excludedMachineIds.join(','),
    'Octopus.Deployment.ForcePackageDownload': deployment.forcePackageDownload ? 'True' : 'False',
  })
}

function planFacts({ steps }: DeploymentPlan, machines: readonly AnyMachine[]): RuntimeVariable[] {
  const roles = new Set(machines.flatMap(machine => (machine.kind === 'machine' ? machine.roles : [])))
  const inRole = (role: string): string =>
    machines
      .filter(machine => machine.kind === 'machine' && machine.roles.includes(role))
      .map(machine => machine.id)
      .join(',')
  const used = machines.filter(machine => steps.some(step => step.machineIds.includes(machine.id)))
  return plainVariables({
    'Octopus.Deployment.Machines': used.map(machine => machine.id).join(','),
    ...Object.fromEntries(
      [...roles].map(role => [`Octopus.Environment.MachinesInRole[${role}]`, inRole(role)]),
    ),
    ...Object.fromEntries(
      used.flatMap(({ id, name }) => [
        [`Octopus.Deployment.Targets[${id}].Id`, id],
        [`Octopus.Deployment.Targets[${id}].Name`, name],
      ]),
    ),
    ...Object.fromEntries(
      steps.flatMap(({ actions, step, roles: targeted }) =>
        step.actions.flatMap(action => [
          [
            `Octopus.Action[${action.name}].IsSkipped`,
            actions.some(({ action: { id } }) => id === action.id) ? 'False' : 'True',
          ],
          [`Octopus.Action[${action.name}].TargetRoles`, targeted.join(',')],
        ]),
      ),
    ),
  })
}

function progressFacts({ error, steps }: DeploymentProgress): RuntimeVariable[] {
  return plainVariables({
    ...(error !== '' && { 'Octopus.Deployment.Error': error, 'Octopus.Deployment.ErrorDetail': error }),
    ...Object.fromEntries(
      [...steps].flatMap(([name, { code, error: stepError }]) => [
        [`Octopus.Step[${name}].Status.Code`, code],
        ...(stepError === '' ? [] : [[`Octopus.Step[${name}].Status.Error`, stepError]]),
      ]),
    ),
  })
}

function packageFacts(
  { item, path }: NonNullable<VariablePlace['package']>,
  feedId: string,
): RuntimeVariable[] {
  return plainVariables({
    'Octopus.Action.Package.PackageId': item.packageId,
    'Octopus.Action.Package.PackageVersion': item.version,
    'Octopus.Action.Package.FeedId': feedId,
    'Octopus.Action.Package[].PackageId': item.packageId,
    'Octopus.Action.Package[].PackageVersion': item.version,
    'Octopus.Action.Package[].FeedId': feedId,
    'Octopus.Action.Package[].OriginalPath': path,
    'Octopus.Tentacle.CurrentDeployment.PackageFilePath': path,
  })
}

function webLinks(serverUri: string, { deployment, release, project }: DeploymentInputs): RuntimeVariable[] {
  if (serverUri === '') return []
  const projectLink = `/app#/${deployment.spaceId}/projects/${project.slug}/deployments`
  const releaseLink = `${projectLink}/releases/${encodeURIComponent(release.version)}`
  return plainVariables({
    'Octopus.Web.ServerUri': serverUri,
    'Octopus.Web.ProjectLink': projectLink,
    'Octopus.Web.ReleaseLink': releaseLink,
    'Octopus.Web.DeploymentLink': `${releaseLink}/deployments/${deployment.id}`,
  })
}

/** The first package reference of an action, or what older clients put into its settings. */
export function primaryPackage(
  action: DeploymentAction,
): { readonly packageId: string; readonly feedId: string; readonly version: string | null } | undefined {
  const reference = action.packages.find(({ name }) => name === '') ?? action.packages[0]
  if (reference !== undefined) return reference
  const setting = (...names: readonly string[]): string | undefined => {
    for (const name of names) {
      const value = action.properties[name]
      if (typeof value === 'string' && value.trim() !== '') return value.trim()
    }
    return undefined
  }
  const packageId = setting('Octopus.Action.Package.PackageId', 'Octopus.Action.Package.NuGetPackageId')
  if (packageId === undefined) return undefined
  const feedId = setting('Octopus.Action.Package.FeedId', 'Octopus.Action.Package.NuGetFeedId') ?? ''
  return { packageId, feedId, version: null }
}

/** Gives the variables of a deployment at a place in it. */
export type VariablesAt = (place: VariablePlace) => Promise<readonly RuntimeVariable[]>

/**
 * Prepares the variables of a deployment: chosen by scope, the server's own above those of the project, output
 * variables as they are when they are asked for. Nothing is evaluated yet.
 */
export function deploymentVariables(
  context: TaskContext,
  inputs: DeploymentInputs,
  plan: DeploymentPlan,
  machines: readonly AnyMachine[],
  progress: () => DeploymentProgress,
): VariablesAt {
  const { task, space, vault, memory, serverUri } = context
  const { deployment, environment, project, variableSet } = inputs
  const everywhere = mergeVariables(
    taskVariables(task, space),
    environmentVariables(environment),
    deploymentFacts(inputs),
    planFacts(plan, machines),
    webLinks(serverUri, inputs),
  )
  return async place => {
    const { step, planned, machine } = place
    const { variables } = chooseVariables(
      variableSet.variables,
      {
        environmentId: environment.id,
        channelId: deployment.channelId,
        processOwner: project.id,
        tenantTags: inputs.tenant?.tenantTags ?? [],
        ...(machine !== undefined && { machineId: machine.id }),
        ...(machine?.kind === 'machine' && { machineRoles: machine.roles }),
        ...(step !== undefined && { stepRoles: step.roles }),
        ...(planned !== undefined && { action: [planned.action.id, planned.action.name] }),
      },
      vault,
      deployment.formValues,
    )
    const { step: process, number, roles } = step ?? { step: undefined, number: '', roles: [] }
    return mergeVariables(
      variables,
      everywhere,
      progressFacts(progress()),
      machine === undefined ? [] : machineVariables(machine),
      step === undefined || machine === undefined
        ? []
        : plainVariables({
            OctopusRetentionPolicySet: retentionPolicySet(inputs, step, machine),
            'Octopus.Tentacle.CurrentDeployment.TargetedRoles': roles.join(','),
          }),
      process === undefined || planned === undefined
        ? []
        : actionVariables(
            {
              ...planned.action,
              properties: { ...process.properties, ...planned.action.properties },
            },
            { id: process.id, name: process.name, number },
            planned.number,
            vault,
          ),
      place.package === undefined || planned === undefined
        ? []
        : packageFacts(place.package, primaryPackage(planned.action)?.feedId ?? ''),
      outputVariables(await memory.outputs(task.id), machine?.id),
    )
  }
}
