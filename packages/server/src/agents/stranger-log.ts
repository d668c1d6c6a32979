/** Decides which of the connections that are turned away are worth a line in the log. */
export interface StrangerLog {
  /** How often this stranger was turned away without a line since the last one; undefined: write nothing now. */
  shouldTell(address: string, thumbprint: string): number | undefined
}

/** A stranger that tries every few seconds gets a line this often. */
const quietMs = 60_000
/** Someone who makes new certificates all the time must not fill the memory. */
const maximumStrangers = 1_000

interface Seen {
  readonly toldAt: number
  readonly skipped: number
}

/** Makes a log that has seen nobody. The port of an address does not count. */
export function createStrangerLog(nowMs: () => number = () => performance.now()): StrangerLog {
  const strangers = new Map<string, Seen>()
  return {
    shouldTell(address, thumbprint) {
      const key = `${address.replace(/:\d+$/, '')} ${thumbprint}`
      const seen = strangers.get(key)
      if (seen !== undefined && nowMs() - seen.toldAt < quietMs) {
        strangers.set(key, { ...seen, skipped: seen.skipped + 1 })
        return undefined
      }
      strangers.delete(key)
      if (strangers.size >= maximumStrangers) {
        const [oldest] = strangers.keys()
        if (oldest !== undefined) strangers.delete(oldest)
      }
      strangers.set(key, { toldAt: nowMs(), skipped: 0 })
      return seen?.skipped ?? 0
    },
  }
}
