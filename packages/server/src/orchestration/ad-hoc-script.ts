import type { TentacleCall } from '../agents/rpc-retries.ts'
import type { Store } from '../db/store.ts'
import { deployerForMachine } from '../deployers/deployer-for-machine.ts'
import type { LogNode } from '../live/task-log.ts'
import type { AnyMachine } from '../model/machine.ts'
import type { JsonObject } from '../model/task.ts'
import { runScript } from '../scripts/run-script.ts'
import { failureOf } from '../scripts/script-facts.ts'
import { environmentVariables, machineVariables, taskVariables } from '../variables/system-variables.ts'
import {
  isSwitchedOn,
  mergeVariables,
  plainVariables,
  type RuntimeVariable,
} from '../variables/variable-list.ts'
import { readArguments } from '../work/arguments.ts'
import { type MachineOutcome, verdictOf, workOnMachine } from '../work/machine-outcome.ts'
import { runParallel } from '../work/run-parallel.ts'
import { machinesById, rememberTargets } from '../work/targets.ts'
import type { TaskContext, TaskKind } from '../work/task-kind.ts'

const syntaxes = ['PowerShell', 'Bash', 'CSharp', 'Python', 'FSharp'] as const
const targetTypes = ['Machines', 'Environments', 'Workers', 'WorkerPools', 'OctopusServer'] as const

/** Machines at a time, as for a step of a deployment. */
const maxParallelism = 10
/** The action's name, under which a script finds the variables that it set itself. */
const actionName = 'Run a script'

interface ScriptArguments {
  readonly scriptBody: string
  readonly syntax: string
  readonly targetType: Exclude<(typeof targetTypes)[number], 'OctopusServer'>
  readonly machineIds: readonly string[]
  readonly environmentIds: readonly string[]
  readonly targetRoles: readonly string[]
  readonly tenantIds: readonly string[]
  readonly workerIds: readonly string[]
  readonly workerPoolIds: readonly string[]
}

function parse(given: JsonObject): ScriptArguments {
  const reader = readArguments(given)
  const lists = {
    machineIds: reader.list('MachineIds'),
    environmentIds: reader.list('EnvironmentIds'),
    targetRoles: reader.list('TargetRoles'),
    tenantIds: reader.list('TenantIds'),
    workerIds: reader.list('WorkerIds'),
    workerPoolIds: reader.list('WorkerPoolIds'),
  }
  const asked = reader.word('TargetType', targetTypes)
  if (asked === 'OctopusServer') {
    reader.problem('This server runs no scripts on its own machine. Choose deployment targets or workers.')
  }
  if (reader.text('ActionTemplateId') !== null) {
    reader.problem('Step templates are not supported yet. Give the script itself as ScriptBody.')
  }
  const scriptBody = reader.text('ScriptBody')
  if (scriptBody === null) reader.problem('ScriptBody is missing: there is no script to run.')
  const syntax = reader.word('Syntax', syntaxes) ?? 'PowerShell'
  const inferred =
    lists.machineIds.length > 0
      ? 'Machines'
      : lists.environmentIds.length + lists.targetRoles.length + lists.tenantIds.length > 0
        ? 'Environments'
        : lists.workerIds.length > 0
          ? 'Workers'
          : 'WorkerPools'
  const targetType = asked === null || asked === 'OctopusServer' ? inferred : asked
  const counting = {
    Machines: lists.machineIds,
    Environments: [...lists.environmentIds, ...lists.targetRoles],
    Workers: [...lists.workerIds, ...lists.machineIds],
    WorkerPools: lists.workerPoolIds,
  }[targetType]
  // Never "all machines" because somebody forgot to say which.
  if (counting.length === 0 && asked !== 'OctopusServer') {
    reader.problem(
      'No targets are named. Give MachineIds, EnvironmentIds, TargetRoles, WorkerIds or WorkerPoolIds.',
    )
  }
  reader.end()
  return { scriptBody: scriptBody ?? '', syntax, targetType, ...lists }
}

async function unknownIds(
  store: Store,
  spaceId: string | null,
  given: ScriptArguments,
): Promise<readonly string[]> {
  const inSpace = (document: { readonly spaceId: string } | undefined): boolean =>
    document !== undefined && document.spaceId === spaceId
  const missing: string[] = []
  for (const id of [...given.machineIds, ...given.workerIds]) {
    const [machine] = await machinesById(store, [id])
    if (!inSpace(machine)) missing.push(`There is no machine '${id}' in this space.`)
  }
  for (const id of given.environmentIds) {
    if (!inSpace(await store.environments.get(id)))
      missing.push(`There is no environment '${id}' in this space.`)
  }
  for (const id of given.workerPoolIds) {
    if (!inSpace(await store.workerPools.get(id)))
      missing.push(`There is no worker pool '${id}' in this space.`)
  }
  return missing
}

async function chooseTargets(
  { store, task }: TaskContext,
  given: ScriptArguments,
): Promise<readonly AnyMachine[]> {
  const spaceId = task.spaceId ?? ''
  switch (given.targetType) {
    case 'Machines':
      return machinesById(store, given.machineIds)
    case 'Workers':
      return machinesById(store, [...given.workerIds, ...given.machineIds])
    case 'WorkerPools':
      return (await store.workers.find({ spaceId, workerPoolIds: given.workerPoolIds })).items
    case 'Environments': {
      const found = await store.machines.find({
        spaceId,
        ...(given.environmentIds.length > 0 && { environmentIds: given.environmentIds }),
        ...(given.targetRoles.length > 0 && { roles: given.targetRoles }),
        ...(given.tenantIds.length > 0 && { tenantIds: given.tenantIds }),
      })
      return found.items
    }
  }
}

async function scriptVariables(
  { store, task, space }: TaskContext,
  machine: AnyMachine,
  given: ScriptArguments,
): Promise<readonly RuntimeVariable[]> {
  const [environmentId] = machine.kind === 'machine' ? machine.environmentIds : []
  const environment = environmentId === undefined ? undefined : await store.environments.get(environmentId)
  return mergeVariables(
    taskVariables(task, space),
    environment === undefined ? [] : environmentVariables(environment),
    machineVariables(machine),
    plainVariables({
      'Octopus.Action.Name': actionName,
      'Octopus.Step.Name': actionName,
      'Octopus.Action.Script.ScriptSource': 'Inline',
      'Octopus.Action.Script.Syntax': given.syntax,
      'Octopus.Action.Script.ScriptBody': given.scriptBody,
    }),
  )
}

async function runOn(
  context: TaskContext,
  given: ScriptArguments,
  machine: AnyMachine,
  node: LogNode,
): Promise<MachineOutcome> {
  const { task, log, store, vault, agents, cancel, letGo } = context
  const tentacle = await agents.tentacle(machine)
  const variables = await scriptVariables(context, machine, given)
  const call: TentacleCall = {
    signal: AbortSignal.any([cancel, letGo]),
    report: (category, text, detail) => node.write(category, text, detail),
  }
  const outcome = await runScript(
    { db: store.db, vault, now: store.now },
    {
      taskId: task.id,
      key: `machine:${machine.id}`,
      tentacle,
      log,
      node,
      outputs: { action: actionName, machineId: machine.id, machineName: machine.name },
      cancel,
      letGo,
      command: async () => {
        const body = await (await deployerForMachine(tentacle, call)).runScript(variables)
        const isolation = isSwitchedOn(variables, 'OctopusBypassDeploymentMutex')
          ? 'NoIsolation'
          : 'FullIsolation'
        return { ...body, isolation, taskId: task.id }
      },
    },
  )
  if (outcome.status === 'canceled') return { kind: 'canceled' }
  const reason = failureOf(outcome)
  return reason === undefined ? { kind: 'success' } : { kind: 'failed', reason }
}

/** A script that somebody wants to run once on some machines: docs/wire/orchestration.md, ad-hoc scripts. */
export const adHocScript: TaskKind = {
  name: 'AdHocScript',
  title: 'Script',
  defaultDescription: 'Run a script from the script console',
  canRerun: true,
  isPublic: true,

  async check(given, { store, spaceId }) {
    const parsed = parse(given)
    const reader = readArguments({})
    if (spaceId === null) reader.problem('SpaceId is missing: scripts run on the machines of a space.')
    else for (const problem of await unknownIds(store, spaceId, parsed)) reader.problem(problem)
    reader.end()
    return { arguments: given, machineIds: [...parsed.machineIds, ...parsed.workerIds] }
  },

  async run(context) {
    const { task, log, cancel } = context
    const given = parse(task.arguments)
    const found = await rememberTargets(context, () => chooseTargets(context, given))
    const disabled = found.filter(machine => machine.isDisabled)
    const targets = found.filter(machine => !machine.isDisabled)
    for (const { id, name } of disabled) {
      await log.root.writeOnce(`disabled:${id}`, 'Info', `${name} is disabled and was left out.`)
    }
    if (targets.length === 0) {
      const why = disabled.length > 0 ? 'every machine that fits is disabled' : 'no machine fits'
      const errorMessage = `There is nothing to run the script on: ${why}.`
      await log.root.writeOnce('no-targets', 'Fatal', errorMessage)
      return { state: 'Failed', errorMessage }
    }
    // All nodes first, so that readers see at once where the script will run.
    const nodes = new Map<string, LogNode>()
    for (const { id, name } of targets) {
      nodes.set(id, await log.root.child(`machine:${id}`, `Run script on: ${name}`))
    }
    const outcomes: { machine: string; outcome: MachineOutcome }[] = []
    await runParallel(targets, maxParallelism, async machine => {
      const node = nodes.get(machine.id) ?? log.root
      const outcome = await workOnMachine(context, node, () => runOn(context, given, machine, node))
      outcomes.push({ machine: machine.name, outcome })
    })
    return verdictOf(cancel.aborted, outcomes)
  },
}
