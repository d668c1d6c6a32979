/**
 * Exit codes that do not come from a script but from the agent (docs/wire/tentacle-services.md, "Exit codes"). The
 * numbers are what servers know.
 */
export const scriptExitCodes = {
  /** The workspace or its log could not be used while the script ran. */
  fatal: -41,
  /** The shell could not be started. */
  shellNotStarted: -42,
  /** Cancelled while it waited for its mutex; the script never started. */
  cancelledWhileWaiting: -43,
  /** The mutex was not free in time; the script never started. */
  mutexTimedOut: -44,
  /** The agent does not know the ticket. */
  unknownScript: -45,
  /** The script ran, but nobody knows how it ended. */
  unknownResult: -46,
  /** PowerShell did not begin to run the script in time. */
  powerShellNeverStarted: -47,
  /** The pod of the script is gone. Only agents on Kubernetes answer this. */
  kubernetesPodNotFound: -81,
  /** Cancelled while it ran, on Linux. */
  cancelled: -1,
} as const

const meanings: ReadonlyMap<number, string> = new Map([
  [scriptExitCodes.fatal, 'the agent could not use the folder or the log of the script'],
  [scriptExitCodes.shellNotStarted, 'the shell could not be started'],
  [scriptExitCodes.cancelledWhileWaiting, 'it was cancelled while it waited for other scripts'],
  [scriptExitCodes.mutexTimedOut, 'other scripts did not end in time, so it never started'],
  [scriptExitCodes.unknownScript, 'the agent does not know the script'],
  [scriptExitCodes.unknownResult, 'the agent was restarted meanwhile and does not know how the script ended'],
  [scriptExitCodes.powerShellNeverStarted, 'PowerShell did not start in time'],
  [scriptExitCodes.kubernetesPodNotFound, 'the pod of the script was not found'],
])

/** What an exit code of the agent means, as the end of the sentence "The script failed: …"; undefined for others. */
export function describeExitCode(exitCode: number): string | undefined {
  return meanings.get(exitCode)
}
