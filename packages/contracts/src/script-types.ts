import { type Codec, types, type ValueOf } from '@tentacle/halibut'
import { currentName, legacyName } from './dotnet-names.ts'

/** How far a script has come. `Complete` also when it failed or was never found: the exit code tells. */
export type ProcessState = 'Pending' | 'Running' | 'Complete'
export const ProcessState = types.enumeration(
  { Pending: 0, Running: 1, Complete: 2 },
  currentName('ProcessState').dotnet,
)

/** Where a line of a log comes from. `Debug` lines are the agent's own. */
export type ProcessOutputSource = 'StdOut' | 'StdErr' | 'Debug'
export const ProcessOutputSource = types.enumeration(
  { StdOut: 0, StdErr: 1, Debug: 2 },
  currentName('ProcessOutputSource').dotnet,
)

const isolationNames = legacyName('ScriptIsolationLevel')
/** Whether a script may run beside others that name the same mutex. */
export type ScriptIsolationLevel = 'NoIsolation' | 'FullIsolation'
export const ScriptIsolationLevel = types.enumeration(
  { NoIsolation: 0, FullIsolation: 1 },
  isolationNames.dotnet,
  isolationNames.alsoReads,
)

const scriptTypeNames = legacyName('ScriptType')
/** The language of an additional script body. */
export type ScriptType = 'PowerShell' | 'Bash'
export const ScriptType = types.enumeration(
  { PowerShell: 0, Bash: 1 },
  scriptTypeNames.dotnet,
  scriptTypeNames.alsoReads,
)

/** Names one run of a script. Compare tickets with `sameTicket`: case means nothing. */
export interface ScriptTicket extends ValueOf<typeof ScriptTicket> {}
export const ScriptTicket = types.record({ ...legacyName('ScriptTicket'), fields: { taskId: types.text } })

/** One line of a script's log. `occurred` is exact to the millisecond. */
export interface ProcessOutput extends ValueOf<typeof ProcessOutput> {}
export const ProcessOutput = types.record({
  ...currentName('ProcessOutput'),
  fields: { source: ProcessOutputSource, occurred: types.dateTimeOffset, text: types.text },
})

/**
 * How many log entries a caller has. Whoever wants none may say the largest number that .NET has, and whoever wants all the
 * smallest: these are read as the largest and smallest that are exact here.
 */
export const LogSequence: Codec<number> = {
  ...types.count,
  read(value, context) {
    const number = Number(types.int64.read(value, context))
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(number, Number.MAX_SAFE_INTEGER))
  },
}

/** A file that is put beside the script. With a password its contents are encrypted at rest. */
export interface ScriptFile extends ValueOf<typeof ScriptFile> {}
export const ScriptFile = types.record({
  ...legacyName('ScriptFile'),
  fields: {
    name: types.text,
    contents: types.dataStream,
    encryptionPassword: types.nullable(types.text),
  },
})

/** Bodies in other languages than the main one: an agent on Linux runs the `Bash` one, if there is one. */
export const AdditionalScripts = types.dictionary(ScriptType, types.text)

/**
 * The longest time that a script can wait for its mutex, in milliseconds: 24 days, which is what callers send who do
 * not want to set a limit.
 */
export const maximumMutexTimeoutMs = 2_147_483_647

/** The mutex that scripts share when nobody names another. */
export const defaultMutexName = 'RunningScript'
