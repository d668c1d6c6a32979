import type { Socket } from 'node:net'
import { addressOf } from '../runtime/connections.ts'
import type { HalibutLogEntry, RefusalReason } from '../runtime/halibut.ts'
import type { HalibutLimits } from '../runtime/limits.ts'

/** Refusals are counted and told together, or a flood of connections would become a flood of log lines. */
const reportEveryMs = 10_000

/**
 * How many incoming connections there may be, over all listeners of a runtime: in all, and from one address before
 * they are known. What is above is closed before anything is read of it, so that strangers who connect and say
 * nothing cost a bounded amount of memory (docs/wire/halibut.md, "Hostile peers").
 */
export class ConnectionGate {
  readonly #limits: HalibutLimits
  readonly #log: (entry: HalibutLogEntry) => void
  #open = 0
  /** Connections by `address:port` that have not shown a trusted certificate, with their address. */
  readonly #strangers = new Map<string, string>()
  readonly #strangersOf = new Map<string, number>()
  #refused = 0
  #reportedAt = Number.NEGATIVE_INFINITY

  constructor(limits: HalibutLimits, log: (entry: HalibutLogEntry) => void) {
    this.#limits = limits
    this.#log = log
  }

  /** Counts a connection in until it closes. @returns why not, or `closed` for one that has closed already */
  admit(socket: Socket): RefusalReason | 'admitted' | 'closed' {
    const address = socket.remoteAddress
    if (address === undefined) return 'closed'
    const { maximumIncomingConnections, maximumUnidentifiedConnectionsPerAddress } = this.#limits
    const strangers = this.#strangersOf.get(address) ?? 0
    if (this.#open >= maximumIncomingConnections) {
      this.#report(address, `${this.#open} connections are open (limits.maximumIncomingConnections)`)
      return 'too-many-connections'
    }
    if (strangers >= maximumUnidentifiedConnectionsPerAddress) {
      this.#report(
        address,
        `${strangers} connections from there have not yet said who they are (limits.maximumUnidentifiedConnectionsPerAddress)`,
      )
      return 'too-many-from-address'
    }
    const name = addressOf(socket)
    this.#open++
    this.#strangers.set(name, address)
    this.#strangersOf.set(address, strangers + 1)
    socket.once('close', () => {
      this.#open--
      this.identified(name)
    })
    return 'admitted'
  }

  /** A connection is not a stranger's any more. @param name `address:port` of its other side */
  identified(name: string): void {
    const address = this.#strangers.get(name)
    if (address === undefined) return
    this.#strangers.delete(name)
    const remaining = (this.#strangersOf.get(address) ?? 1) - 1
    if (remaining > 0) this.#strangersOf.set(address, remaining)
    else this.#strangersOf.delete(address)
  }

  #report(address: string, reason: string): void {
    this.#refused++
    const now = performance.now()
    if (now - this.#reportedAt < reportEveryMs) return
    this.#log({
      level: 'warn',
      endpoint: address,
      message: `${this.#refused} connections were refused, the last one from ${address}: ${reason}.`,
    })
    this.#reportedAt = now
    this.#refused = 0
  }
}
