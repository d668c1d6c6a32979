import { Duplex } from 'node:stream'
import { ByteSink } from '../src/bytes/byte-sink.ts'
import { ByteSource } from '../src/bytes/byte-source.ts'

/** The packet sizes in which every reader is fed. */
export const packetSizes = [1, 2, 7, 64, 65_536] as const

/** A connection whose incoming bytes the test gives, and whose outgoing writes it sees one by one. */
export class TestConnection {
  readonly writes: Buffer[] = []
  readonly stream: Duplex
  readonly source: ByteSource
  readonly sink: ByteSink

  constructor() {
    this.stream = new Duplex({
      allowHalfOpen: true,
      read() {},
      write: (chunk: Buffer, _encoding, done) => {
        this.writes.push(Buffer.from(chunk))
        done()
      },
    })
    this.source = new ByteSource(this.stream)
    this.sink = new ByteSink(this.stream, this.source)
  }

  /** Lets bytes arrive in packets of a size; the reader has its turn after each. */
  async arrive(bytes: Uint8Array, packetSize = bytes.length): Promise<void> {
    for (let at = 0; at < bytes.length; at += packetSize) {
      this.stream.push(Buffer.from(bytes.subarray(at, at + packetSize)))
      await new Promise(setImmediate)
    }
  }

  /** The other side says that it has no more. */
  end(): void {
    this.stream.push(null)
  }

  get written(): Buffer {
    return Buffer.concat(this.writes)
  }
}
