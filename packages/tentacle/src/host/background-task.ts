import type { Log } from '../logging/log.ts'

/** Work that goes on beside the calls of servers until it is stopped. */
export interface BackgroundWork {
  start(): void
  /** Waits for what is under way. */
  stop(): Promise<void>
}

/** Work with its lines in the log, which scripts that watch the log know. */
export interface BackgroundTask {
  stop(): Promise<void>
  dispose(): void
}

export function startBackgroundTask(name: string, work: BackgroundWork, log: Log): BackgroundTask {
  log.info(`${name}.Start(): Starting`)
  work.start()
  return {
    async stop() {
      log.info(`${name}.Stop(): Stopping`)
      await work.stop()
      log.info(`${name}.Stop(): Stopped`)
    },
    dispose() {
      log.info(`${name}.Dispose(): Disposing`)
    },
  }
}
