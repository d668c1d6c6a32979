import type { LogNode } from '../live/task-log.ts'
import type { TaskVerdict } from '../queue/claim-task.ts'
import { type AcquisitionOutcome, acquirePackages } from './acquire-packages.ts'
import { type PlannedStep, settingOf } from './deployment-plan.ts'
import type { DeploymentRun } from './deployment-run.ts'
import { decideOnce, holds, runStep, type StepOutcome } from './run-step.ts'

/** What is known while a deployment runs; changed by it. */
export interface MutableProgress {
  error: string
  readonly steps: Map<string, { code: string; error: string }>
}

/** Steps that run at the same time: the first one, and those that start with it. */
function groupsOf(steps: readonly PlannedStep[]): readonly (readonly PlannedStep[])[] {
  const groups: PlannedStep[][] = []
  for (const step of steps) {
    const last = groups.at(-1)
    if (step.step.startTrigger === 'StartWithPrevious' && last !== undefined) last.push(step)
    else groups.push([step])
  }
  return groups
}

function needsPackage(run: DeploymentRun, step: PlannedStep): boolean {
  return step.skipReason === null && step.actions.some(({ action }) => run.packages.has(action.id))
}

/** Whether the condition of a step holds, with what has happened before it. */
async function shouldRun(run: DeploymentRun, step: PlannedStep, hasFailed: boolean): Promise<boolean> {
  return decideOnce(run, `run:step:${step.step.id}`, async () => {
    switch (step.step.condition) {
      case 'Always':
        return true
      case 'Failure':
        return hasFailed
      case 'Success':
        return !hasFailed
      case 'Variable': {
        const expression = settingOf(step.step.properties['Octopus.Step.ConditionVariableExpression'])
        return holds(expression, await run.variablesAt({ step }))
      }
    }
  })
}

/** Whether a step of the group needs a package and runs: after a failure most steps do not. */
async function willNeedPackages(
  run: DeploymentRun,
  group: readonly PlannedStep[],
  hasFailed: boolean,
): Promise<boolean> {
  for (const step of group) {
    if (needsPackage(run, step) && (await shouldRun(run, step, hasFailed))) return true
  }
  return false
}

const conditionTexts: Readonly<Record<PlannedStep['step']['condition'], string>> = {
  Always: '',
  Failure: 'it runs only after a failure',
  Success: 'an earlier step failed',
  Variable: 'its condition does not hold',
}

async function skip(node: LogNode, reason: string): Promise<StepOutcome> {
  await node.writeOnce('skipped', 'Abandoned', `This step was left out: ${reason}.`)
  await node.end('Skipped')
  return { kind: 'skipped' }
}

/** Carries out the steps in their order and says what came of it. Changes `progress` on the way. */
export async function runSteps(run: DeploymentRun, progress: MutableProgress): Promise<TaskVerdict> {
  const { context, plan } = run
  const { cancel, log } = context
  const groups = groupsOf(plan.steps)
  // Readers see the whole plan from the start.
  const nodes = new Map<string, LogNode>()
  let acquisition: AcquisitionOutcome | undefined
  for (const step of plan.steps) {
    if (needsPackage(run, step))
      await log.root.child('acquire', 'Acquire packages', { showAtSummaryLevel: true })
    const name = `Step ${step.number}: ${step.step.name}`
    nodes.set(step.step.id, await log.root.child(`step:${step.step.id}`, name, { showAtSummaryLevel: true }))
  }

  async function one(step: PlannedStep, node: LogNode, hadFailed: boolean): Promise<StepOutcome> {
    if (cancel.aborted && node.status === 'Pending') {
      await node.end('Canceled')
      return { kind: 'canceled' }
    }
    if (step.skipReason !== null) return skip(node, step.skipReason)
    if (!(await shouldRun(run, step, hadFailed))) return skip(node, conditionTexts[step.step.condition])
    if (needsPackage(run, step) && acquisition?.kind === 'failed')
      return skip(node, 'its package could not be acquired')
    return runStep(run, step, node)
  }

  for (const group of groups) {
    if (
      acquisition === undefined &&
      !cancel.aborted &&
      (await willNeedPackages(run, group, progress.error !== ''))
    ) {
      acquisition = await acquirePackages(run)
      if (acquisition.kind === 'failed' && progress.error === '') progress.error = acquisition.reason
    }
    const hadFailed = progress.error !== ''
    const outcomes = await Promise.allSettled(
      group.map(async step => {
        const node = nodes.get(step.step.id) ?? log.root
        const outcome = await one(step, node, hadFailed)
        const error = outcome.kind === 'failed' ? outcome.reason : ''
        progress.steps.set(step.step.name, { code: statusCodes[outcome.kind], error })
        if (error !== '' && progress.error === '') progress.error = error
      }),
    )
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }
  if (cancel.aborted) return { state: 'Canceled', errorMessage: 'The deployment was canceled.' }
  return progress.error === ''
    ? { state: 'Success', errorMessage: '' }
    : { state: 'Failed', errorMessage: progress.error }
}

/** Values of `Octopus.Step[name].Status.Code`. */
const statusCodes: Readonly<Record<StepOutcome['kind'], string>> = {
  success: 'Succeeded',
  failed: 'Failed',
  skipped: 'Skipped',
  canceled: 'Canceled',
}
