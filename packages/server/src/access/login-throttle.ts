/** Slows down guessing of passwords. */
export interface LoginThrottle {
  /** Milliseconds until another attempt is allowed; 0: now. Counts nothing. */
  waitMs(username: string, address: string): number
  failed(username: string, address: string): void
  succeeded(username: string, address: string): void
}

export interface LoginThrottleOptions {
  /** Failures of one user from one address before it has to wait; default 5. */
  readonly perUser?: number
  /** Failures from one address, whoever the user; default 30. */
  readonly perAddress?: number
  /** How long failures count and how long the wait is at most; default 5 minutes. */
  readonly windowMs?: number
  readonly now?: () => number
}

interface Failures {
  count: number
  since: number
}

/** More keys than this are not remembered: whoever has so many addresses is not stopped here anyway. */
const maxRemembered = 10_000

/**
 * Counts failures in memory. The key is user and address together, so nobody can lock another person out of the server
 * by failing in their name.
 */
export function createLoginThrottle(options: LoginThrottleOptions = {}): LoginThrottle {
  const { perUser = 5, perAddress = 30, windowMs = 300_000, now = Date.now } = options
  const failures = new Map<string, Failures>()

  function current(key: string): Failures | undefined {
    const known = failures.get(key)
    if (known === undefined || now() - known.since < windowMs) return known
    failures.delete(key)
    return undefined
  }
  function count(key: string): void {
    const known = current(key)
    if (known !== undefined) known.count += 1
    else {
      // The oldest goes first: a Map keeps the order in which keys came.
      for (const oldest of failures.keys()) {
        if (failures.size < maxRemembered) break
        failures.delete(oldest)
      }
      failures.set(key, { count: 1, since: now() })
    }
  }
  function wait(key: string, limit: number): number {
    const known = current(key)
    return known !== undefined && known.count >= limit ? known.since + windowMs - now() : 0
  }
  const both = (username: string, address: string): string => `user ${username.toLowerCase()} ${address}`
  const one = (address: string): string => `address ${address}`

  return {
    waitMs: (username, address) =>
      Math.max(wait(both(username, address), perUser), wait(one(address), perAddress)),
    failed(username, address) {
      count(both(username, address))
      count(one(address))
    },
    succeeded(username, address) {
      failures.delete(both(username, address))
    },
  }
}
