import { isTruthy } from '@tentacle/octostache'
import { deployerForMachine } from '../deployers/deployer-for-machine.ts'
import { ServerError } from '../errors.ts'
import type { LogNode } from '../live/task-log.ts'
import type { AnyMachine } from '../model/machine.ts'
import { failureOf } from '../scripts/script-facts.ts'
import { isSwitchedOn, type RuntimeVariable, toTemplateVariables } from '../variables/variable-list.ts'
import { type MachineOutcome, workOnMachine } from '../work/machine-outcome.ts'
import { runParallel } from '../work/run-parallel.ts'
import { type PlannedAction, type PlannedStep, settingOf, usesPackage } from './deployment-plan.ts'
import { callFor, type DeploymentRun, packageKey, runDeploymentScript } from './deployment-run.ts'

/** How a step ended. */
export type StepOutcome =
  | { readonly kind: 'success' | 'canceled' | 'skipped' }
  | { readonly kind: 'failed'; readonly reason: string }

/**
 * A decision that is made once: after a restart of the server the variables may have other values, but what was begun
 * goes on and what was left out stays out.
 */
export async function decideOnce(
  { context: { task, memory } }: DeploymentRun,
  key: string,
  decide: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const known = await memory.recall(task.id, key)
  if (typeof known === 'boolean') return known
  return (await memory.remember(task.id, key, await decide())) === true
}

/** True when the expression comes out as something and no token is missing in it. */
export function holds(expression: string, variables: readonly RuntimeVariable[]): boolean {
  return isTruthy(expression, toTemplateVariables(variables))
}

async function packageFor(run: DeploymentRun, { action }: PlannedAction, machine: AnyMachine) {
  if (!usesPackage(action)) return undefined
  const item = run.packages.get(action.id)
  if (item === undefined) {
    throw new ServerError(
      'ERR_NOT_FOUND',
      `The package of '${action.name}' is not in the built-in feed any more.`,
    )
  }
  const path = await run.context.memory.recall(run.context.task.id, packageKey(machine, item))
  if (typeof path === 'string') return { item, path }
  throw new ServerError(
    'ERR_CONFLICT',
    `${item.packageId} ${item.version} was not brought to ${machine.name}.`,
  )
}

async function runAction(
  run: DeploymentRun,
  step: PlannedStep,
  planned: PlannedAction,
  machine: AnyMachine,
  node: LogNode,
): Promise<MachineOutcome> {
  const { context } = run
  const { action } = planned
  const item = await packageFor(run, planned, machine)
  const variables = await run.variablesAt({ step, planned, machine, package: item })
  const key = `step:${step.step.id}/action:${action.id}/machine:${machine.id}`
  if (action.condition === 'Variable') {
    const expression = settingOf(action.properties['Octopus.Action.ConditionVariableExpression'])
    if (!(await decideOnce(run, `run:${key}`, () => holds(expression, variables)))) {
      await node.writeOnce(
        'condition',
        'Info',
        `The condition of '${action.name}' does not hold here, so it was left out.`,
      )
      return { kind: 'success' }
    }
  }
  const tentacle = await context.agents.tentacle(machine)
  const outcome = await runDeploymentScript(context, {
    key,
    tentacle,
    node,
    action: action.name,
    command: async () => {
      const deployer = await deployerForMachine(tentacle, callFor(context, node))
      const isolation = isSwitchedOn(variables, 'OctopusBypassDeploymentMutex')
        ? 'NoIsolation'
        : 'FullIsolation'
      const common = { isolation, taskId: context.task.id } as const
      if (item === undefined || action.actionType === 'Octopus.Script') {
        return { ...(await deployer.runScript(variables, item?.path)), ...common }
      }
      if (deployer.deployPackage === undefined) throw new ServerError('ERR_CONFLICT', deployer.packageRefusal)
      return { ...(await deployer.deployPackage(item.path, variables)), ...common }
    },
  })
  if (outcome.status === 'canceled') return { kind: 'canceled' }
  const failOnErrorOutput = isSwitchedOn(variables, 'Octopus.Action.FailScriptOnErrorOutput')
  const reason = failureOf(outcome, { failOnErrorOutput })
  return reason === undefined ? { kind: 'success' } : { kind: 'failed', reason }
}

/** The actions of the step on one machine, one after another, until one does not succeed. */
async function runOnMachine(
  run: DeploymentRun,
  step: PlannedStep,
  machine: AnyMachine,
  node: LogNode,
): Promise<MachineOutcome> {
  const [only] = step.actions
  if (step.step.actions.length === 1 && only !== undefined) return runAction(run, step, only, machine, node)
  for (const planned of step.actions) {
    const own = await node.child(
      `action:${planned.action.id}`,
      `Step ${planned.number}: ${planned.action.name}`,
    )
    const outcome = await workOnMachine(run.context, own, () => runAction(run, step, planned, machine, own))
    if (outcome.kind !== 'success') return outcome
  }
  return { kind: 'success' }
}

/**
 * Runs a step on its machines, as many at a time as its window says. When it fails on one, machines that have not begun
 * are left out, those in work are finished: docs/wire/orchestration.md, order.
 */
export async function runStep(run: DeploymentRun, step: PlannedStep, node: LogNode): Promise<StepOutcome> {
  const { context, machines } = run
  await node.start()
  const failures: string[] = []
  const gone: string[] = []
  const targets: { machine: AnyMachine; own: LogNode }[] = []
  for (const id of step.machineIds) {
    const machine = machines.get(id)
    if (machine === undefined) gone.push(`${id} was deleted while the deployment was running.`)
    else targets.push({ machine, own: await node.child(`machine:${id}`, machine.name) })
  }
  await runParallel(targets, step.window, async ({ machine, own }) => {
    // What was begun before a restart of the server has an outcome that must be heard.
    const isBegun = own.status !== 'Pending'
    if (!isBegun && (failures.length > 0 || context.cancel.aborted)) {
      await own.end(context.cancel.aborted ? 'Canceled' : 'Skipped')
      return
    }
    if (own.status === 'Skipped') return
    const outcome = await workOnMachine(context, own, () => runOnMachine(run, step, machine, own))
    if (outcome.kind === 'failed') failures.push(`${machine.name}: ${outcome.reason}`)
    if (outcome.kind === 'success') run.deployedTo.add(machine.id)
  })
  if (context.cancel.aborted) {
    await node.end('Canceled')
    return { kind: 'canceled' }
  }
  const [first] = [...failures, ...gone]
  await node.end(first === undefined ? 'Success' : 'Failed')
  if (first === undefined) return { kind: 'success' }
  return { kind: 'failed', reason: `Step ${step.number} (${step.step.name}) failed. ${first}` }
}
