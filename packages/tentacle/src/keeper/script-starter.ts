import type { Readable } from 'node:stream'
import type { ProcessIdentity } from '../processes/script-claim.ts'
import type { KeeperJob } from './keeper-protocol.ts'

/**
 * A process that is about to become a script, and does nothing before it is told to: first there is the claim, which names
 * it.
 */
export interface HeldScript {
  readonly identity: ProcessIdentity
  readonly stdout: Readable
  readonly stderr: Readable
  /** The exit code, once it has ended and nobody holds its output. A signal that ended it counts 128 and its number. */
  readonly ended: Promise<number>
  /** Lets it begin. */
  go(): void
  /** It is not needed: somebody else has claimed the script, or its folder is gone. */
  release(): void
  /** Something went wrong: it is not to be used again. */
  dismiss(): void
}

/** How a system starts scripts. */
export interface ScriptStarter {
  /** The system's word for the time since it was started; see `ScriptClaim`. */
  readonly bootId: string
  /** Of this process. */
  readonly identity: ProcessIdentity
  /** @throws when there can be no more processes or files, or the folder of the script is gone */
  hold(job: KeeperJob): Promise<HeldScript>
  /** Makes ready for scripts that may come. Never fails. */
  prepare(): void
  /** There will be no more scripts. */
  close(): Promise<void>
}
