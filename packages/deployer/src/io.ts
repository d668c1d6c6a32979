import type { Writable } from 'node:stream'

/** The environment of a process: names and values. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What a command of the deployer works with; nothing is taken from the process itself. */
export interface DeployerIo {
  readonly stdout: Writable
  readonly stderr: Writable
  /** The environment of the agent: TentacleHome, TentacleApplications, TentacleJournal and everything that scripts inherit. */
  readonly env: Environment
  /** The folder in which `run-script` works and against which relative paths of options are read. */
  readonly cwd: string
  /** Cancels: running scripts are ended with all their children, and the command ends. */
  readonly signal?: AbortSignal
}
