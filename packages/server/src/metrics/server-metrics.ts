import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { CallObserver } from '../agents/call-metrics.ts'
import type { TaskRepository } from '../db/task-repository.ts'

/** Seconds. A call may wait for a polling machine that is away, a script may run for a day. */
const callBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 150, 600]
const operationBounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400]

const openStates = ['Queued', 'Executing', 'Cancelling'] as const

/** What is looked at when somebody asks, and not counted on the way. */
export interface ServerFacts {
  /** Connections of polling machines that wait for work. */
  pollingConnections(): number
  readonly tasks: Pick<TaskRepository, 'list'>
}

/** The numbers of a server: docs/wire/server-metrics.md. */
export interface ServerMetrics {
  /** To be told of calls. */
  readonly observer: CallObserver
  readonly contentType: string
  /** In the text format of Prometheus. */
  text(facts: ServerFacts): Promise<string>
}

type Outcome = 'result' | 'error' | 'canceled'

function outcomeOf({ error, wasCanceled }: { error: Error | undefined; wasCanceled: boolean }): Outcome {
  if (wasCanceled) return 'canceled'
  return error === undefined ? 'result' : 'error'
}

/** Makes the numbers of one server; several in a process do not share any. */
export function createServerMetrics(version: string): ServerMetrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const calls = new Counter({
    name: 'tentacle_server_rpc_calls_total',
    help: 'Calls to Tentacles, repetitions not counted, by how they ended.',
    labelNames: ['service', 'method', 'outcome'],
    registers,
  })
  const attempts = new Counter({
    name: 'tentacle_server_rpc_attempts_total',
    help: 'Tries of these calls; more than one for a call when the network fails.',
    labelNames: ['service', 'method', 'outcome'],
    registers,
  })
  const callSeconds = new Histogram({
    name: 'tentacle_server_rpc_call_duration_seconds',
    help: 'How long calls to Tentacles took, with their repetitions and the pauses between them.',
    labelNames: ['service', 'method'],
    buckets: callBounds,
    registers,
  })
  const operations = new Counter({
    name: 'tentacle_server_operations_total',
    help: 'Scripts that were run and files that were sent, by how that ended. The exit code of a script does not matter.',
    labelNames: ['operation', 'outcome'],
    registers,
  })
  const operationSeconds = new Histogram({
    name: 'tentacle_server_operation_duration_seconds',
    help: 'How long it took to run scripts and to send files.',
    labelNames: ['operation'],
    buckets: operationBounds,
    registers,
  })
  const connections = new Gauge({
    name: 'tentacle_server_polling_connections',
    help: 'Connections of polling Tentacles that wait for work.',
    registers,
  })
  const openTasks = new Gauge({
    name: 'tentacle_server_tasks',
    help: 'Tasks that are not finished, by their state.',
    labelNames: ['state'],
    registers,
  })
  new Gauge({
    name: 'tentacle_server_info',
    help: 'Always 1; the version of the server is a label.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1)

  return {
    observer: {
      callCompleted(call) {
        const { service, method } = call
        calls.inc({ service, method, outcome: outcomeOf(call) })
        for (const { error } of call.attempts)
          attempts.inc({ service, method, outcome: error === undefined ? 'result' : 'error' })
        callSeconds.observe({ service, method }, call.durationMs / 1000)
      },
      operationCompleted(operation) {
        const { kind, durationMs } = operation
        operations.inc({ operation: kind, outcome: outcomeOf(operation) })
        operationSeconds.observe({ operation: kind }, durationMs / 1000)
      },
    },
    contentType: registry.contentType,
    async text({ pollingConnections, tasks }) {
      connections.set(pollingConnections())
      const { counts } = await tasks.list({ take: 0 })
      for (const state of openStates) openTasks.set({ state }, counts[state])
      return registry.metrics()
    },
  }
}
