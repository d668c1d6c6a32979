import type { Duplex } from 'node:stream'
import { HalibutError } from '../errors.ts'

/** Above this many unread bytes the socket is paused, so that a peer cannot fill our memory. */
const pauseAboveBytes = 1024 * 1024
const resumeBelowBytes = 256 * 1024

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout | undefined
}

/**
 * The bytes that arrive on one connection, in one queue. A chunk may hold the end of a message, stream blocks and a
 * control line, so whoever reads takes exactly what is its own and leaves the rest (docs/wire/halibut.md, "Frames").
 *
 * There is one reader at a time. Once reading failed, by the other side's end, an error or a time limit, every
 * later read fails in the same way: a connection that timed out is never used again.
 */
export class ByteSource {
  /** How many bytes arrived so far. */
  totalBytes = 0
  /** How many bytes can be taken without waiting. */
  available = 0
  #stream: Duplex
  #chunks: Buffer[] = []
  #failure: HalibutError | undefined
  #waiter: Waiter | undefined
  #disturbed: (() => void) | undefined
  readonly #onEnd = new Set<(failure: HalibutError) => void>()
  readonly #onData = (chunk: Buffer) => this.#arrived(chunk)
  readonly #onEndOrClose = () => this.#ended(ended())
  readonly #onError = (error: Error) => this.#ended(error instanceof HalibutError ? error : broken(error))

  constructor(stream: Duplex) {
    this.#stream = stream
    this.#attach()
  }

  /**
   * Goes on with another stream over the same connection: from here on the bytes are packed. Whoever waits, waits on.
   *
   * @param wrap makes the stream, given the bytes that arrived but were not taken; it looks after the old one
   */
  wrap(wrap: (unread: Buffer) => Duplex): Duplex {
    this.#stream
      .off('data', this.#onData)
      .off('end', this.#onEndOrClose)
      .off('close', this.#onEndOrClose)
      .off('error', this.#onError)
    const unread = Buffer.concat(this.#chunks)
    this.#chunks = []
    this.available = 0
    this.totalBytes -= unread.length
    this.#stream = wrap(unread)
    this.#attach()
    return this.#stream
  }

  /** Why nothing more will arrive; unread bytes may still be there. */
  get failure(): HalibutError | undefined {
    return this.#failure
  }

  /** Ends the connection at once. Whoever reads or writes gets this error. */
  fail(error: HalibutError): void {
    this.available = 0
    this.#chunks = []
    this.#ended(error)
    this.#stream.destroy()
  }

  /** Waits until at least one byte can be taken. @param timeoutMs how long, or the connection is cut with `ERR_TIMEOUT` */
  async wait(timeoutMs: number, forWhat: string): Promise<void> {
    if (this.available > 0) return
    if (this.#failure) throw this.#failure
    if (this.#stream.isPaused()) this.#stream.resume()
    await new Promise<void>((resolve, reject) => {
      const timer = Number.isFinite(timeoutMs)
        ? setTimeout(() => this.fail(timedOut(forWhat, timeoutMs)), timeoutMs)
        : undefined
      this.#waiter = { resolve, reject, timer }
    })
  }

  /** Takes the next bytes, at most `limit` of them, without waiting. Empty when there are none. */
  take(limit = Number.POSITIVE_INFINITY): Buffer {
    const chunk = this.#chunks[0]
    if (chunk === undefined) return Buffer.alloc(0)
    const isWhole = chunk.length <= limit
    const taken = isWhole ? chunk : chunk.subarray(0, limit)
    if (isWhole) this.#chunks.shift()
    else this.#chunks[0] = chunk.subarray(limit)
    this.available -= taken.length
    if (this.available < resumeBelowBytes && this.#stream.isPaused()) this.#stream.resume()
    return taken
  }

  /** Puts bytes back before all others. */
  unread(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#chunks.unshift(bytes)
    this.available += bytes.length
  }

  /** Takes exactly `size` bytes. Each wait may last `timeoutMs`. */
  async exactly(size: number, timeoutMs: number, forWhat: string): Promise<Buffer> {
    const first = this.#chunks[0]
    if (first !== undefined && first.length >= size) return this.take(size)
    const result = Buffer.allocUnsafe(size)
    for (let at = 0; at < size; ) {
      await this.wait(timeoutMs, forWhat)
      at += this.take(size - at).copy(result, at)
    }
    return result
  }

  /**
   * Calls back once as soon as bytes arrive or the connection ends, at once if that is so already. For times in
   * which the other side has nothing to say. The result stops watching.
   */
  onDisturbance(callback: () => void): () => void {
    if (this.available > 0 || this.#failure) {
      callback()
      return () => {}
    }
    this.#disturbed = callback
    return () => {
      if (this.#disturbed === callback) this.#disturbed = undefined
    }
  }

  /** Calls back once when the connection ends, at once if it has ended. The result stops listening. */
  onEnd(callback: (failure: HalibutError) => void): () => void {
    if (this.#failure) {
      callback(this.#failure)
      return () => {}
    }
    this.#onEnd.add(callback)
    return () => this.#onEnd.delete(callback)
  }

  #attach(): void {
    this.#stream
      .on('data', this.#onData)
      .on('end', this.#onEndOrClose)
      .on('close', this.#onEndOrClose)
      .on('error', this.#onError)
    const { destroyed, errored } = this.#stream
    if (destroyed) this.#ended(errored instanceof HalibutError ? errored : ended())
  }

  #arrived(chunk: Buffer): void {
    if (chunk.length === 0 || this.#failure) return
    this.#chunks.push(chunk)
    this.available += chunk.length
    this.totalBytes += chunk.length
    if (this.available > pauseAboveBytes) this.#stream.pause()
    const waiter = this.#endWait()
    waiter?.resolve()
    this.#disturb()
  }

  #ended(failure: HalibutError): void {
    if (this.#failure) return
    this.#failure = failure
    this.#endWait()?.reject(failure)
    this.#disturb()
    for (const callback of this.#onEnd) callback(failure)
    this.#onEnd.clear()
  }

  #endWait(): Waiter | undefined {
    const waiter = this.#waiter
    this.#waiter = undefined
    clearTimeout(waiter?.timer)
    return waiter
  }

  #disturb(): void {
    const callback = this.#disturbed
    this.#disturbed = undefined
    callback?.()
  }
}

function ended(): HalibutError {
  return new HalibutError(
    'ERR_CONNECTION_LOST',
    'The other side ended the connection where more was to come.',
    {
      details: { isEndOfStream: true },
    },
  )
}

function broken(cause: Error): HalibutError {
  return new HalibutError('ERR_CONNECTION_LOST', `The connection broke: ${cause.message}.`, { cause })
}

function timedOut(forWhat: string, timeoutMs: number): HalibutError {
  return new HalibutError(
    'ERR_TIMEOUT',
    `The other side was silent for ${timeoutMs} ms while ${forWhat} was awaited.`,
    {
      details: { timeoutMs },
    },
  )
}
