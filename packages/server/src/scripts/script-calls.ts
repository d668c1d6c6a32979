import {
  defaultMutexName,
  maximumMutexTimeoutMs,
  type ProcessState,
  type ScriptIsolationLevel,
} from '@tentacle/contracts'
import { DataStream } from '@tentacle/halibut'
import type { TentacleCall } from '../agents/rpc-retries.ts'
import type { Tentacle } from '../agents/tentacle.ts'
import type { OutputEntry } from './script-output.ts'

/** A script, in the two forms of which the Tentacle takes the one for its system. */
export interface ScriptCommand {
  /** What runs on Linux and macOS. */
  readonly bash: string
  /** What runs on Windows. */
  readonly powerShell: string
  /** Files beside the script. */
  readonly files: readonly { readonly name: string; readonly contents: string | Uint8Array }[]
  readonly isolation: ScriptIsolationLevel
  /** The task in whose name it runs: other tasks that wait for it are told. */
  readonly taskId: string
}

/** An answer about a script. */
export interface ScriptAnswer {
  readonly ticket: string
  readonly state: ProcessState
  readonly exitCode: number
  readonly logs: readonly OutputEntry[]
  readonly nextLogSequence: number
}

/** One form of the calls for both script services. */
export interface ScriptCalls {
  /** True when `start` may be repeated with the same ticket. */
  readonly canRepeatStart: boolean
  start(ticket: string, command: ScriptCommand, call: TentacleCall): Promise<ScriptAnswer>
  status(ticket: string, after: number, call: TentacleCall): Promise<ScriptAnswer>
  cancel(ticket: string, after: number, call: TentacleCall): Promise<ScriptAnswer>
  /** Tells the Tentacle that it may forget the script. Everything that it printed must be stored by then. */
  clean(ticket: string, after: number, call: TentacleCall): Promise<void>
}

/**
 * How long StartScript may hold its answer back in the hope that the script ends. Long enough for the shortest scripts
 * to need one call only, short enough for the first line of others to be on the screen at once.
 */
const startWaitMs = 150

function commonCommand({ bash, powerShell, files, isolation }: ScriptCommand) {
  return {
    scriptBody: powerShell,
    isolation,
    scriptIsolationMutexTimeout: maximumMutexTimeoutMs,
    isolationMutexName: defaultMutexName,
    // A Tentacle on Windows takes the main body in any case, all others take this one when it is there.
    scripts: new Map([['Bash', bash] as const]),
    files: files.map(({ name, contents }) => ({
      name,
      contents: typeof contents === 'string' ? DataStream.fromText(contents) : DataStream.fromBytes(contents),
      encryptionPassword: null,
    })),
    arguments: [],
  }
}

/** The calls of a script service of this version. */
export function scriptCalls(tentacle: Tentacle, version: 'V1' | 'V2'): ScriptCalls {
  if (version === 'V2') {
    const answer = async (asked: ReturnType<Tentacle['getStatus']>): Promise<ScriptAnswer> => {
      const response = await asked
      return { ...response, ticket: response.ticket.taskId }
    }
    return {
      canRepeatStart: true,
      start: (ticket, command, call) =>
        answer(
          tentacle.startScript(
            {
              ...commonCommand(command),
              scriptTicket: { taskId: ticket },
              taskId: command.taskId,
              durationToWaitForScriptToFinish: startWaitMs,
            },
            call,
          ),
        ),
      status: (ticket, after, call) => answer(tentacle.getStatus(ticket, after, call)),
      cancel: (ticket, after, call) => answer(tentacle.cancelScript(ticket, after, call)),
      clean: (ticket, _after, call) => tentacle.completeScript(ticket, call),
    }
  }
  const answer = async (asked: ReturnType<Tentacle['v1']['getStatus']>): Promise<ScriptAnswer> => {
    const response = await asked
    return { ...response, ticket: response.ticket.taskId }
  }
  return {
    canRepeatStart: false,
    async start(_ticket, command, call) {
      const own = await tentacle.v1.startScript({ ...commonCommand(command), taskId: command.taskId }, call)
      return { ticket: own, state: 'Pending', exitCode: 0, logs: [], nextLogSequence: 0 }
    },
    status: (ticket, after, call) => answer(tentacle.v1.getStatus(ticket, after, call)),
    cancel: (ticket, after, call) => answer(tentacle.v1.cancelScript(ticket, after, call)),
    async clean(ticket, after, call) {
      await tentacle.v1.completeScript(ticket, after, call)
    },
  }
}
