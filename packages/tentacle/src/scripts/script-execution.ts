import { type FSWatcher, watch } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay, setImmediate as letOthersGo } from 'node:timers/promises'
import { runFiles } from '../keeper/keeper-protocol.ts'
import { requireFittingArguments } from '../processes/command-line.ts'
import type { GivenJob } from '../processes/keeper-client.ts'
import { prepareRunFolder } from '../processes/prepare-run-folder.ts'
import type { ProcessInfo } from '../processes/process-table.ts'
import { type ScriptEnd, ScriptProcess } from '../processes/script-process.ts'
import type { OutputLog } from '../script-log/output-log.ts'
import { OutputPump } from '../script-log/output-pump.ts'
import { shellArguments } from '../shells/script-shell.ts'
import { startSignOf } from '../shells/start-watch.ts'
import type { ScriptWorkspace } from '../workspaces/script-workspace.ts'
import type { StartCommand } from '../workspaces/start-command.ts'
import { Bell } from './bell.ts'
import type { ScriptParts } from './script-parts.ts'

/** Pause before a log that could not be written is tried again, and how long that goes on after the script's end. */
const storeRetryMs = 500
const storePatienceMs = 30_000

/** How often is looked for news that were not announced; and where the system announces nothing. */
const pollMs = 250
const blindPollMs = 20

export interface ExecutionContext {
  readonly parts: ScriptParts
  readonly workspace: ScriptWorkspace
  readonly log: OutputLog
}

/** How an execution ended. */
export type ExecutionEnd =
  /** The agent stops. The script goes on. */
  { readonly t: 'detached' } | { readonly t: 'over'; readonly end: ScriptEnd; readonly wasKilled: boolean }

/** A script that runs: its processes, and the way of its output into its log. */
export class ScriptExecution {
  readonly #context: ExecutionContext
  readonly #bell = new Bell()
  readonly #process: ScriptProcess
  readonly #pump: OutputPump
  readonly #watcher: FSWatcher | undefined
  #job: GivenJob | undefined
  #killing: Promise<void> | undefined
  /** Whether processes may be left that are to be ended. */
  #isEnding = false
  #wasKilled = false
  readonly #detaching = new AbortController()
  #isClosed = false

  private constructor(context: ExecutionContext, pump: OutputPump) {
    const { parts, workspace } = context
    this.#context = context
    this.#pump = pump
    this.#watcher = watchFolder(workspace.run, this.#bell)
    this.#process = new ScriptProcess(parts.table, workspace.run, () => this.#job)
    parts.bells.set(workspace.run, this.#bell)
  }

  /**
   * Gives the script to the keeper, unless one has begun it under an earlier agent.
   *
   * @throws TentacleError `ERR_SHELL`
   */
  static async launch(
    context: ExecutionContext,
    { shell, arguments: argumentTexts }: Pick<StartCommand, 'shell' | 'arguments'>,
  ): Promise<ScriptExecution> {
    const { parts, workspace } = context
    const program = await parts.shells.locate(shell)
    const { startedFile } = startSignOf(workspace, false)
    const call = { workspace: workspace.folder, startedFile, argumentTexts }
    const argv = [program, ...shellArguments(shell, call, parts.shells.platform)]
    if (parts.shells.platform === 'linux') requireFittingArguments(argv)
    const claim = await prepareRunFolder(workspace.run)
    const execution = ScriptExecution.adopt(context)
    if (claim !== 'none') return execution
    try {
      execution.#job = await parts.keeper.give({
        runFolder: workspace.run,
        workspace: workspace.folder,
        argv,
      })
      return execution
    } catch (error) {
      execution.#close()
      throw error
    }
  }

  /** Goes on with a script that was begun under an earlier agent. */
  static adopt(context: ExecutionContext): ScriptExecution {
    const { log, parts, workspace } = context
    const [stdout, stderr] = [join(workspace.run, runFiles.stdout), join(workspace.run, runFiles.stderr)]
    const pump = new OutputPump({ log, stdout, stderr, mask: parts.mask, now: parts.clock.now })
    return new ScriptExecution(context, pump)
  }

  /** Moves a piece of the output that is there by now into the log. */
  pump(): void {
    try {
      if (!this.#isClosed) this.#pump.run()
    } catch {
      // follow() meets the same failure and reports it
    }
  }

  /** Follows the script until it is over and its output is in the log. */
  async follow(onProcessesGone: () => void): Promise<ExecutionEnd> {
    try {
      const end = await this.#untilOver()
      if (end === undefined) return { t: 'detached' }
      await this.#killing
      // It is over, but not all of its processes were ended: that is for the next agent.
      if (this.#isDetached && this.#isEnding) return { t: 'detached' }
      onProcessesGone()
      await this.#drain()
      return { t: 'over', end, wasKilled: this.#wasKilled }
    } finally {
      this.#close()
    }
  }

  /**
   * Ends the script's processes. Returns at once; {@link follow} tells when they are gone.
   *
   * @param evenIfOver see {@link ScriptProcess.kill}
   */
  end(evenIfOver = false): void {
    this.#killing ??= this.#kill(evenIfOver).finally(() => {
      this.#killing = undefined
      this.#bell.ring()
    })
  }

  /** Lets go of the script without ending it. */
  detach(): void {
    this.#detaching.abort()
    this.#bell.ring()
  }

  /** Lets go of a script that can do no harm any more: it is ended, but nobody waits for that. */
  abandon(): void {
    this.end()
    this.#close()
    this.#bell.ring()
  }

  get #isDetached(): boolean {
    return this.#detaching.signal.aborted
  }

  async #untilOver(): Promise<ScriptEnd | undefined> {
    for (;;) {
      // In this order: what was printed before the end is in the files when the end is seen.
      const end = await this.#process.end()
      if (end !== undefined) return end
      const moved = await this.#tryPump()
      if (this.#isDetached || this.#isClosed) return undefined
      if (moved) await letOthersGo()
      else await this.#bell.wait(this.#watcher === undefined ? blindPollMs : pollMs)
    }
  }

  async #kill(evenIfOver: boolean): Promise<void> {
    const { parts, workspace } = this.#context
    const { cancelGraceMs: graceMs } = parts
    const { signal } = this.#detaching
    const onSurvivors = (survivors: readonly ProcessInfo[]) => this.#name(survivors)
    this.#isEnding = true
    try {
      const { hasKilled, isGone } = await this.#process.kill({ graceMs, onSurvivors, signal }, evenIfOver)
      this.#wasKilled ||= hasKilled
      this.#isEnding = !isGone
    } catch (error) {
      this.#isEnding = false
      parts.log.warn(`The script in ${workspace.folder} could not be ended`, error)
    }
  }

  #name(survivors: readonly ProcessInfo[]): void {
    const { parts, log, workspace } = this.#context
    const names = survivors.map(({ pid, name }) => `${pid} (${name})`).join(', ')
    const text = `These processes of the script could not be ended: ${names}. The script counts as running, and keeps its mutex, until they are gone.`
    parts.log.warn(`${workspace.folder}: ${text}`)
    try {
      log.append([{ source: 'StdErr', text }], {}, parts.clock.now())
    } catch (error) {
      parts.log.warn(`The log of the script in ${workspace.folder} cannot be written`, error)
    }
  }

  async #tryPump(): Promise<boolean> {
    try {
      return !this.#isClosed && this.#pump.run()
    } catch (error) {
      const { parts, workspace } = this.#context
      parts.log.warn(`The log of the script in ${workspace.folder} cannot be written; trying again`, error)
      await delay(storeRetryMs, undefined, { ref: false })
      return false
    }
  }

  async #drain(): Promise<void> {
    for (const deadline = performance.now() + storePatienceMs; ; ) {
      try {
        return await this.#pump.drain()
      } catch (error) {
        if (performance.now() > deadline || this.#isDetached) throw error
        await delay(storeRetryMs, undefined, { ref: false })
      }
    }
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const { parts, workspace } = this.#context
    if (parts.bells.get(workspace.run) === this.#bell) parts.bells.delete(workspace.run)
    this.#job?.done()
    this.#watcher?.close()
    this.#pump.close()
  }
}

/** Rings when something in the folder changes. Undefined where the system cannot tell, because its watches are used up. */
function watchFolder(folder: string, bell: Bell): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, () => bell.ring())
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}
