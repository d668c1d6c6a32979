import type { DeploymentAction, DeploymentStep, PropertyValue } from '../model/deployment-process.ts'
import type { Machine } from '../model/machine.ts'
import type { Tenant } from '../model/tenant.ts'
import type { DeploymentInputs } from './deployment-inputs.ts'

/** An action that will run. */
export interface PlannedAction {
  readonly action: DeploymentAction
  /** E.g. `2.1`. */
  readonly number: string
}

/** A step with what will run in it and where. */
export interface PlannedStep {
  readonly step: DeploymentStep
  /** From 1 on. */
  readonly number: string
  readonly roles: readonly string[]
  readonly actions: readonly PlannedAction[]
  /** Ids of machines. */
  readonly machineIds: readonly string[]
  /** Machines at a time. */
  readonly window: number
  /** Why nothing will run; null: something will. */
  readonly skipReason: string | null
}

/** What a deployment will do. */
export interface DeploymentPlan {
  readonly steps: readonly PlannedStep[]
  /** Machines that fit but are left out, with the reason. */
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[]
  /** Why the deployment cannot be carried out at all; each is a sentence. */
  readonly problems: readonly string[]
}

/** Machines of a step at a time, when it does not say: docs/wire/orchestration.md, order. */
export const defaultParallelism = 10

const supportedActions = ['Octopus.TentaclePackage', 'Octopus.Script']

/** A setting as text; sealed ones are never looked at here. */
export function settingOf(value: PropertyValue | undefined): string {
  return typeof value === 'string' ? value.trim() : ''
}

function isTrue(value: PropertyValue | undefined): boolean {
  return settingOf(value).toLowerCase() === 'true'
}

function includes(list: readonly string[], ...wanted: readonly string[]): boolean {
  const lower = wanted.map(text => text.toLowerCase())
  return list.some(text => lower.includes(text.toLowerCase()))
}

/** The roles that a step targets. */
export function rolesOf(step: DeploymentStep): readonly string[] {
  const text = settingOf(step.properties['Octopus.Action.TargetRoles'])
  return text
    .split(',')
    .map(role => role.trim())
    .filter(role => role !== '')
}

/** Why an action does not run in this deployment; undefined: it does. */
function exclusionOf(
  action: DeploymentAction,
  { deployment, environment, channel, tenant }: DeploymentInputs,
): string | undefined {
  if (action.isDisabled) return 'it is disabled'
  if (includes(deployment.skipActions, action.id)) return 'it was left out of this deployment'
  if (action.environments.length > 0 && !includes(action.environments, environment.id, environment.name)) {
    return `it does not run in ${environment.name}`
  }
  if (includes(action.excludedEnvironments, environment.id, environment.name)) {
    return `it does not run in ${environment.name}`
  }
  if (action.channels.length > 0 && !includes(action.channels, channel?.id ?? '', channel?.name ?? '')) {
    return `it does not run in the channel ${channel?.name ?? 'of this release'}`
  }
  if (action.tenantTags.length > 0 && !includes(action.tenantTags, ...(tenant?.tenantTags ?? []))) {
    return tenant === null ? 'it is for some tenants only' : `it is not for the tenant ${tenant.name}`
  }
  return undefined
}

/** True when the action needs its primary package on the machine. */
export function usesPackage({ actionType, properties }: DeploymentAction): boolean {
  if (actionType === 'Octopus.TentaclePackage') return true
  return settingOf(properties['Octopus.Action.Script.ScriptSource']).toLowerCase() === 'package'
}

/** Why this server cannot carry out an action; undefined: it can. */
function obstacleOf(action: DeploymentAction, roles: readonly string[]): string | undefined {
  const named = `The action '${action.name}'`
  if (!supportedActions.includes(action.actionType)) {
    return `${named} is of the type ${action.actionType}, which this server does not carry out yet.`
  }
  if (isTrue(action.properties['Octopus.Action.RunOnServer']) || roles.length === 0) {
    return `${named} does not run on deployment targets (it names no target roles, or runs on the server or a worker), which this server does not do yet.`
  }
  const source = settingOf(action.properties['Octopus.Action.Script.ScriptSource']).toLowerCase()
  if (action.actionType === 'Octopus.Script' && !['', 'inline', 'package'].includes(source)) {
    return `${named} takes its script from '${source}', which this server does not do yet.`
  }
  if (action.packages.some(({ name }) => name !== '')) {
    return `${named} uses packages besides its own one, which this server does not bring to machines yet.`
  }
  return undefined
}

function windowOf(step: DeploymentStep, actionCount: number): number {
  const text = settingOf(step.properties['Octopus.Action.MaxParallelism'])
  const window = Number.parseInt(text, 10)
  if (window > 0) return window
  // Several actions are a rolling step; without a window all machines roll together.
  return actionCount > 1 ? Number.MAX_SAFE_INTEGER : defaultParallelism
}

/** Whether a machine is there for deployments to this tenant, or to none. */
function takesPart(machine: Machine, tenant: Tenant | null): boolean {
  const participation = machine.tenantedDeploymentParticipation
  if (tenant === null) return participation !== 'Tenanted'
  if (participation === 'Untenanted') return false
  return includes(machine.tenantIds, tenant.id) || includes(machine.tenantTags, ...tenant.tenantTags)
}

/** The machines that the deployment may use at all, and those that it leaves out. */
function candidates(
  { deployment, environment, project, tenant }: DeploymentInputs,
  machines: readonly Machine[],
): { readonly usable: readonly Machine[]; readonly leftOut: DeploymentPlan['leftOut'] } {
  const usable: Machine[] = []
  const leftOut: { name: string; reason: string }[] = []
  const { skipMachineBehavior, targetRoles, excludeUnhealthyTargets } = project.connectivityPolicy
  for (const machine of machines) {
    if (!includes(machine.environmentIds, environment.id)) continue
    const { specificMachineIds, excludedMachineIds } = deployment
    if (specificMachineIds.length > 0 && !includes(specificMachineIds, machine.id)) continue
    const maySkip = targetRoles.length === 0 || includes(targetRoles, ...machine.roles)
    const { status } = machine.health
    const reason = machine.isDisabled
      ? 'it is disabled'
      : includes(excludedMachineIds, machine.id)
        ? 'it was excluded from this deployment'
        : !takesPart(machine, tenant)
          ? tenant === null
            ? 'it takes part in deployments to tenants only'
            : `it does not take part in deployments to ${tenant.name}`
          : status === 'Unavailable' && skipMachineBehavior === 'SkipUnavailableMachines' && maySkip
            ? 'it is unavailable, and the project skips such machines'
            : status === 'Unhealthy' && excludeUnhealthyTargets
              ? 'it is unhealthy, and the project excludes such machines'
              : undefined
    if (reason === undefined) usable.push(machine)
    else leftOut.push({ name: machine.name, reason })
  }
  return { usable, leftOut }
}

function planStep(
  step: DeploymentStep,
  index: number,
  inputs: DeploymentInputs,
  usable: readonly Machine[],
): PlannedStep {
  const roles = rolesOf(step)
  const number = String(index + 1)
  const excluded = step.actions.map(action => ({ action, reason: exclusionOf(action, inputs) }))
  const actions = excluded.flatMap(({ action, reason }, at) =>
    reason === undefined
      ? [{ action, number: step.actions.length === 1 ? number : `${number}.${at + 1}` }]
      : [],
  )
  const machineIds = usable.filter(machine => includes(machine.roles, ...roles)).map(machine => machine.id)
  const reasons = excluded.flatMap(({ reason }) => (reason === undefined ? [] : [reason]))
  const skipReason =
    step.actions.length === 0
      ? 'it has no actions'
      : actions.length === 0
        ? [...new Set(reasons)].join('; ')
        : machineIds.length === 0 && roles.length > 0
          ? `no machine in ${inputs.environment.name} has the role ${roles.join(' or ')}`
          : null
  return { step, number, roles, actions, machineIds, window: windowOf(step, step.actions.length), skipReason }
}

/** Works out what a deployment will do, from everything that was frozen with it and the machines as they are now. */
export function planDeployment(inputs: DeploymentInputs, machines: readonly Machine[]): DeploymentPlan {
  const { usable, leftOut } = candidates(inputs, machines)
  const steps = inputs.process.steps.map((step, index) => planStep(step, index, inputs, usable))
  const problems = steps.flatMap(({ actions, roles }) =>
    actions.flatMap(({ action }) => obstacleOf(action, roles) ?? []),
  )
  if (steps.length === 0) problems.push('The project has no steps: there is nothing to deploy.')
  const reachesNobody = steps.every(step => step.machineIds.length === 0 || step.skipReason !== null)
  if (
    problems.length === 0 &&
    reachesNobody &&
    !inputs.project.connectivityPolicy.allowDeploymentsToNoTargets
  ) {
    const wanted = [...new Set(steps.flatMap(step => step.roles))]
    problems.push(
      `There is no machine to deploy to: none that is enabled in ${inputs.environment.name} has ` +
        (wanted.length > 0 ? `the role ${wanted.join(' or ')}.` : 'a role that a step targets.'),
    )
  }
  return { steps, leftOut, problems }
}
