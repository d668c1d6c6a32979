import { setTimeout as delay } from 'node:timers/promises'
import { systemCode } from './errors.ts'

/** What Windows says of a file that somebody has open, or that is being deleted; also of one that is forbidden. */
const busy: ReadonlySet<string | undefined> = new Set(['EPERM', 'EACCES', 'EBUSY'])

/** The pauses, in ms, between the tries: two seconds and a half in all. */
const pausesMs = [10, 30, 60, 100, 300, 500, 500, 1000]

/**
 * Does something to a file. On Windows a file cannot be replaced or deleted while another program has it open, as virus
 * scanners and backups do for a moment, so there it is tried again for some time.
 */
export async function whileBusy<T>(
  action: () => Promise<T>,
  platform: NodeJS.Platform = process.platform,
): Promise<T> {
  for (const pauseMs of platform === 'win32' ? pausesMs : []) {
    try {
      return await action()
    } catch (error) {
      if (!busy.has(systemCode(error))) throw error
      await delay(pauseMs)
    }
  }
  return await action()
}
