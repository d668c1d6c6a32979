import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { TentacleError, toError } from '../errors.ts'
import {
  compileCacheName,
  type KeeperJob,
  type KeeperReport,
  keeperFolder,
  keeperTitle,
  parseReport,
  type ScriptResult,
} from '../keeper/keeper-protocol.ts'
import { partCommand } from '../program-files.ts'
import type { ProcessTable } from './process-table.ts'

export interface KeeperClientOptions {
  /** Where keepers have their own files. */
  readonly folder: string
  /** The whole environment of scripts. */
  readonly environment: Readonly<Record<string, string>>
  /** How many shells wait for the next script. */
  readonly waitingShells: number
  /** How long a keeper that has nothing to do is kept. */
  readonly idleMs: number
  /** The program and its first arguments. Default: this Node with the agent's own keeper. */
  readonly command?: readonly string[]
}

/** A job that a keeper has been given. */
export interface GivenJob {
  /** Whether the keeper is still there. */
  isKept(): boolean
  /** What it has told of the job so far. */
  claim(): string | undefined
  result(): ScriptResult | undefined
  /** Says that the job is over, so that the keeper may end some time later. */
  done(): void
}

/** What is started when nothing else is given: a small heap is plenty, output only passes through. */
const defaultCommand = () => partCommand('keeper', ['--max-old-space-size=64', '--max-semi-space-size=1'])

/** All that was told of a job together. */
interface ToldOf extends KeeperReport {
  readonly runFolder: string
}

interface Keeper {
  readonly process: ChildProcess
  readonly jobs: Writable
}

/**
 * The agent's side of its keeper. One is started with the first script and again whenever it is needed and gone; an
 * agent that has no scripts for a while has none. When the agent ends, however, the keeper notices and ends after its
 * last script.
 */
export class KeeperClient {
  readonly #options: KeeperClientOptions
  readonly #onNews: (runFolder?: string) => void
  /** What was told of jobs, by their ids. */
  readonly #told = new Map<string, ToldOf>()
  #keeper: Promise<Keeper> | undefined
  #jobs = 0
  #lastId = 0
  #idle: NodeJS.Timeout | undefined

  /** @param onNews called when a keeper has told something of a script, or has ended, which may concern any of them */
  constructor(options: KeeperClientOptions, onNews: (runFolder?: string) => void) {
    this.#options = options
    this.#onNews = onNews
  }

  /** Starts the keeper, if there is none, because scripts are likely to come. */
  warmUp(): void {
    if (this.#jobs === 0) this.#endWhenIdle()
    this.#open().catch(() => {}) // whoever needs it will be told
  }

  /** @throws TentacleError `ERR_SHELL` when no keeper can be started */
  async give(job: Omit<KeeperJob, 'id'>): Promise<GivenJob> {
    const id = String(++this.#lastId)
    this.#jobs++
    clearTimeout(this.#idle)
    try {
      const { process: child, jobs } = await this.#open()
      this.#told.set(id, { id, runFolder: job.runFolder })
      jobs.write(`${JSON.stringify({ id, ...job } satisfies KeeperJob)}\n`)
      let isDone = false
      return {
        isKept: () => isRunning(child),
        claim: () => this.#told.get(id)?.claim,
        result: () => this.#told.get(id)?.result,
        done: () => {
          if (!isDone) this.#release()
          isDone = true
          this.#told.delete(id)
        },
      }
    } catch (error) {
      this.#release()
      throw error
    }
  }

  /** Lets the keeper end after its last script. */
  async close(): Promise<void> {
    clearTimeout(this.#idle)
    const keeper = await this.#keeper?.catch(() => undefined)
    keeper?.jobs.end()
  }

  #release(): void {
    this.#jobs--
    if (this.#jobs === 0) this.#endWhenIdle()
  }

  #endWhenIdle(): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => {
      const idle = this.#keeper
      this.#keeper = undefined
      void idle?.then(
        keeper => keeper.jobs.end(),
        () => {},
      )
    }, this.#options.idleMs).unref()
  }

  async #open(): Promise<Keeper> {
    this.#keeper ??= this.#start()
    const opening = this.#keeper
    try {
      const keeper = await opening
      if (isRunning(keeper.process) && keeper.jobs.writable) return keeper
    } catch (error) {
      if (this.#keeper === opening) this.#keeper = undefined
      throw error
    }
    if (this.#keeper === opening) this.#keeper = undefined
    return this.#open()
  }

  #hear(line: string): void {
    const report = parseReport(line)
    const known = report && this.#told.get(report.id)
    if (report === undefined || known === undefined) return
    this.#told.set(report.id, { ...known, ...report })
    this.#onNews(known.runFolder)
  }

  async #start(): Promise<Keeper> {
    const { environment, waitingShells, command = defaultCommand() } = this.#options
    // Compiled sources are kept: without them, taking the types away costs the keeper a third of its memory.
    const cache = environment.NODE_COMPILE_CACHE ?? join(this.#options.folder, compileCacheName)
    const { folder } = this.#options
    const [program = '', ...first] = command
    try {
      const child = spawn(program, [...first, folder, String(waitingShells)], {
        detached: true,
        windowsHide: true,
        env: { ...environment, NODE_COMPILE_CACHE: cache },
        stdio: ['pipe', 'pipe', 'ignore'],
      })
      child.once('exit', () => {
        void rm(keeperFolder(folder, child.pid ?? 0), { recursive: true, force: true }).catch(() => {})
        this.#onNews()
      })
      await once(child, 'spawn')
      child.on('error', () => {}) // nothing is asked of it that could fail
      child.unref()
      const jobs: Writable = child.stdin
      jobs.on('error', () => {}) // it has ended
      for (const stream of [child.stdin, child.stdout]) {
        if ('unref' in stream && typeof stream.unref === 'function') stream.unref()
      }
      createInterface({ input: child.stdout }).on('line', line => this.#hear(line))
      return { process: child, jobs }
    } catch (error) {
      throw new TentacleError(
        'ERR_SHELL',
        `The keeper of scripts cannot be started: ${toError(error).message}`,
        {
          details: { program },
          cause: error,
        },
      )
    }
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

/** Deletes what keepers have left behind that were killed. Those of an earlier agent that still run are left alone. */
export async function deleteDeadKeepers(folder: string, table: ProcessTable): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (name === compileCacheName) continue
    const owner = await table.find(Number(name))
    if (owner?.name !== keeperTitle) await rm(join(folder, name), { recursive: true, force: true })
  }
}
