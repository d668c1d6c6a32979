import {
  type ScriptServiceV2,
  type ScriptStatusResponseV2,
  type ScriptTicket,
  scriptExitCodes,
} from '@tentacle/contracts'
import type { ServiceImplementation } from '@tentacle/halibut'
import type { ScriptEngine } from '../scripts/script-engine.ts'
import { bodyOf } from './script-body.ts'

/** The current script service. Every call may be repeated; unknown tickets are answered, never an error. */
export function createScriptServiceV2(engine: ScriptEngine): ServiceImplementation<typeof ScriptServiceV2> {
  const answer = async (ticket: ScriptTicket, after: number): Promise<ScriptStatusResponseV2> => {
    const run = await engine.find(ticket.taskId)
    return run === undefined ? unknownScript(ticket) : { ticket, ...(await run.status(after)) }
  }
  return {
    async startScript(command, { signal }) {
      const run = await engine.start(command.scriptTicket.taskId, {
        body: bodyOf(command),
        taskId: command.taskId,
        isolation: command.isolation,
        mutexName: command.isolationMutexName,
        mutexTimeoutMs: command.scriptIsolationMutexTimeout,
        files: command.files,
        arguments: command.arguments,
      })
      await run.waitForEnd(command.durationToWaitForScriptToFinish ?? 0, signal)
      return { ticket: command.scriptTicket, ...(await run.status(0)) }
    },
    getStatus({ ticket, lastLogSequence }) {
      return answer(ticket, lastLogSequence)
    },
    async cancelScript({ ticket, lastLogSequence }) {
      await (await engine.find(ticket.taskId))?.cancel()
      return answer(ticket, lastLogSequence)
    },
    completeScript({ ticket }) {
      return engine.complete(ticket.taskId)
    },
  }
}

function unknownScript(ticket: ScriptTicket): ScriptStatusResponseV2 {
  return { ticket, state: 'Complete', exitCode: scriptExitCodes.unknownScript, logs: [], nextLogSequence: 0 }
}
