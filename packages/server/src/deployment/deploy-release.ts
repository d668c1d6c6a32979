import type { AnyMachine } from '../model/machine.ts'
import type { Package } from '../model/package.ts'
import type { Json, JsonObject } from '../model/task.ts'
import type { TaskVerdict } from '../queue/claim-task.ts'
import { chooseVariables, secretsOf } from '../variables/scoped-variables.ts'
import { isSwitchedOn } from '../variables/variable-list.ts'
import { readArguments } from '../work/arguments.ts'
import { machinesById } from '../work/targets.ts'
import type { TaskContext, TaskKind } from '../work/task-kind.ts'
import { type DeploymentInputs, loadDeployment } from './deployment-inputs.ts'
import { type DeploymentPlan, type PlannedStep, planDeployment, usesPackage } from './deployment-plan.ts'
import type { DeploymentRun } from './deployment-run.ts'
import { type DeploymentProgress, deploymentVariables, primaryPackage } from './deployment-variables.ts'
import { runSteps } from './run-steps.ts'

/** The packages that the plan's actions deploy, or why they cannot be had. */
async function findPackages(
  { store }: TaskContext,
  { release, deployment }: DeploymentInputs,
  plan: DeploymentPlan,
): Promise<{ readonly packages: ReadonlyMap<string, Package>; readonly problems: readonly string[] }> {
  const packages = new Map<string, Package>()
  const problems: string[] = []
  for (const { action } of plan.steps
    .filter(step => step.skipReason === null)
    .flatMap(step => step.actions)) {
    if (!usesPackage(action)) continue
    const wanted = primaryPackage(action)
    const selected = release.selectedPackages.find(
      each => each.actionName.toLowerCase() === action.name.toLowerCase() && each.packageReferenceName === '',
    )
    const version = selected?.version ?? wanted?.version ?? null
    if (wanted === undefined) problems.push(`The action '${action.name}' names no package.`)
    else if (version === null)
      problems.push(`The release selects no version of ${wanted.packageId} for '${action.name}'.`)
    else {
      const item = await store.packages.byVersion(deployment.spaceId, wanted.packageId, version)
      if (item === undefined) {
        problems.push(
          `The package ${wanted.packageId} ${version} of '${action.name}' is not in the built-in feed.`,
        )
      } else packages.set(action.id, item)
    }
  }
  return { packages, problems }
}

/** The parts of a plan that depend on how the machines were when it was made. */
function storedPlan({ steps }: DeploymentPlan): JsonObject {
  return { steps: steps.map(({ machineIds, skipReason }) => ({ machineIds, skipReason })) }
}

/** Reads what {@link storedPlan} wrote; a step that is not there stays as it is planned now. */
function withStored(planned: PlannedStep, stored: Json | undefined): PlannedStep {
  if (typeof stored !== 'object' || stored === null || !('machineIds' in stored)) return planned
  const { machineIds, skipReason } = stored
  return {
    ...planned,
    machineIds: Array.isArray(machineIds) ? machineIds.filter(id => typeof id === 'string') : [],
    skipReason: typeof skipReason === 'string' ? skipReason : null,
  }
}

/** The plan as it was made first: machines that were added, disabled or given other roles meanwhile change nothing. */
async function rememberPlan({ task, memory }: TaskContext, made: DeploymentPlan): Promise<DeploymentPlan> {
  const stored = await memory.remember(task.id, 'plan', storedPlan(made))
  const steps = typeof stored === 'object' && stored !== null && 'steps' in stored ? stored.steps : []
  return {
    ...made,
    steps: made.steps.map((step, index) => withStored(step, Array.isArray(steps) ? steps[index] : undefined)),
  }
}

async function noteOutcome(
  { store }: TaskContext,
  id: string,
  machineIds: readonly string[],
  hasFailed: boolean,
): Promise<void> {
  await store.deployments.change(id, deployment => ({
    ...deployment,
    deployedToMachineIds: machineIds,
    failureEncountered: hasFailed,
  }))
}

/** Two values that fit equally well: which one is taken is chance, and people should know. */
async function warnOfChance({ log, vault }: TaskContext, inputs: DeploymentInputs): Promise<void> {
  const { deployment, environment, project, tenant, variableSet } = inputs
  const context = {
    environmentId: environment.id,
    channelId: deployment.channelId,
    processOwner: project.id,
    tenantTags: tenant?.tenantTags ?? [],
  }
  const { variables, ambiguous } = chooseVariables(
    variableSet.variables,
    context,
    vault,
    deployment.formValues,
  )
  if (ambiguous.length === 0 || isSwitchedOn(variables, 'OctopusSuppressDuplicateVariableWarning')) return
  const text = `More than one value fits for ${ambiguous.join(', ')}; the first one is used. Limit their scopes.`
  await log.root.writeOnce('ambiguous', 'Warning', text)
}

async function refuse({ log }: TaskContext, problems: readonly string[]): Promise<TaskVerdict> {
  for (const [index, problem] of problems.entries())
    await log.root.writeOnce(`problem:${index}`, 'Error', problem)
  return { state: 'Failed', errorMessage: problems[0] ?? 'The deployment cannot be carried out.' }
}

async function deploy(context: TaskContext, deploymentId: string): Promise<TaskVerdict> {
  const { task, store, vault, log, memory } = context
  const inputs = await loadDeployment(store, deploymentId)
  // Before anything is written: no secret of the project may get into the log, whatever its scope.
  for (const secret of secretsOf(inputs.variableSet.variables, vault, inputs.deployment.formValues))
    log.mask.add(secret)
  const everyMachine = (await store.machines.list({ spaceId: inputs.deployment.spaceId })).items
  const isResumed = (await memory.recall(task.id, 'plan')) !== undefined
  const made = planDeployment(inputs, everyMachine)
  const found = await findPackages(context, inputs, made)
  const problems = [...made.problems, ...found.problems]
  if (!isResumed && problems.length > 0) return refuse(context, problems)
  const plan = await rememberPlan(context, made)
  const machines = await machinesById(store, [...new Set(plan.steps.flatMap(step => step.machineIds))])
  await store.tasks.addMachines(
    task.id,
    machines.map(({ id }) => id),
  )
  for (const { name, reason } of plan.leftOut) {
    await log.root.writeOnce(`left-out:${name}`, 'Info', `${name} was left out: ${reason}.`)
  }
  const progress = { error: '', steps: new Map<string, { code: string; error: string }>() }
  const byId = new Map<string, AnyMachine>(machines.map(machine => [machine.id, machine]))
  const run: DeploymentRun = {
    context,
    inputs,
    plan,
    machines: byId,
    packages: found.packages,
    deployedTo: new Set(),
    variablesAt: deploymentVariables(context, inputs, plan, everyMachine, (): DeploymentProgress => progress),
  }
  await warnOfChance(context, inputs)
  const verdict = await runSteps(run, progress)
  await noteOutcome(context, deploymentId, [...run.deployedTo], verdict.state !== 'Success')
  return verdict
}

/** Carries out a deployment: docs/wire/orchestration.md, deployments. */
export const deployRelease: TaskKind = {
  name: 'Deploy',
  title: 'Deployment',
  defaultDescription: 'Deploy a release',
  canRerun: false,
  isPublic: false,

  async check(given) {
    const reader = readArguments(given)
    if (reader.text('DeploymentId') === null) reader.problem('DeploymentId is missing.')
    reader.end()
    return { arguments: given }
  },

  async run(context) {
    return deploy(context, readArguments(context.task.arguments).text('DeploymentId') ?? '')
  },
}
