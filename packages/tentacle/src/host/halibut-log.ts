import type { HalibutLogEntry, UnauthorizedPeer } from '@tentacle/halibut'
import type { Log } from '../logging/log.ts'
import { RepeatFilter } from './repeat-filter.ts'

/** What the protocol library tells, in the agent's log. */
export interface HalibutReporter {
  readonly log: (entry: HalibutLogEntry) => void
  readonly onUnauthorizedConnect: (who: UnauthorizedPeer) => 'block'
}

/**
 * Passes entries on in the original's form: the endpoint in a column of its own, the thread, of which there is one, and
 * what happened. Warnings that repeat are let through once a minute. The library says who was refused; the operator
 * who forgot to trust a server is told how to do it.
 */
export function createHalibutReporter(log: Log, now: () => Date): HalibutReporter {
  const warnings = new RepeatFilter(now)
  const strangers = new RepeatFilter(now)
  return {
    log({ level, endpoint, message, error }) {
      const line = `${endpoint.padEnd(28)}      1  ${message}`
      if (level === 'error') log.error(line, error)
      else if (level !== 'warn') log[level](line)
      else if (warnings.passes(withoutPorts(message))) {
        log.warn(line)
        if (error !== undefined) log.debug(`${line}\n${error instanceof Error ? error.stack : String(error)}`)
      }
    },
    onUnauthorizedConnect({ thumbprint }) {
      if (strangers.passes(thumbprint)) {
        log.info(
          `If ${thumbprint} is the certificate of your server, run 'Tentacle configure --trust=${thumbprint}'.`,
        )
      }
      return 'block'
    },
  }
}

/** The same caller comes from another port each time. */
function withoutPorts(message: string): string {
  return message.replaceAll(/:\d{1,5}\b/g, '')
}
