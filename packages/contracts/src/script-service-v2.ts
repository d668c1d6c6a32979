import { defineService, method, types, type ValueOf } from '@tentacle/halibut'
import { currentName } from './dotnet-names.ts'
import {
  AdditionalScripts,
  LogSequence,
  ProcessOutput,
  ProcessState,
  ScriptFile,
  ScriptIsolationLevel,
  ScriptTicket,
} from './script-types.ts'

const v2 = (name: string) => currentName(`ScriptServiceV2.${name}`)

/** Starts a script under a ticket of the caller's choice (`newScriptTicket`). */
export interface StartScriptCommandV2 extends ValueOf<typeof StartScriptCommandV2> {}
export const StartScriptCommandV2 = types.record({
  ...v2('StartScriptCommandV2'),
  fields: {
    scriptTicket: ScriptTicket,
    scriptBody: types.text,
    taskId: types.text,
    /** How long the answer may wait for the script to end, in milliseconds; null: not at all. */
    durationToWaitForScriptToFinish: types.nullable(types.timeSpan),
    isolation: ScriptIsolationLevel,
    /** Milliseconds. */
    scriptIsolationMutexTimeout: types.timeSpan,
    isolationMutexName: types.nullable(types.text),
    scripts: AdditionalScripts,
    files: types.list(ScriptFile),
    arguments: types.array(types.text),
  },
})

const ticketAndPosition = {
  ticket: ScriptTicket,
  /** How many log entries the caller has already. */
  lastLogSequence: LogSequence,
} as const

export interface ScriptStatusRequestV2 extends ValueOf<typeof ScriptStatusRequestV2> {}
export const ScriptStatusRequestV2 = types.record({
  ...v2('ScriptStatusRequestV2'),
  fields: ticketAndPosition,
})

export interface CancelScriptCommandV2 extends ValueOf<typeof CancelScriptCommandV2> {}
export const CancelScriptCommandV2 = types.record({
  ...v2('CancelScriptCommandV2'),
  fields: ticketAndPosition,
})

export interface CompleteScriptCommandV2 extends ValueOf<typeof CompleteScriptCommandV2> {}
export const CompleteScriptCommandV2 = types.record({
  ...v2('CompleteScriptCommandV2'),
  fields: { ticket: ScriptTicket },
})

/** State of a script, and the log entries after the position that was asked for. */
export interface ScriptStatusResponseV2 extends ValueOf<typeof ScriptStatusResponseV2> {}
export const ScriptStatusResponseV2 = types.record({
  ...v2('ScriptStatusResponseV2'),
  fields: {
    ticket: ScriptTicket,
    logs: types.list(ProcessOutput),
    /** The position after these entries; ask for more with it. */
    nextLogSequence: types.count,
    state: ProcessState,
    /** Of the script, or one of `scriptExitCodes`. 0 until the state is `Complete`. */
    exitCode: types.int32,
  },
})

/**
 * The current script service. Every call may be repeated when its answer was lost: the same ticket is the same run of
 * the script.
 */
export const ScriptServiceV2 = defineService('IScriptServiceV2', {
  startScript: method([StartScriptCommandV2], ScriptStatusResponseV2),
  getStatus: method([ScriptStatusRequestV2], ScriptStatusResponseV2),
  cancelScript: method([CancelScriptCommandV2], ScriptStatusResponseV2),
  /** Deletes the script's folder. The log is not answered again, so ask for its end before. */
  completeScript: method([CompleteScriptCommandV2], 'void'),
})
