import { defineService, method, types, type ValueOf } from '@tentacle/halibut'
import { legacyName } from './dotnet-names.ts'
import {
  AdditionalScripts,
  LogSequence,
  ProcessOutput,
  ProcessState,
  ScriptFile,
  ScriptIsolationLevel,
  ScriptTicket,
} from './script-types.ts'

/** Starts a script in the first version of the service. */
export interface StartScriptCommand extends ValueOf<typeof StartScriptCommand> {}
export const StartScriptCommand = types.record({
  ...legacyName('StartScriptCommand'),
  fields: {
    scriptBody: types.text,
    isolation: ScriptIsolationLevel,
    scripts: AdditionalScripts,
    files: types.list(ScriptFile),
    arguments: types.array(types.text),
    taskId: types.nullable(types.text),
    /** Milliseconds. */
    scriptIsolationMutexTimeout: types.timeSpan,
    isolationMutexName: types.nullable(types.text),
  },
})

const ticketAndPosition = {
  ticket: ScriptTicket,
  /** How many log entries the caller has already. */
  lastLogSequence: LogSequence,
} as const

export interface ScriptStatusRequest extends ValueOf<typeof ScriptStatusRequest> {}
export const ScriptStatusRequest = types.record({
  ...legacyName('ScriptStatusRequest'),
  fields: ticketAndPosition,
})

export interface CancelScriptCommand extends ValueOf<typeof CancelScriptCommand> {}
export const CancelScriptCommand = types.record({
  ...legacyName('CancelScriptCommand'),
  fields: ticketAndPosition,
})

export interface CompleteScriptCommand extends ValueOf<typeof CompleteScriptCommand> {}
export const CompleteScriptCommand = types.record({
  ...legacyName('CompleteScriptCommand'),
  fields: ticketAndPosition,
})

/** State of a script, and the log entries after the position that was asked for. */
export interface ScriptStatusResponse extends ValueOf<typeof ScriptStatusResponse> {}
export const ScriptStatusResponse = types.record({
  ...legacyName('ScriptStatusResponse'),
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
 * The first version of the script service, which every agent serves. `startScript` runs the script again each time it
 * is called, so a caller that got no answer must not repeat it; `ScriptServiceV2` has no such trap.
 */
export const ScriptService = defineService('IScriptService', {
  startScript: method([StartScriptCommand], ScriptTicket),
  getStatus: method([ScriptStatusRequest], ScriptStatusResponse),
  cancelScript: method([CancelScriptCommand], ScriptStatusResponse),
  /** Ends the conversation: answers the last entries of the log and deletes the script's folder. */
  completeScript: method([CompleteScriptCommand], ScriptStatusResponse),
})
