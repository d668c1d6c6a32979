import type { UnauthorizedPeer } from '@tentacle/halibut'
import type { Log } from '../logging/log.ts'
import { halibutLine } from './halibut-log.ts'

/** A stranger that keeps knocking is mentioned once in this time, in ms. */
const quietMs = 60_000

/** How many strangers are remembered; a scanner with ever new certificates must not fill the memory. */
const remembered = 1000

/**
 * Tells who was turned away, so that an operator who forgot `configure --trust` sees the thumbprint to trust. Port
 * scanners and health probes come every few seconds: each is mentioned once a minute.
 */
export function strangerReporter(log: Log, now: () => Date): (who: UnauthorizedPeer) => 'block' {
  const seen = new Map<string, number>()
  return ({ address, thumbprint, clientName }) => {
    const key = `${address.replace(/:\d+$/, '')} ${thumbprint}`
    const time = now().getTime()
    if (time - (seen.get(key) ?? Number.NEGATIVE_INFINITY) >= quietMs) {
      seen.delete(key)
      seen.set(key, time)
      const [oldest] = seen.keys()
      if (seen.size > remembered && oldest !== undefined) seen.delete(oldest)
      const name = clientName === '' ? '' : ` (${clientName.slice(0, 100)})`
      log.warn(
        halibutLine(
          address,
          `Refused a connection${name}: its certificate has the thumbprint ${thumbprint}, which this agent does not trust. ` +
            `If it is your server, run 'Tentacle configure --trust=${thumbprint}'.`,
        ),
      )
    }
    return 'block'
  }
}
