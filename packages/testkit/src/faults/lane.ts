import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Fault } from './fault.ts'

/** How a lane came to its end. */
export type LaneEnd =
  /** The sender ended it, and the receiver was told so. */
  | 'ended'
  /** The sender's socket broke, */
  | 'sender-lost'
  /** or the receiver's did. */
  | 'receiver-lost'
  /** The fault ended it. */
  | 'struck'

/** One direction of a proxied connection, with at most one fault. */
export class Lane {
  /** How many bytes were forwarded. */
  bytes = 0
  /** Whether the fault has had an effect. */
  hasStruck = false
  readonly #from: Socket
  readonly #to: Socket
  readonly #fault: Fault | undefined
  readonly #onChunk: ((chunk: Buffer) => void) | undefined
  #isStopped = false

  constructor(from: Socket, to: Socket, fault: Fault | undefined, onChunk?: (chunk: Buffer) => void) {
    this.#from = from
    this.#to = to
    this.#fault = fault
    this.#onChunk = onChunk
  }

  /** Forwards until the end. Never fails. */
  async run(): Promise<LaneEnd> {
    try {
      if (this.#isOver()) return 'struck'
      for await (const chunk of this.#from.iterator({ destroyOnReturn: false })) {
        await this.#forward(chunk)
        if (this.#isOver()) return 'struck'
      }
      this.#to.end()
      return 'ended'
    } catch {
      return this.#from.destroyed ? 'sender-lost' : 'receiver-lost'
    }
  }

  /** From now on whatever comes is read and forgotten. */
  stop(): void {
    this.#isStopped = true
  }

  /** Whether nothing passes any more, and nobody is told. */
  get isStalled(): boolean {
    return this.hasStruck && this.#fault?.kind === 'stall'
  }

  /** Whether the fault ends this direction here. */
  #isOver(): boolean {
    const fault = this.#fault
    if (!fault || fault.kind === 'delay' || fault.kind === 'trickle' || this.bytes < fault.afterBytes)
      return false
    this.hasStruck = true
    return true
  }

  async #forward(chunk: Buffer): Promise<void> {
    const fault = this.#fault
    if (!fault) return this.#write(chunk)
    const before = Math.max(0, fault.afterBytes - this.bytes)
    await this.#write(chunk.subarray(0, before))
    const rest = chunk.subarray(before)
    if (rest.length === 0 || (fault.kind !== 'delay' && fault.kind !== 'trickle')) return
    const harmed = Math.max(0, fault.afterBytes + (fault.forBytes ?? Number.POSITIVE_INFINITY) - this.bytes)
    if (harmed > 0) {
      this.hasStruck = true
      await this.#harm(rest.subarray(0, harmed), fault)
    }
    await this.#write(rest.subarray(harmed))
  }

  async #harm(bytes: Buffer, fault: Fault): Promise<void> {
    if (fault.kind === 'delay') {
      await delay(fault.delayMs)
      return this.#write(bytes)
    }
    for (let at = 0; at < bytes.length; at++) {
      await this.#write(bytes.subarray(at, at + 1))
      // The receiver gets the chance to see one byte alone.
      await new Promise(setImmediate)
    }
  }

  /** Waits until the system has the bytes, so that a reset after them does not take them away. */
  async #write(bytes: Buffer): Promise<void> {
    if (bytes.length === 0 || this.#isStopped) return
    this.#onChunk?.(bytes)
    this.bytes += bytes.length
    await new Promise<void>((resolve, reject) => {
      const onClose = () => reject(new Error('The receiver has gone.'))
      this.#to.once('close', onClose)
      this.#to.write(bytes, error => {
        this.#to.off('close', onClose)
        if (error) reject(error)
        else resolve()
      })
    })
  }
}
