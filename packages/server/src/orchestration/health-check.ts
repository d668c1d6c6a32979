import { availableParallelism } from 'node:os'
import { type CallPolicy, policyOf } from '../agents/endpoints.ts'
import type { TentacleCall } from '../agents/rpc-retries.ts'
import type { Store } from '../db/store.ts'
import { createTaskLogRepository } from '../db/task-log-repository.ts'
import type { LogNode } from '../live/task-log.ts'
import type { AnyMachine } from '../model/machine.ts'
import type { JsonObject } from '../model/task.ts'
import { runScript } from '../scripts/run-script.ts'
import { failureOf, noFacts } from '../scripts/script-facts.ts'
import { readArguments } from '../work/arguments.ts'
import { runParallel } from '../work/run-parallel.ts'
import { machinesById, rememberTargets } from '../work/targets.ts'
import type { TaskContext, TaskKind } from '../work/task-kind.ts'
import { type Finding, healthWords, judge, recordFinding, unavailable } from './health-finding.ts'
import { healthScript } from './health-script.ts'

const restrictions = ['DeploymentTargets', 'Workers', 'Policies', 'Unrestricted', 'Unlimited'] as const

interface HealthArguments {
  readonly timeoutMs: number
  readonly machineTimeoutMs: number
  readonly environmentId: string | null
  readonly workerPoolId: string | null
  readonly machinePolicyId: string | null
  readonly machineIds: readonly string[]
  readonly restrictedTo: (typeof restrictions)[number]
  readonly onlyTestConnection: boolean
}

function parse(given: JsonObject): HealthArguments {
  const reader = readArguments(given)
  const parsed = {
    timeoutMs: reader.timeSpan('Timeout', 300_000),
    machineTimeoutMs: reader.timeSpan('MachineTimeout', 60_000),
    environmentId: reader.text('EnvironmentId'),
    workerPoolId: reader.text('WorkerPoolId'),
    machinePolicyId: reader.text('MachinePolicyId'),
    machineIds: reader.list('MachineIds'),
    restrictedTo: reader.word('RestrictedTo', restrictions) ?? 'Unrestricted',
    onlyTestConnection: reader.flag('OnlyTestConnection'),
  }
  reader.end()
  return parsed
}

async function chooseMachines(
  { store, task }: TaskContext,
  given: HealthArguments,
): Promise<readonly AnyMachine[]> {
  if (given.machineIds.length > 0) return machinesById(store, given.machineIds)
  const inSpace = task.spaceId === null ? {} : { spaceId: task.spaceId }
  const wantsTargets = given.workerPoolId === null && given.restrictedTo !== 'Workers'
  const wantsWorkers = given.environmentId === null && given.restrictedTo !== 'DeploymentTargets'
  const targets = wantsTargets
    ? await store.machines.find({
        ...inSpace,
        ...(given.environmentId !== null && { environmentIds: [given.environmentId] }),
      })
    : { items: [] }
  const workers = wantsWorkers
    ? await store.workers.find({
        ...inSpace,
        ...(given.workerPoolId !== null && { workerPoolIds: [given.workerPoolId] }),
      })
    : { items: [] }
  const all: readonly AnyMachine[] = [...targets.items, ...workers.items]
  return given.machinePolicyId === null
    ? all
    : all.filter(machine => machine.machinePolicyId === given.machinePolicyId)
}

/** The policy's own scripts; undefined: the connection is all that is checked. */
async function policyScripts(
  store: Store,
  machine: AnyMachine,
  policy: CallPolicy,
): Promise<{ readonly bash: string; readonly powerShell: string } | undefined> {
  const inherited = (await store.machinePolicies.default(machine.spaceId))?.healthCheck
  const bodyOf = (language: 'bash' | 'powerShell'): string => {
    const { runType, scriptBody } = policy.healthCheck[language]
    const body = runType === 'InheritFromDefault' ? inherited?.[language].scriptBody : scriptBody
    return runType === 'OnlyConnectivity' ? '' : (body ?? '')
  }
  const { type, bash, powerShell } = policy.healthCheck
  const isConnectivityOnly = bash.runType === 'OnlyConnectivity' && powerShell.runType === 'OnlyConnectivity'
  if (type === 'OnlyConnectivity' || isConnectivityOnly) return undefined
  return { bash: bodyOf('bash'), powerShell: bodyOf('powerShell') }
}

async function look(
  context: TaskContext,
  machine: AnyMachine,
  node: LogNode,
  given: HealthArguments,
  limit: AbortSignal,
): Promise<Finding> {
  const { task, log, store, vault, agents, cancel, letGo } = context
  const tentacle = await agents.tentacle(machine)
  const policy = await policyOf(store, machine)
  const retries = {
    enabled: policy.rpcCallRetry.enabled,
    durationMs: Math.min(policy.rpcCallRetry.healthCheckDurationMs, given.machineTimeoutMs),
  }
  const end = AbortSignal.any([cancel, limit])
  const call: TentacleCall = {
    signal: AbortSignal.any([end, letGo]),
    report: (category, text, detail) => node.write(category, text, detail),
    retries,
  }
  const tooLate = (error: unknown): Finding =>
    unavailable(machine, error, limit, given.machineTimeoutMs, agents.isPolling(machine))
  try {
    await tentacle.checkConnection(call)
  } catch (error) {
    if (letGo.aborted || cancel.aborted) throw error
    return tooLate(error)
  }
  await node.writeOnce('connected', 'Info', 'The Tentacle answers.')
  const own = given.onlyTestConnection ? undefined : await policyScripts(store, machine, policy)
  if (own === undefined) return { status: 'Healthy', summary: 'The Tentacle answers.', facts: noFacts }
  try {
    const outcome = await runScript(
      { db: store.db, vault, now: store.now },
      {
        taskId: task.id,
        key: `machine:${machine.id}`,
        tentacle,
        log,
        node,
        outputs: null,
        command: async () => healthScript(task.id, own),
        cancel: end,
        letGo,
        cancelLimitMs: 5_000,
        retries,
      },
    )
    if (outcome.status === 'canceled') {
      const summary = `The health check did not end within ${Math.round(given.machineTimeoutMs / 1000)} seconds.`
      return { status: 'Unhealthy', summary, facts: outcome.facts }
    }
    const lines = await createTaskLogRepository(store.db).tail(node.id, 10_000)
    const has = (category: string): boolean => lines.some(line => line.category === category)
    return judge(failureOf(outcome), outcome.facts, has('Error'), has('Warning'))
  } catch (error) {
    if (letGo.aborted || cancel.aborted) throw error
    return tooLate(error)
  }
}

/** True when the finding makes the task fail. */
async function isFault({ store }: TaskContext, machine: AnyMachine, { status }: Finding): Promise<boolean> {
  if (status !== 'Unavailable') return status === 'Unhealthy'
  return (await policyOf(store, machine)).connectivity === 'ExpectedToBeOnline'
}

async function checkMachine(
  context: TaskContext,
  machine: AnyMachine,
  given: HealthArguments,
  taskLimit: AbortSignal,
): Promise<string | undefined> {
  const { log, cancel } = context
  const node = await log.root.child(`machine:${machine.id}`, `Check ${machine.name}`)
  // Recorded before the server was restarted; a failed one is told again below.
  if (node.status === 'Success' || node.status === 'SuccessWithWarning') return undefined
  await node.start()
  const limit = AbortSignal.any([taskLimit, AbortSignal.timeout(given.machineTimeoutMs)])
  const finding = await look(context, machine, node, given, limit).catch(error => {
    if (cancel.aborted && !context.letGo.aborted) return undefined
    throw error
  })
  if (finding === undefined || (cancel.aborted && finding.status !== 'Healthy')) {
    await node.end('Canceled')
    return undefined
  }
  const isFaulty = await isFault(context, machine, finding)
  const category = finding.status === 'Healthy' ? 'Info' : isFaulty ? 'Error' : 'Warning'
  await node.writeOnce(
    'result',
    category,
    `${machine.name} is ${healthWords[finding.status]}. ${finding.summary}`,
  )
  await recordFinding(context, machine, node, finding)
  await node.end(isFaulty ? 'Failed' : finding.status === 'Healthy' ? 'Success' : 'SuccessWithWarning')
  return isFaulty ? `${machine.name} is ${healthWords[finding.status]}: ${finding.summary}` : undefined
}

/** Looks whether machines answer and are well: docs/wire/orchestration.md, health checks. */
export const healthCheck: TaskKind = {
  name: 'Health',
  title: 'Health check',
  defaultDescription: 'Check the health of machines',
  canRerun: true,
  isPublic: true,

  async check(given) {
    const { machineIds } = parse(given)
    return { arguments: given, machineIds }
  },

  async run(context) {
    const { task, log, cancel } = context
    const given = parse(task.arguments)
    const found = await rememberTargets(context, () => chooseMachines(context, given))
    const machines = found.filter(machine => !machine.isDisabled)
    if (machines.length === 0) {
      await log.root.writeOnce('nothing', 'Info', 'There is no machine to check.')
      return { state: 'Success', errorMessage: '' }
    }
    const parallelism = Math.min(32, Math.max(2, 2 * availableParallelism()))
    const limit = AbortSignal.timeout(given.timeoutMs)
    const faults: string[] = []
    await runParallel(machines, parallelism, async machine => {
      const fault = await checkMachine(context, machine, given, limit)
      if (fault !== undefined) faults.push(fault)
    })
    if (cancel.aborted) return { state: 'Canceled', errorMessage: 'The task was canceled.' }
    const [first] = faults
    if (first === undefined) return { state: 'Success', errorMessage: '' }
    const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
    return { state: 'Failed', errorMessage: `${first}${more}` }
  },
}
