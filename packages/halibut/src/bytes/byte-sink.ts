import type { Duplex } from 'node:stream'
import { HalibutError } from '../errors.ts'
import type { ByteSource } from './byte-source.ts'

/** Larger writes go out in pieces: a time limit is for one of them, so a slow line only takes longer. */
const pieceBytes = 256 * 1024

/**
 * Writes to one connection. A write that waits for the one before it goes out as TLS records of its own, which
 * readers before Halibut 5 rely on (docs/wire/halibut.md, "Records"); queued writes would be merged.
 */
export class ByteSink {
  /** How many bytes were handed to the connection so far. */
  totalBytes = 0
  #stream: Duplex
  readonly #source: ByteSource

  /** @param source the reading half, which knows why a connection ended */
  constructor(stream: Duplex, source: ByteSource) {
    this.#stream = stream
    this.#source = source
  }

  /** Goes on with another stream over the same connection. */
  wrap(stream: Duplex): void {
    this.#stream = stream
  }

  /**
   * Writes, and waits until the system has taken the bytes.
   *
   * @param timeoutMs how long each piece of 256 KiB may take, or the connection is cut
   */
  async write(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    if (bytes.length <= pieceBytes) return this.#write(bytes, timeoutMs)
    for (let at = 0; at < bytes.length; at += pieceBytes)
      await this.#write(bytes.subarray(at, at + pieceBytes), timeoutMs)
  }

  #write(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    if (this.#source.failure) return Promise.reject(this.#source.failure)
    this.totalBytes += bytes.length
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#source.fail(stalled(timeoutMs)), timeoutMs)
      // A destroyed stream forgets the callback of the write that it is at. After a plain end of the other side the
      // callback still comes, and tells whether the bytes were taken before.
      const stopListening = this.#source.onEnd(failure => {
        if (!failure.details.isEndOfStream) settle(failure)
      })
      const settle = (failure: HalibutError | undefined) => {
        clearTimeout(timer)
        stopListening()
        if (failure) reject(failure)
        else resolve()
      }
      this.#stream.write(bytes, error => settle(error ? (this.#source.failure ?? broken(error)) : undefined))
    })
  }
}

function stalled(timeoutMs: number): HalibutError {
  return new HalibutError('ERR_TIMEOUT', `The other side took no bytes for ${timeoutMs} ms.`, {
    details: { timeoutMs },
  })
}

function broken(cause: Error): HalibutError {
  return new HalibutError('ERR_CONNECTION_LOST', `The connection broke while writing: ${cause.message}.`, {
    cause,
  })
}
