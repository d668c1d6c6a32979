import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  defaultMutexName,
  isSafeTicket,
  type ScriptFile,
  type ScriptIsolationLevel,
} from '@tentacle/contracts'
import { TentacleError } from '../errors.ts'
import { OutputLog } from '../script-log/output-log.ts'
import { guardedBody, writePermit } from '../shells/startup-guard.ts'
import { type FreeSpace, neededForScript, requireSpace } from '../workspaces/disk-space.ts'
import { writeScriptFiles } from '../workspaces/script-files.ts'
import { type ScriptState, writeState } from '../workspaces/script-state.ts'
import { createWorkspace, workFolder, writeBody } from '../workspaces/script-workspace.ts'
import { type StartCommand, writeStartCommand } from '../workspaces/start-command.ts'
import { logPathsOf, recoverRuns } from './recover-runs.ts'
import type { ScriptObserver } from './script-observer.ts'
import type { ScriptParts } from './script-parts.ts'
import { ScriptRun } from './script-run.ts'

/** A script as its caller sends it, whatever the version of the service. */
export interface ScriptStart {
  readonly body: string
  readonly taskId: string
  readonly isolation: ScriptIsolationLevel
  /** Null or empty: the one that all share. */
  readonly mutexName: string | null
  readonly mutexTimeoutMs: number
  readonly files: readonly ScriptFile[]
  readonly arguments: readonly string[]
}

export interface ScriptEngineOptions {
  readonly home: string
  readonly parts: ScriptParts
  readonly freeSpace: FreeSpace
  /** Called when there is too little room for a script. */
  readonly freeUp: () => Promise<unknown>
  /** Hears what becomes of the scripts. Default: nobody does. */
  readonly observer?: ScriptObserver | undefined
}

/** How many scripts there are at one moment, by what they do and by their isolation. */
export interface ScriptCensus {
  readonly running: Readonly<Record<ScriptIsolationLevel, number>>
  /** For their mutex. */
  readonly waiting: Readonly<Record<ScriptIsolationLevel, number>>
}

/**
 * All scripts of one home, by ticket. One engine per home: it owns the folder `Work`.
 *
 * Only scripts that are known here are ever looked at, so a ticket that nobody started creates nothing.
 */
export class ScriptEngine {
  readonly #options: ScriptEngineOptions
  readonly #work: string
  /** By ticket in lower case: tickets are compared without regard to case. */
  readonly #runs = new Map<string, ScriptRun>()
  readonly #preparing = new Map<string, Promise<ScriptRun>>()
  /** Completed, and their folders are being deleted. */
  readonly #deleting = new Map<string, Promise<void>>()
  /** Completed while they still ran. */
  readonly #forgotten = new Set<ScriptRun>()
  #order = 0

  private constructor(options: ScriptEngineOptions) {
    this.#options = options
    this.#work = workFolder(options.home)
  }

  /** Opens the engine and takes up the scripts of the agent before this one. */
  static async open(options: ScriptEngineOptions): Promise<ScriptEngine> {
    const engine = new ScriptEngine(options)
    await mkdir(engine.#work, { recursive: true, mode: 0o700 })
    const runs = await recoverRuns(engine.#work, options.parts)
    for (const [ticket, { run }] of runs) engine.#runs.set(ticket.toLowerCase(), run)
    // Those that run have their mutexes before any that waits may take one.
    const all = [...runs.values()]
    const { observer } = options
    for (const { run, beginning } of all) if (beginning?.t === 'adopt') run.begin(beginning, observer)
    for (const { run, beginning } of all) if (beginning?.t === 'queue') run.begin(beginning, observer)
    return engine
  }

  /**
   * The script of a ticket, if there is one. One that is being prepared is waited for: its caller may have hung up, and what
   * is said of the script now must not be lost.
   */
  async find(ticket: string): Promise<ScriptRun | undefined> {
    const key = ticket.toLowerCase()
    await this.#preparing.get(key)?.catch(() => {}) // whoever starts it is told
    return this.#runs.get(key)
  }

  /** Whether a ticket is taken. */
  has(ticket: string): boolean {
    const key = ticket.toLowerCase()
    return this.#preparing.has(key) || this.#runs.has(key)
  }

  /** Whether anything is known of a ticket and it is not complete. */
  isActive(ticket: string): boolean {
    const key = ticket.toLowerCase()
    return this.#preparing.has(key) || this.#runs.get(key)?.isComplete === false
  }

  /** Counts the scripts that wait and run now, also those that were completed while they ran. */
  census(): ScriptCensus {
    const running = { NoIsolation: 0, FullIsolation: 0 }
    const waiting = { NoIsolation: 0, FullIsolation: 0 }
    for (const run of new Set([...this.#runs.values(), ...this.#forgotten])) {
      if (run.state === 'Running') running[run.isolation]++
      else if (run.state === 'Pending') waiting[run.isolation]++
    }
    return { running, waiting }
  }

  /**
   * Starts a script, or finds the one that was started under this ticket: a caller that got no answer asks again.
   *
   * @throws TentacleError `ERR_INVALID_NAME` for a ticket or file name that cannot be used, `ERR_DISK_SPACE`,
   *   `ERR_WORKSPACE`; nothing is left behind then
   */
  start(ticket: string, start: ScriptStart): Promise<ScriptRun> {
    if (!isSafeTicket(ticket)) {
      throw new TentacleError(
        'ERR_INVALID_NAME',
        `The ticket ${JSON.stringify(ticket)} cannot be used: letters, digits, '-', '_' and '.' are allowed, up to 150 of them.`,
      )
    }
    const key = ticket.toLowerCase()
    const known = this.#runs.get(key)
    if (known !== undefined) return Promise.resolve(known)
    const underWay = this.#preparing.get(key)
    if (underWay !== undefined) return underWay
    // A new script under the ticket of one that was completed just now gets a folder that nobody deletes.
    const isFree = this.#deleting.get(key) ?? Promise.resolve()
    const preparing = isFree
      .then(() => this.#prepare(ticket, start))
      .then(run => {
        this.#runs.set(key, run)
        run.begin({ t: 'queue' }, this.#options.observer)
        return run
      })
      .finally(() => this.#preparing.delete(key))
    this.#preparing.set(key, preparing)
    return preparing
  }

  /** Forgets a script and deletes its workspace. Unknown tickets are fine. */
  async complete(ticket: string): Promise<void> {
    const key = ticket.toLowerCase()
    const run = await this.find(ticket)
    if (run === undefined || this.#runs.get(key) !== run) return this.#deleting.get(key)
    this.#runs.delete(key)
    if (!run.isComplete) {
      this.#forgotten.add(run)
      void run.over.then(() => this.#forgotten.delete(run))
    }
    const deleting = this.#delete(run).finally(() => this.#deleting.delete(key))
    this.#deleting.set(key, deleting)
    await deleting
  }

  async #delete(run: ScriptRun): Promise<void> {
    try {
      await run.forget()
    } catch (error) {
      // The cleaner tries again later; the caller has nothing to do with it.
      this.#options.parts.log.warn(`The workspace ${run.workspace.folder} cannot be deleted`, error)
    }
  }

  /** Lets go of all scripts. Those that run go on. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#preparing.values())
    await Promise.all([...this.#runs.values(), ...this.#forgotten].map(run => run.detach()))
  }

  async #prepare(ticket: string, start: ScriptStart): Promise<ScriptRun> {
    const { home, parts, freeSpace, freeUp } = this.#options
    await requireSpace(home, neededForScript, freeSpace, freeUp)
    const created = parts.clock.now()
    const shell = parts.shells.choose(start.body)
    const guarded = shell.t === 'powershell' ? guardedBody(start.body) : undefined
    const command = { ...this.#queuedNow(ticket, start, created), shell, isGuarded: guarded !== undefined }
    const workspace = await createWorkspace(join(this.#work, ticket)).catch(error => {
      throw workspaceError(ticket, error)
    })
    let log: OutputLog | undefined
    try {
      log = OutputLog.create(logPathsOf(workspace))
      writeBody(workspace, shell, guarded ?? start.body)
      if (guarded !== undefined) writePermit(workspace.folder)
      writeStartCommand(workspace.control, command)
      await writeScriptFiles(workspace.folder, shell, start.files)
      const state = newState(created)
      // The last file: a workspace without it was never started, and is made anew when the caller asks again.
      writeState(workspace.folder, workspace.control, state)
      return new ScriptRun({ parts, workspace, command, log, state })
    } catch (error) {
      log?.close()
      await rm(workspace.folder, { recursive: true, force: true }).catch(() => {})
      throw workspaceError(ticket, error)
    }
  }

  #queuedNow(ticket: string, start: ScriptStart, created: Date): Omit<StartCommand, 'shell' | 'isGuarded'> {
    this.#order = Math.max(this.#order + 1, created.getTime() * 1000)
    return {
      ticket,
      taskId: start.taskId,
      isolation: start.isolation,
      mutexName: start.mutexName || defaultMutexName,
      mutexTimeoutMs: start.mutexTimeoutMs,
      arguments: start.arguments,
      queuedAt: created.getTime(),
      order: this.#order,
    }
  }
}

function newState(created: Date): ScriptState {
  return { created, started: null, completed: null, state: 'Pending', exitCode: null, ranToCompletion: null }
}

function workspaceError(ticket: string, cause: unknown): TentacleError {
  if (cause instanceof TentacleError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new TentacleError(
    'ERR_WORKSPACE',
    `The folder of the script ${ticket} cannot be prepared: ${reason}`,
    {
      details: { ticket },
      cause,
    },
  )
}
