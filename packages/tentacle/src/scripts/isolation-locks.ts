import type { ScriptIsolationLevel } from '@tentacle/contracts'

/** A script that holds a lock or waits for it. */
export interface LockHolder {
  readonly ticket: string
  readonly taskId: string
  readonly level: ScriptIsolationLevel
}

/** A script that stands in the way of another one. */
export interface Blocker extends LockHolder {
  /** Since when it has the lock; undefined while it waits itself. */
  readonly since: Date | undefined
}

export interface LockRequest {
  readonly name: string
  readonly holder: LockHolder
  /** Aborts the waiting. */
  readonly signal: AbortSignal
  /** How long to wait; undefined: forever. Without waiting the lock is taken at 0 too, if it is free. */
  readonly timeoutMs: number | undefined
}

/** A lock that is held. */
export interface Lease {
  release(): void
}

export type LockAnswer =
  | { readonly t: 'held'; readonly lease: Lease }
  | { readonly t: 'cancelled' | 'timed-out' }

interface Waiting {
  readonly holder: LockHolder
  readonly grant: (lease: Lease) => void
}

interface Lock {
  /** With the time since when they have it. */
  readonly holders: Map<LockHolder, Date>
  waiting: Waiting[]
}

/** The longest time that a timer can take. */
const maxTimerMs = 2_147_483_647

/**
 * The isolation mutexes of one agent: any number of scripts without isolation share a name, a script with full
 * isolation has it alone. First come, first served: whoever comes after a waiting script waits behind it, so that
 * a script with full isolation gets its turn.
 */
export class IsolationLocks {
  readonly #locks = new Map<string, Lock>()
  readonly #now: () => Date

  constructor(now: () => Date = () => new Date()) {
    this.#now = now
  }

  /** Takes a lock, waiting for it. Never throws. */
  acquire({ name, holder, signal, timeoutMs }: LockRequest): Promise<LockAnswer> {
    if (signal.aborted) return Promise.resolve({ t: 'cancelled' })
    const lock = this.#lockOf(name)
    return new Promise(resolve => {
      let timer: NodeJS.Timeout | undefined
      const settle = (answer: LockAnswer) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', cancel)
        resolve(answer)
      }
      const waiting: Waiting = { holder, grant: lease => settle({ t: 'held', lease }) }
      const leave = (t: 'cancelled' | 'timed-out') => {
        lock.waiting = lock.waiting.filter(other => other !== waiting)
        settle({ t })
        this.#serve(name, lock)
      }
      const cancel = () => leave('cancelled')
      lock.waiting.push(waiting)
      this.#serve(name, lock)
      if (lock.holders.has(holder)) return
      signal.addEventListener('abort', cancel, { once: true })
      if (timeoutMs !== undefined)
        timer = setTimeout(leave, Math.min(timeoutMs, maxTimerMs), 'timed-out').unref()
    })
  }

  /**
   * Gives a lock to a script that held it under the agent before this one, and so together with all others that did.
   *
   * @param since when it took the lock; default: now
   */
  adopt(name: string, holder: LockHolder, since = this.#now()): Lease {
    const lock = this.#lockOf(name)
    lock.holders.set(holder, since)
    return this.#leaseOf(name, lock, holder)
  }

  /** Who has the lock now. */
  holders(name: string): readonly Blocker[] {
    return [...(this.#locks.get(name)?.holders ?? [])].map(([holder, since]) => ({ ...holder, since }))
  }

  /** Who stands in a script's way: who has the lock, and whoever waits for it since longer. */
  before(name: string, ticket: string): readonly Blocker[] {
    const waiting = this.#locks.get(name)?.waiting.map(one => ({ ...one.holder, since: undefined })) ?? []
    const place = waiting.findIndex(holder => holder.ticket === ticket)
    return [...this.holders(name), ...waiting.slice(0, Math.max(0, place))]
  }

  #lockOf(name: string): Lock {
    const known = this.#locks.get(name)
    if (known !== undefined) return known
    const lock: Lock = { holders: new Map(), waiting: [] }
    this.#locks.set(name, lock)
    return lock
  }

  #serve(name: string, lock: Lock): void {
    for (
      let next = lock.waiting[0];
      next !== undefined && isFree(lock, next.holder);
      next = lock.waiting[0]
    ) {
      lock.waiting.shift()
      lock.holders.set(next.holder, this.#now())
      next.grant(this.#leaseOf(name, lock, next.holder))
    }
    if (lock.holders.size === 0 && lock.waiting.length === 0 && this.#locks.get(name) === lock)
      this.#locks.delete(name)
  }

  #leaseOf(name: string, lock: Lock, holder: LockHolder): Lease {
    return {
      release: () => {
        if (lock.holders.delete(holder)) this.#serve(name, lock)
      },
    }
  }
}

function isFree(lock: Lock, { level }: LockHolder): boolean {
  if (lock.holders.size === 0) return true
  return level === 'NoIsolation' && [...lock.holders.keys()].every(holder => holder.level === 'NoIsolation')
}
