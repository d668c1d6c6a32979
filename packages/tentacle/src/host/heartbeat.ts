import { open } from 'node:fs/promises'
import { join } from 'node:path'

/** The file in the home whose time of change shows that the agent is alive. */
export const heartbeatFileName = 'livez.heartbeat'

/** How often it is touched, in ms. `livez` calls the agent dead after a minute without. */
export const heartbeatEveryMs = 10_000

/** Makes or touches the heartbeat of a home. */
export async function beat(home: string, now: Date): Promise<void> {
  const file = await open(join(home, heartbeatFileName), 'a', 0o644)
  try {
    await file.utimes(now, now)
  } finally {
    await file.close()
  }
}
