import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseResult, runFiles, type ScriptResult } from '../keeper/keeper-protocol.ts'
import { type EndOptions, type EndReport, endScript } from './end-script.ts'
import type { GivenJob } from './keeper-client.ts'
import type { ProcessTable } from './process-table.ts'
import { type ClaimState, isAlive, parseClaim, readClaim, type ScriptClaim } from './script-claim.ts'

/** How long a keeper may take to begin. */
const claimPatienceMs = 10_000

/**
 * How often the processes are looked at. A keeper of ours tells the result, so that is for the case that it cannot;
 * with hundreds of scripts, looking often would keep the machine busy.
 */
const lookEveryMs = 250
const lookAtKeptEveryMs = 2000

/** What is known of a script's end. */
export type ScriptEnd =
  | ScriptResult
  /** Its keeper is gone and so is the script: nobody knows how it ended. */
  | { readonly t: 'lost' }
  /** No keeper has begun it, and none will. */
  | { readonly t: 'unclaimed' }
  /** Its processes were ended, but others that left its family still hold its output. */
  | { readonly t: 'abandoned' }

/**
 * A script that was given to a keeper, by this agent or by one before it: that makes no difference, all that is known
 * of it is in its run folder.
 */
export class ScriptProcess {
  readonly #table: ProcessTable
  readonly #runFolder: string
  /** What the keeper tells us, if it was us who gave it the script. */
  readonly #job: () => GivenJob | undefined
  #claim: ClaimState = 'none'
  #end: ScriptEnd | undefined
  #nextLookAt = performance.now() + lookEveryMs

  constructor(table: ProcessTable, runFolder: string, job: () => GivenJob | undefined) {
    this.#table = table
    this.#runFolder = runFolder
    this.#job = job
  }

  /** How the script ended; undefined while it runs, or somebody holds its output. */
  async end(): Promise<ScriptEnd | undefined> {
    const found = this.#end ?? (await this.#findEnd())
    this.#end ??= found // kill() may have decided meanwhile
    return this.#end
  }

  /**
   * Ends all processes of the script, and waits until they are gone.
   *
   * @param evenIfOver also what is left of a script whose end was noted: the agent before this one was ending it
   */
  async kill(options: Omit<EndOptions, 'isOver'>, evenIfOver: boolean): Promise<EndReport> {
    const claim = await this.#awaitClaim()
    if (typeof claim === 'string') return { hasKilled: false, isGone: true }
    let isFirst = evenIfOver
    const isOver = async () => {
      const over = !isFirst && (await this.end()) !== undefined
      isFirst = false
      return over
    }
    const report = await endScript(this.#table, claim, { ...options, isOver })
    if (report.isGone) this.#end ??= { t: 'abandoned' }
    return report
  }

  async #findEnd(): Promise<ScriptEnd | undefined> {
    const job = this.#job()
    const told = job?.result()
    if (told !== undefined) return told
    // A keeper of ours tells what there is to tell; else the files do.
    if (job?.isKept() === true && performance.now() < this.#nextLookAt) return undefined
    const result = await this.#readResult()
    if (result !== undefined) return result
    if (performance.now() < this.#nextLookAt) return undefined
    this.#nextLookAt = performance.now() + (job?.isKept() === true ? lookAtKeptEveryMs : lookEveryMs)
    // In this order: a keeper that is gone has done all that it will ever do.
    const mayBegin = this.#job()?.isKept() === true
    const claim = await this.#noticeClaim()
    if (claim === 'none') return mayBegin && (await this.#isFolderThere()) ? undefined : { t: 'unclaimed' }
    if (typeof claim === 'string') return { t: 'lost' }
    if (await this.#isRunning(claim)) return undefined
    return (await this.#readResult()) ?? { t: 'lost' }
  }

  async #isRunning({ bootId, keeper, script }: ScriptClaim): Promise<boolean> {
    return (await isAlive(this.#table, bootId, keeper)) || isAlive(this.#table, bootId, script)
  }

  /** Reads the claim, unless it is known: later the script may have deleted it. */
  async #noticeClaim(): Promise<ClaimState> {
    if (this.#claim !== 'none') return this.#claim
    const told = this.#job()?.claim()
    const claim = (told && parseClaim(told)) || (await readClaim(this.#runFolder))
    if (claim !== 'none') this.#claim = claim
    return this.#claim
  }

  async #awaitClaim(): Promise<ClaimState> {
    for (const deadline = performance.now() + claimPatienceMs; ; await delay(2)) {
      const mayBegin = this.#job()?.isKept() === true
      const claim = await this.#noticeClaim()
      if (claim !== 'none' || !mayBegin || performance.now() > deadline) return claim
    }
  }

  /** Without it no keeper can begin. */
  #isFolderThere(): Promise<boolean> {
    return access(this.#runFolder).then(
      () => true,
      () => false,
    )
  }

  async #readResult(): Promise<ScriptResult | undefined> {
    const told = this.#job()?.claim()
    const there = told && (await readFile(join(this.#runFolder, runFiles.claim), 'latin1').catch(() => told))
    // This one was completed, and another one was started under its ticket, in a folder of the same name.
    if (there !== told) return undefined
    const text = await readFile(join(this.#runFolder, runFiles.result), 'utf8').catch(() => undefined)
    return text === undefined ? undefined : parseResult(text)
  }
}
