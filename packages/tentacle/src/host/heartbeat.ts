import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { toError } from '../errors.ts'
import type { Log } from '../logging/log.ts'
import type { BackgroundWork } from './background-task.ts'

/** The file in the home whose time of change shows that the agent is alive. */
export const heartbeatFileName = 'livez.heartbeat'

/** How often it is touched, in ms. `livez` calls the agent dead after a minute without. */
const everyMs = 10_000

/** Touches the heartbeat now and then. A home that cannot be written is told once; the agent can still work. */
export function createHeartbeat(home: string, now: () => Date, log: Log): BackgroundWork {
  let timer: NodeJS.Timeout | undefined
  let current: Promise<void> = Promise.resolve()
  let failed = false
  const beat = async (): Promise<void> => {
    try {
      const file = await open(join(home, heartbeatFileName), 'a', 0o644)
      try {
        await file.utimes(now(), now())
      } finally {
        await file.close()
      }
      failed = false
    } catch (error) {
      if (!failed)
        log.warn(`The heartbeat cannot be written, so health probes will fail: ${toError(error).message}`)
      failed = true
    }
  }
  return {
    start() {
      current = beat()
      timer = setInterval(() => {
        current = current.then(beat)
      }, everyMs)
    },
    async stop() {
      clearInterval(timer)
      await current
    },
  }
}
