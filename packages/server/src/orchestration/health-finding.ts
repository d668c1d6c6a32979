import { connectionState, HalibutError } from '@tentacle/halibut'
import { createTaskLogRepository } from '../db/task-log-repository.ts'
import { toError } from '../errors.ts'
import type { LogNode } from '../live/task-log.ts'
import type { AnyMachine, HealthStatus, MachineHealth } from '../model/machine.ts'
import { noFacts, type ScriptFacts } from '../scripts/script-facts.ts'
import type { TaskContext } from '../work/task-kind.ts'
import { machineFacts } from './health-script.ts'

/** What a check of one machine found. */
export interface Finding {
  readonly status: HealthStatus
  readonly summary: string
  readonly facts: ScriptFacts
}

/** The finding when the Tentacle could not be talked to. */
export function unavailable(
  machine: AnyMachine,
  error: unknown,
  limit: AbortSignal,
  limitMs: number,
  isPolling: boolean,
): Finding {
  const isOurLimit = limit.aborted && error instanceof HalibutError && error.code.startsWith('ERR_CANCELLED')
  const seconds = `${Math.round(limitMs / 1000)} seconds`
  const what = !isOurLimit
    ? toError(error).message
    : connectionState(error) === 'connecting' && machine.endpoint.style === 'TentacleActive'
      ? `The Tentacle did not fetch its work within ${seconds}.`
      : `The Tentacle did not answer within ${seconds}.`
  const hint = isPolling
    ? ''
    : ' It is not connected: is it running, and can it reach the communication port of this server?'
  const summary = machine.endpoint.style === 'TentacleActive' ? `${what}${hint}` : what
  return { status: 'Unavailable', summary, facts: noFacts }
}

/** The verdict on a machine whose script ran, from the categories of its lines and its exit code. */
export function judge(
  failure: string | undefined,
  facts: ScriptFacts,
  hasErrors: boolean,
  hasWarnings: boolean,
): Finding {
  const told = facts.told[machineFacts.failed]
  if (failure !== undefined) return { status: 'Unhealthy', summary: told || failure, facts }
  if (hasErrors)
    return { status: 'Unhealthy', summary: 'The health check printed errors; its log has them.', facts }
  if (hasWarnings)
    return { status: 'HasWarnings', summary: 'The health check printed warnings; its log has them.', facts }
  return {
    status: 'Healthy',
    summary: 'The Tentacle answers, and the health check found nothing wrong.',
    facts,
  }
}

/** Lines of the check that the machine keeps. */
const keptLines = 100

/** Stores the finding with the machine, and tells those who look at it. */
export async function recordFinding(
  { store, hub }: TaskContext,
  machine: AnyMachine,
  node: LogNode,
  { status, summary, facts }: Finding,
): Promise<void> {
  const lines = await createTaskLogRepository(store.db).tail(node.id, keptLines)
  const told = (name: string, before: string | null): string | null => facts.told[name] || before
  const health: MachineHealth = {
    status,
    summary,
    checkedAt: store.now().toISOString(),
    log: lines.map(line => ({
      category: line.category,
      occurredAt: line.occurredAt,
      messageText: line.text,
    })),
    // A check that could not ask keeps what an earlier one was told.
    operatingSystem: told(machineFacts.operatingSystem, machine.health.operatingSystem),
    operatingSystemVersion: told(machineFacts.operatingSystemVersion, machine.health.operatingSystemVersion),
    shellName: told(machineFacts.shellName, machine.health.shellName),
    shellVersion: told(machineFacts.shellVersion, machine.health.shellVersion),
    architecture: told(machineFacts.architecture, machine.health.architecture),
  }
  const machines = machine.kind === 'machine' ? store.machines : store.workers
  await machines.recordHealth(machine.id, health, told(machineFacts.tentacleVersion, null))
  hub.publish({ kind: 'machine', machineId: machine.id, change: 'changed' })
}

/** How people call the states. */
export const healthWords: Readonly<Record<HealthStatus, string>> = {
  Healthy: 'healthy',
  HasWarnings: 'healthy, with warnings',
  Unhealthy: 'unhealthy',
  Unavailable: 'unavailable',
  Unknown: 'of unknown health',
}
