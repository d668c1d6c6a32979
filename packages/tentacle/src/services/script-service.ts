import type { ScriptService, ScriptStatusResponse, ScriptTicket } from '@tentacle/contracts'
import type { ServiceImplementation } from '@tentacle/halibut'
import type { PageLimits } from '../script-log/log-walk.ts'
import type { ScriptEngine } from '../scripts/script-engine.ts'
import { createV1Tickets } from '../scripts/v1-tickets.ts'
import { bodyOf } from './script-body.ts'

/**
 * How much of its log the last answer may have. The log is deleted with it, so this is far more than a caller
 * has left who followed the script; beyond it memory would be at the mercy of the script.
 */
const lastAnswerLimits: PageLimits = { characters: 64 * 1024 * 1024, entries: 1_000_000 }

/**
 * The first script service. Starting is not repeatable: each call is a new ticket and a new run. Otherwise as the
 * second one, restarts of the agent included, except that unknown tickets are answered with exit code 0.
 */
export function createScriptService(
  engine: ScriptEngine,
  now: () => Date,
): ServiceImplementation<typeof ScriptService> {
  const nextTicket = createV1Tickets(now)
  const answer = async (
    ticket: ScriptTicket,
    after: number,
    limits?: PageLimits,
  ): Promise<ScriptStatusResponse> => {
    const run = await engine.find(ticket.taskId)
    if (run === undefined) return { ticket, state: 'Complete', exitCode: 0, logs: [], nextLogSequence: 0 }
    return { ticket, ...(await run.status(after, limits)) }
  }
  return {
    async startScript(command) {
      let ticket = nextTicket(command.taskId)
      while (engine.has(ticket)) ticket = nextTicket(command.taskId)
      await engine.start(ticket, {
        body: bodyOf(command),
        taskId: command.taskId ?? '',
        isolation: command.isolation,
        mutexName: command.isolationMutexName,
        mutexTimeoutMs: command.scriptIsolationMutexTimeout,
        files: command.files,
        arguments: command.arguments,
      })
      return { taskId: ticket }
    },
    getStatus({ ticket, lastLogSequence }) {
      return answer(ticket, lastLogSequence)
    },
    async cancelScript({ ticket, lastLogSequence }) {
      await (await engine.find(ticket.taskId))?.cancel()
      return answer(ticket, lastLogSequence)
    },
    async completeScript({ ticket, lastLogSequence }) {
      const last = await answer(ticket, lastLogSequence, lastAnswerLimits)
      await engine.complete(ticket.taskId)
      return last
    },
  }
}
