import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type {
  ProcessOutput,
  ScriptStatusResponseV2,
  ScriptTicket,
  StartScriptCommandV2,
} from '@tentacle/contracts'
import { until } from '@tentacle/testkit'
import type { HostAnswer } from './agent-host.ts'
import type { Finished } from './script-agent.ts'

/** The services of a home in a process of their own, which can be killed at any moment. */
export interface AgentProcess {
  readonly pid: number
  start(command: StartScriptCommandV2): Promise<ScriptStatusResponseV2>
  status(ticket: ScriptTicket, after: number): Promise<ScriptStatusResponseV2>
  cancel(ticket: ScriptTicket): Promise<ScriptStatusResponseV2>
  complete(ticket: ScriptTicket): Promise<void>
  /** SIGKILL, and waits until it is gone. Calls under way are rejected. */
  kill(): Promise<void>
}

/** Starts an agent; ended after the test. */
export async function startAgent(t: TestContext, home: string): Promise<AgentProcess> {
  const child = fork(join(import.meta.dirname, 'agent-host.ts'), [home], { serialization: 'advanced' })
  t.after(() => kill(child))
  const calls = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  const ready = Promise.withResolvers<unknown>()
  calls.set(0, ready)
  child.on('message', (message: HostAnswer) => {
    const call = calls.get(message.id)
    calls.delete(message.id)
    if (message.error === undefined) call?.resolve(message.value)
    else call?.reject(new Error(message.error))
  })
  child.once('exit', () => {
    for (const call of calls.values()) call.reject(new Error('The agent was killed.'))
    calls.clear()
  })
  let last = 0
  const call = (method: string, argument: unknown) => {
    const answer = Promise.withResolvers<unknown>()
    if (!child.connected) throw new Error('The agent was killed.')
    calls.set(++last, answer)
    child.send({ id: last, method, argument }, error => error && answer.reject(error))
    return answer.promise
  }
  await ready.promise
  return {
    pid: child.pid ?? 0,
    start: async command => asStatus(await call('startScript', command)),
    status: async (ticket, after) => asStatus(await call('getStatus', { ticket, lastLogSequence: after })),
    cancel: async ticket => asStatus(await call('cancelScript', { ticket, lastLogSequence: 0 })),
    complete: async ticket => {
      await call('completeScript', { ticket })
    },
    kill: () => kill(child),
  }
}

/** Asks for news until the script is complete. */
export async function followAt(
  agent: AgentProcess,
  ticket: ScriptTicket,
  timeoutMs = 60_000,
): Promise<Finished> {
  const logs: ProcessOutput[] = []
  let after = 0
  const last = await until(
    `script ${ticket.taskId} is complete`,
    async () => {
      const status = await agent.status(ticket, after)
      logs.push(...status.logs)
      after = status.nextLogSequence
      return status.state === 'Complete' && status
    },
    { timeoutMs },
  )
  return { exitCode: last.exitCode, logs }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

function asStatus(value: unknown): ScriptStatusResponseV2 {
  if (typeof value !== 'object' || value === null || !('logs' in value)) throw new Error('That is no status.')
  return value as ScriptStatusResponseV2
}
