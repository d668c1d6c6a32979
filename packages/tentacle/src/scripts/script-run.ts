import {
  maximumMutexTimeoutMs,
  type ProcessOutput,
  type ProcessState,
  type ScriptIsolationLevel,
  scriptExitCodes,
} from '@tentacle/contracts'
import { toError } from '../errors.ts'
import { describeShell } from '../shells/script-shells.ts'
import { deleteWorkspace, type ScriptWorkspace } from '../workspaces/script-workspace.ts'
import type { StartCommand } from '../workspaces/start-command.ts'
import { noteCancel } from './cancel-note.ts'
import { followWithStart } from './follow-start.ts'
import type { Lease } from './isolation-locks.ts'
import { queuedEntries } from './isolation-messages.ts'
import { ScriptExecution } from './script-execution.ts'
import type { ScriptObserver } from './script-observer.ts'
import type { ScriptParts } from './script-parts.ts'
import { ScriptRecord, type ScriptRecordOptions } from './script-record.ts'
import { cancelledBefore, debug, ended, neverStarted, type ScriptResult } from './script-result.ts'
import { holderOf, waitForTurn } from './wait-for-turn.ts'

/** What callers are told of a script. */
export interface ScriptStatus {
  readonly state: ProcessState
  /** 0 until the state is `Complete`. */
  readonly exitCode: number
  readonly logs: readonly ProcessOutput[]
  readonly nextLogSequence: number
}

export interface ScriptRunOptions extends ScriptRecordOptions {
  readonly parts: ScriptParts
  readonly command: StartCommand
  /** Under the agent before this one; see `cancel-note.ts`. Default false. */
  readonly isCancelRequested?: boolean
}

/** How a run begins. */
export type Beginning =
  /** With its mutex: new, or found waiting. */
  | { readonly t: 'queue' }
  /** In the middle: an agent before this one started it. */
  | { readonly t: 'adopt' }

/**
 * The life of one script: it waits for its mutex, runs, and is complete. Whatever it has reached is in its workspace,
 * so a restarted agent goes on from there.
 */
export class ScriptRun {
  readonly #parts: ScriptParts
  readonly #command: StartCommand
  readonly #record: ScriptRecord
  readonly workspace: ScriptWorkspace
  #observer: ScriptObserver | undefined
  #execution: ScriptExecution | undefined
  #isCancelRequested: boolean
  #isDetached = false
  #isForgotten = false
  readonly #stopWaiting = new AbortController()
  readonly #completed = Promise.withResolvers<void>()
  #life: Promise<void> = Promise.resolve()

  constructor(options: ScriptRunOptions) {
    this.#parts = options.parts
    this.workspace = options.workspace
    this.#command = options.command
    this.#record = new ScriptRecord(options)
    this.#isCancelRequested = options.isCancelRequested ?? false
    if (this.isComplete) this.#completed.resolve()
  }

  get isComplete(): boolean {
    return this.#record.state.state === 'Complete'
  }

  get state(): ProcessState {
    return this.#record.state.state
  }

  get isolation(): ScriptIsolationLevel {
    return this.#command.isolation
  }

  /** Lets the script live. Its place in the queue is taken at once. Its failures are its own: nothing is thrown here. */
  begin(beginning: Beginning, observer?: ScriptObserver): void {
    this.#observer = observer
    const lease = beginning.t === 'adopt' ? this.#adoptLock() : undefined
    this.#life = this.#live(beginning, lease)
      .catch(error => this.#fail(error))
      .finally(() => lease?.release())
  }

  /** When it is complete, and its mutex is free; or when this agent has let go of it. */
  get over(): Promise<void> {
    return this.#life
  }

  /** Resolves when the script is complete, the time is over, or the caller is gone. */
  async waitForEnd(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (this.isComplete || timeoutMs <= 0 || signal?.aborted) return
    const over = Promise.withResolvers<void>()
    const timer = setTimeout(over.resolve, Math.min(timeoutMs, maximumMutexTimeoutMs))
    const giveUp = () => over.resolve()
    signal?.addEventListener('abort', giveUp)
    await Promise.race([this.#completed.promise, over.promise])
    signal?.removeEventListener('abort', giveUp)
    clearTimeout(timer)
  }

  /**
   * @param after how many entries the caller has
   * @param limits a log that is longer is answered in pieces. Callers never ask again once they have seen `Complete`, so
   *   the script counts as running until they have the last piece.
   */
  async status(after: number, limits = this.#parts.pageLimits): Promise<ScriptStatus> {
    this.#execution?.pump()
    const { state, exitCode } = this.#record.state // before the log: a log read later has all lines of this state
    const page = await this.#record.log.read(Math.max(0, after), limits)
    const isOver = state === 'Complete' && page.isEnd
    return {
      state: state === 'Complete' && !page.isEnd ? 'Running' : state,
      exitCode: isOver ? (exitCode ?? 0) : 0,
      logs: page.entries,
      nextLogSequence: page.next,
    }
  }

  /** Ends the script, or its waiting. Does not wait for that; any number of times. */
  async cancel(): Promise<void> {
    if (this.isComplete) return
    if (!this.#isCancelRequested) {
      this.#isCancelRequested = true
      await noteCancel(this.workspace).catch(error =>
        this.#parts.log.warn(`The cancelling of ${this.#command.ticket} could not be noted`, error),
      )
    }
    this.#stopWaiting.abort()
    this.#execution?.end()
  }

  /** Deletes the workspace. A script that waits is cancelled; one that runs keeps running, and keeps its mutex. */
  async forget(): Promise<void> {
    this.#isForgotten = true
    if (this.#execution === undefined && !this.isComplete) {
      this.#isCancelRequested = true
      this.#stopWaiting.abort()
    }
    if (this.#execution === undefined || this.isComplete) await this.#life
    this.#parts.flush.forget(this.workspace)
    await deleteWorkspace(this.workspace)
  }

  /** Lets go of the script, because the agent stops: it goes on, and the next agent finds it. */
  async detach(): Promise<void> {
    this.#isDetached = true
    this.#stopWaiting.abort()
    this.#execution?.detach()
    await this.#life
  }

  async #live(beginning: Beginning, adopted: Lease | undefined): Promise<void> {
    const { stage, exitCode } = this.#record.log.progress
    if (stage === 'ended')
      return this.#end({ exitCode, isKnown: exitCode !== scriptExitCodes.unknownResult, entries: [] })
    if (beginning.t === 'adopt') {
      this.#becomeRunning()
      const execution = ScriptExecution.adopt(this.#context)
      this.#observer?.adopted()
      return this.#follow(execution, adopted, true)
    }
    const lease = await this.#takeLock()
    if (lease === undefined) return
    try {
      await this.#launch(lease)
    } finally {
      lease.release()
    }
  }

  get #context() {
    return { parts: this.#parts, workspace: this.workspace, log: this.#record.log }
  }

  /** Waits for the mutex. Undefined when the script will not run: that is settled then. */
  async #takeLock(): Promise<Lease | undefined> {
    if (this.#record.log.progress.stage === 'new') {
      this.#record.append(queuedEntries(this.#command), { stage: 'queued' })
    }
    if (this.#isCancelRequested) this.#stopWaiting.abort()
    const turn = await waitForTurn({
      parts: this.#parts,
      command: this.#command,
      signal: this.#stopWaiting.signal,
      tell: entries => this.#record.tell(entries),
    })
    if (turn.t === 'held') return turn.lease
    if (this.#isDetached) this.#record.close()
    else this.#end(turn.result)
    return undefined
  }

  async #launch(lease: Lease): Promise<void> {
    if (this.#isDetached) return this.#record.close()
    if (this.#isCancelRequested) return this.#end(cancelledBefore(this.#command, []))
    this.#becomeRunning()
    let execution: ScriptExecution
    try {
      execution = await ScriptExecution.launch(this.#context, this.#command)
    } catch (error) {
      return this.#end(neverStarted(toError(error).message))
    }
    this.#observer?.started()
    await this.#follow(execution, lease, false)
  }

  /** Notes that the script runs, in its state and in its log, where it has not been noted yet. */
  #becomeRunning(): void {
    const { clock, user } = this.#parts
    this.#record.save({ state: 'Running', started: this.#record.state.started ?? clock.now() })
    this.#parts.flush.request(this.workspace)
    if (this.#record.log.progress.stage === 'started') return
    const { name, folder } = describeShell(this.#command.shell)
    const lines = [
      `The folder of the shell is ${folder}`,
      `The shell is ${name}`,
      `Starting ${name} in ${this.workspace.folder} as ${user}; what it prints is read as UTF-8`,
    ]
    this.#record.tell(lines.map(debug), { stage: 'started' })
  }

  async #follow(execution: ScriptExecution, lease: Lease | undefined, isAdopted: boolean): Promise<void> {
    this.#execution = execution
    if (this.#isDetached) execution.detach()
    if (this.#isCancelRequested) execution.end(isAdopted)
    const started = this.#record.state.started ?? this.#parts.clock.now()
    const over = await followWithStart(execution, this.#context, this.#command, started, () =>
      lease?.release(),
    )
    if (over.t === 'never-up') return this.#end(over.result)
    if (over.t === 'detached') return this.#record.close()
    const { end, wasKilled } = over
    if (end.t === 'failed') return this.#end(neverStarted(end.reason))
    if (end.t === 'unclaimed') return this.#end(neverStarted('the keeper of scripts ended before it'))
    const found = end.t === 'exited' ? end.exitCode : scriptExitCodes.unknownResult
    // An agent before this one may have ended the script and not lived to tell.
    const wasCancelled = wasKilled || (this.#isCancelRequested && (isAdopted || end.t !== 'exited'))
    const exitCode = wasCancelled ? scriptExitCodes.cancelled : found
    const { name } = describeShell(this.#command.shell)
    this.#end(ended(exitCode, `${name} in ${this.workspace.folder}`, wasCancelled))
  }

  /** Makes the script complete. The result is certain with the log's commit; the state file follows. */
  #end({ exitCode, isKnown, entries }: ScriptResult): void {
    if (this.#record.log.progress.stage !== 'ended' && !this.#isForgotten) {
      this.#record.append(entries, { stage: 'ended', exitCode })
    }
    this.#complete(exitCode, isKnown)
  }

  #complete(exitCode: number, ranToCompletion: boolean): void {
    const completed = this.#parts.clock.now()
    // The folder of one that was forgotten may be that of another script by now.
    this.#record.save({ state: 'Complete', completed, exitCode, ranToCompletion }, !this.#isForgotten)
    if (!this.#isForgotten) this.#parts.flush.request(this.workspace)
    this.#record.close()
    this.#completed.resolve()
    const { started } = this.#record.state
    const ranMs = started === null ? undefined : completed.getTime() - started.getTime()
    this.#observer?.finished({ exitCode, ranMs })
  }

  /** Something failed that has nothing to do with the script: its folder is gone, the disk is full. */
  #fail(error: unknown): void {
    const { ticket } = this.#command
    if (!this.#isForgotten) this.#parts.log.error(`The script ${ticket} cannot be followed any more`, error)
    this.#complete(scriptExitCodes.fatal, false)
  }

  #adoptLock(): Lease {
    return this.#parts.locks.adopt(
      this.#command.mutexName,
      holderOf(this.#command),
      this.#record.state.started ?? undefined,
    )
  }
}
