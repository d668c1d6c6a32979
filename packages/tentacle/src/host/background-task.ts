import { toError } from '../errors.ts'
import type { Log } from '../logging/log.ts'

/** Work that is done again and again while the agent runs. */
export interface BackgroundTaskOptions {
  /** The name in the log, which scripts that watch the log know. */
  readonly name: string
  /** Pause in ms between the end of one run and the start of the next. The first run comes at once. */
  readonly everyMs: number
  readonly log: Log
  /** Does the work. What it throws is logged, and the task goes on. */
  readonly run: () => Promise<void>
}

export interface BackgroundTask {
  /** Waits for the run that is under way, and starts no more. */
  stop(): Promise<void>
  dispose(): void
}

export function startBackgroundTask({ name, everyMs, log, run }: BackgroundTaskOptions): BackgroundTask {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const runOnce = async (): Promise<void> => {
    try {
      await run()
    } catch (error) {
      log.warn(`${name}: ${toError(error).message}. It is tried again in ${Math.round(everyMs / 1000)} s.`)
    }
    if (!stopped) timer = setTimeout(() => (current = runOnce()), everyMs)
  }
  log.info(`${name}.Start(): Starting`)
  let current = runOnce()
  return {
    async stop() {
      log.info(`${name}.Stop(): Stopping`)
      stopped = true
      clearTimeout(timer)
      await current
      log.info(`${name}.Stop(): Stopped`)
    },
    dispose() {
      log.info(`${name}.Dispose(): Disposing`)
    },
  }
}
