import type { HalibutLogEntry } from '@tentacle/halibut'
import type { Log } from '../logging/log.ts'

/** The endpoint in a column of its own, then the thread, of which there is one, then what happened. */
export function halibutLine(endpoint: string, message: string): string {
  return `${endpoint.padEnd(28)}      1  ${message}`
}

/** Passes what the protocol library tells on to the log. */
export function halibutLogger(log: Log): (entry: HalibutLogEntry) => void {
  return ({ level, endpoint, message, error }) => {
    const line = halibutLine(endpoint, message)
    if (level === 'warn' || level === 'error') log[level](line, error)
    else log[level](line)
  }
}
