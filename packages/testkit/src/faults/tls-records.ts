/** One TLS record in a stream of ciphertext. Positions count from the first byte of the stream. */
export interface TlsRecord {
  /** 20 change of cipher, 21 alert, 22 handshake, 23 application data, or anything else once that is encrypted. */
  readonly type: number
  readonly start: number
  readonly end: number
}

const headerBytes = 5

/**
 * Finds the records in one direction of a TLS connection, whatever chunks the bytes come in. Their lengths are not
 * encrypted, so that a program that writes each word in a record of its own can be followed from outside.
 */
export class TlsRecordScanner {
  readonly records: TlsRecord[] = []
  #position = 0
  #header: number[] = []
  #remaining = 0

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#remaining > 0) {
        const step = Math.min(this.#remaining, chunk.length - at)
        this.#remaining -= step
        at += step
        continue
      }
      this.#header.push(chunk[at++] ?? 0)
      if (this.#header.length === headerBytes) this.#begin()
    }
    this.#position += chunk.length
  }

  /** How many bytes came. */
  get bytes(): number {
    return this.#position
  }

  #begin(): void {
    const [type = 0, , , high = 0, low = 0] = this.#header
    this.#header = []
    this.#remaining = high * 256 + low
    const start = this.records.at(-1)?.end ?? 0
    this.records.push({ type, start, end: start + headerBytes + this.#remaining })
  }
}
