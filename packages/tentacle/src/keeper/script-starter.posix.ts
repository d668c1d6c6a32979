import { readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseStat } from '../processes/process-table.posix.ts'
import type { ProcessIdentity } from '../processes/script-claim.ts'
import type { KeeperJob } from './keeper-protocol.ts'
import { PipeMaker } from './pipes.posix.ts'
import type { HeldScript, ScriptStarter } from './script-starter.ts'
import { jobText, startWaitingShell, type WaitingShell } from './waiting-shell.posix.ts'

/** In the run folder, and of no interest afterwards. */
const jobFile = 'job'

/** Starting a process holds up everything for some milliseconds: the script that was just let go comes first. */
const refillDelayMs = 5

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
  #filling = Promise.resolve()
  #isClosing = false

  constructor(options: PosixStarterOptions) {
    this.#options = options
    this.#pipes = new PipeMaker(options.folder)
    this.#fillSoon(0)
  }

  async hold({ runFolder, workspace, argv }: KeeperJob): Promise<HeldScript> {
    const shell = await this.#next()
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
    this.#fillSoon(refillDelayMs)
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await this.#filling
    for (const shell of this.#waiting.splice(0)) shell.dismiss()
    await rm(this.#options.folder, { recursive: true, force: true })
  }

  async #next(): Promise<WaitingShell> {
    for (let shell = this.#waiting.shift(); shell !== undefined; shell = this.#waiting.shift()) {
      if (shell.isUsable) return shell
      shell.dismiss()
    }
    return startWaitingShell(this.#pipes, this.#options.oomScore)
  }

  #fillSoon(delayMs: number): void {
    setTimeout(() => {
      // Without processes to spare, the next job will meet the error and report it.
      this.#filling = this.#filling.then(() => this.#fill()).catch(() => {})
    }, delayMs)
  }

  async #fill(): Promise<void> {
    const { waitingShells, oomScore } = this.#options
    while (!this.#isClosing && this.#waiting.length < waitingShells)
      this.#waiting.push(await startWaitingShell(this.#pipes, oomScore))
    if (this.#isClosing) for (const shell of this.#waiting.splice(0)) shell.dismiss()
  }
}

function identityOf(pid: number): ProcessIdentity {
  const info = parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  return { pid, startTime: info?.startTime ?? '0' }
}
