import { readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as letOthersGo } from 'node:timers/promises'
import { parseStat } from '../processes/process-table.posix.ts'
import type { ProcessIdentity } from '../processes/script-claim.ts'
import type { KeeperJob } from './keeper-protocol.ts'
import { PipeMaker } from './pipes.posix.ts'
import type { HeldScript, ScriptStarter } from './script-starter.ts'
import { jobText, startWaitingShell, type WaitingShell } from './waiting-shell.posix.ts'

/** In the run folder, and of no interest afterwards. */
const jobFile = 'job'

/**
 * When the shells that wait are made up for. Starting a process holds up everything for some milliseconds, about as long as
 * a short script takes, so that comes when it is over; not every script is short, though.
 */
const refillMs = { afterEnd: 5, whileItRuns: 50, whenNoneWaits: 5, afterAnother: 1 } as const

export interface PosixStarterOptions {
  /** For named pipes. Deleted at the end. */
  readonly folder: string
  /** How many shells wait for the next script. */
  readonly waitingShells: number
  /** What scripts get instead of the keeper's own; see `spareThisProcess`. Undefined: the same. */
  readonly oomScore: number | undefined
}

/** Shells wait in advance for the next scripts and become them. */
export class PosixStarter implements ScriptStarter {
  readonly bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  readonly identity = identityOf(process.pid)
  readonly #options: PosixStarterOptions
  readonly #pipes: PipeMaker
  readonly #waiting: WaitingShell[] = []
  #starting = Promise.resolve()
  #filling = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #isClosing = false

  constructor(options: PosixStarterOptions) {
    this.#options = options
    this.#pipes = new PipeMaker(options.folder)
    this.#fillIn(0)
  }

  async hold({ runFolder, workspace, argv }: KeeperJob): Promise<HeldScript> {
    const shell = await this.#next()
    void shell.ended.then(() => this.#fillIn(refillMs.afterEnd))
    const path = join(runFolder, jobFile)
    try {
      writeFileSync(path, jobText(workspace, argv), { mode: 0o600 })
    } catch (error) {
      this.#waiting.unshift(shell)
      throw error
    }
    return {
      identity: identityOf(shell.pid),
      stdout: shell.stdout,
      stderr: shell.stderr,
      ended: shell.ended,
      go: () => shell.go(path),
      release: () => void this.#waiting.unshift(shell),
      dismiss: () => shell.dismiss(),
    }
  }

  prepare(): void {
    this.#fillIn(this.#waiting.length === 0 ? refillMs.whenNoneWaits : refillMs.whileItRuns)
  }

  async close(): Promise<void> {
    this.#isClosing = true
    clearTimeout(this.#timer)
    await this.#filling
    for (const shell of this.#waiting.splice(0)) shell.dismiss()
    await rm(this.#options.folder, { recursive: true, force: true })
  }

  async #next(): Promise<WaitingShell> {
    for (let shell = this.#waiting.shift(); shell !== undefined; shell = this.#waiting.shift()) {
      if (shell.isUsable) return shell
      shell.dismiss()
    }
    return this.#start()
  }

  /** One after another, and each is let go before the next one holds everything up: of many scripts the first ones run. */
  #start(): Promise<WaitingShell> {
    const shell = this.#starting.then(() => startWaitingShell(this.#pipes, this.#options.oomScore))
    this.#starting = shell.then(
      () => letOthersGo(),
      () => {},
    )
    return shell
  }

  /** Instead of what was planned before: whoever starts script after script is not held up in between. */
  #fillIn(delayMs: number): void {
    clearTimeout(this.#timer)
    if (this.#isClosing) return
    this.#timer = setTimeout(() => {
      // Without processes to spare, the next job will meet the error and report it.
      this.#filling = this.#filling.then(() => this.#fill()).catch(() => {})
    }, delayMs)
  }

  /** Starts one shell, if one is missing, and others a moment later. */
  async #fill(): Promise<void> {
    const { waitingShells } = this.#options
    if (this.#isClosing || this.#waiting.length >= waitingShells) return
    const shell = await this.#start()
    if (this.#isClosing) return shell.dismiss()
    this.#waiting.push(shell)
    if (this.#waiting.length < waitingShells) this.#fillIn(refillMs.afterAnother)
  }
}

function identityOf(pid: number): ProcessIdentity {
  const info = parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  return { pid, startTime: info?.startTime ?? '0' }
}
