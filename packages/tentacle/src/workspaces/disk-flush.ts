import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { stateFileName } from './script-state.ts'
import type { ScriptWorkspace } from './script-workspace.ts'

/** Brings one file or folder to the disk. */
export type Sync = (path: string) => Promise<void>

/** Scripts that are completed sooner never reach the disk, and cost it nothing. */
const defaultDelayMs = 1000

/** A busy disk may take minutes for a sync; an agent that stops does not wait for that. */
const closePatienceMs = 2000

/**
 * Brings what must survive a power cut to the disk: that a script was started, its log, and its result
 * (docs/wire/tentacle-scripts.md, "When something ends that should not"). Nobody waits for it: that would take longer than
 * a short script. It is done a moment later, for one workspace at a time, since every sync keeps a thread and the disk busy.
 */
export class DiskFlush {
  readonly #sync: Sync
  readonly #delayMs: number
  /** With the time when it is due, the earliest first. */
  readonly #waiting = new Map<ScriptWorkspace, number>()
  #work: Promise<void> | undefined
  readonly #stopping = new AbortController()

  constructor({ sync = syncPath, delayMs = defaultDelayMs }: { sync?: Sync; delayMs?: number } = {}) {
    this.#sync = sync
    this.#delayMs = delayMs
  }

  /** Asks for what a workspace holds by then. Asked again before its turn, it is done once. */
  request(workspace: ScriptWorkspace): void {
    if (!this.#waiting.has(workspace)) this.#waiting.set(workspace, performance.now() + this.#delayMs)
    this.#work ??= Promise.resolve().then(() => this.#run())
  }

  /** The workspace is about to be deleted. */
  forget(workspace: ScriptWorkspace): void {
    this.#waiting.delete(workspace)
  }

  /** Does at once what is left, as far as it can be done within 2 s. */
  async close(): Promise<void> {
    this.#stopping.abort()
    const isDone = new AbortController()
    const tooLate = delay(closePatienceMs, undefined, { signal: isDone.signal }).catch(() => {})
    await Promise.race([this.#work, tooLate])
    isDone.abort()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    for (let next = firstOf(this.#waiting); next !== undefined; next = firstOf(this.#waiting)) {
      const [workspace, due] = next
      const pauseMs = due - performance.now()
      if (pauseMs > 0 && !signal.aborted) {
        await delay(pauseMs, undefined, { ref: false, signal }).catch(() => {})
        continue // it may have been forgotten
      }
      this.#waiting.delete(workspace)
      for (const path of pathsOf(workspace)) {
        // A file or folder may be gone: it was completed, or the script has deleted it.
        await this.#sync(path).catch(() => {})
      }
    }
    this.#work = undefined
  }
}

function firstOf<K, V>(map: ReadonlyMap<K, V>): readonly [K, V] | undefined {
  return map.entries().next().value
}

/** Files before the folders that name them. */
function pathsOf({ folder, control, log, bodies }: ScriptWorkspace): readonly string[] {
  const own = ['start.json', 'progress'].map(name => join(control, name))
  return [log, ...own, join(folder, stateFileName), ...bodies, control, folder, dirname(folder)]
}

/** Windows brings to the disk only what may be written, and folders not at all. */
const openFlags = process.platform === 'win32' ? 'r+' : 'r'

async function syncPath(path: string): Promise<void> {
  const file = await open(path, openFlags)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
