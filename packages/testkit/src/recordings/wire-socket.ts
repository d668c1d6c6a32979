import type { Duplex } from 'node:stream'
import { decodeDocument, type Json } from './document.ts'
import { inflateStart } from './inflate-start.ts'

/** So much of the beginning and end of what is written goes out in small packets; the middle of it is all alike. */
const edgeBytes = 1024

/** A peer that says nothing for this long has hung, and the test says where. */
const silenceMs = 30_000

/** A data stream as it was received. */
export interface ReceivedStream {
  readonly id: string
  readonly content: Buffer
}

/**
 * One end of a Halibut connection, byte by byte: the plainest thing that can talk to the real code. Reads exactly what
 * it is asked for, so one byte too many from the peer shows at the next step.
 */
export class WireSocket {
  readonly #socket: Duplex
  readonly #packetBytes: number
  #chunks: Buffer[] = []
  #available = 0
  #ended = false
  #failure: Error | undefined
  #wake: (() => void) | undefined

  /** @param packetBytes what is written goes out in pieces of this size, each as its own TLS record */
  constructor(socket: Duplex, packetBytes: number = Number.POSITIVE_INFINITY) {
    this.#socket = socket
    this.#packetBytes = packetBytes
    const ended = () => {
      this.#ended = true
      this.#wake?.()
    }
    socket.on('end', ended)
    socket.on('close', ended)
    socket.on('error', error => {
      this.#failure = error
      this.#wake?.()
    })
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.#available += chunk.length
      this.#wake?.()
    })
  }

  /** Writes the bytes and waits until they are on their way. */
  async write(bytes: Uint8Array | string): Promise<void> {
    const all = Buffer.from(bytes)
    if (all.length <= 3 * edgeBytes) return await this.#writeIn(this.#packetBytes, all)
    await this.#writeIn(this.#packetBytes, all.subarray(0, edgeBytes))
    await this.#writeIn(Math.max(this.#packetBytes, 64 * 1024), all.subarray(edgeBytes, -edgeBytes))
    await this.#writeIn(this.#packetBytes, all.subarray(-edgeBytes))
  }

  async #writeIn(packet: number, all: Buffer): Promise<void> {
    for (let at = 0; at < all.length; at += packet) {
      await new Promise<void>((done, failed) => {
        this.#socket.write(all.subarray(at, at + packet), error => (error ? failed(error) : done()))
      })
    }
  }

  /** Reads exactly `length` bytes. */
  async take(length: number, what: string): Promise<Buffer> {
    while (this.#available < length) await this.#more(what)
    const all = this.#gathered()
    this.#keep(all.subarray(length))
    return all.subarray(0, length)
  }

  /** Reads control lines: as many characters as are expected, returned as they came. */
  async text(length: number): Promise<string> {
    return (await this.take(length, 'a control line')).toString('latin1')
  }

  /** Reads one message; what follows its deflate stream stays for the next read. */
  async message(): Promise<Json> {
    for (;;) {
      const all = this.#gathered()
      const inflated = all.length === 0 ? undefined : inflateStart(all)
      if (inflated !== undefined) {
        this.#keep(all.subarray(inflated.consumed))
        return decodeDocument(inflated.plain)
      }
      await this.#more('a message')
    }
  }

  async stream(): Promise<ReceivedStream> {
    const head = await this.take(24, 'the head of a data stream')
    const length = Number(head.readBigInt64LE(16))
    const content = await this.take(length, 'a data stream')
    const again = (await this.take(8, 'the length after a data stream')).readBigInt64LE(0)
    if (again !== BigInt(length))
      throw new Error(`A data stream of ${length} bytes ends with the length ${again}.`)
    return { id: head.subarray(0, 16).toString('base64'), content }
  }

  /** Waits for the peer to close; throws when bytes come instead. */
  async closed(): Promise<void> {
    while (!this.#ended && this.#failure === undefined) await this.#wait('the end of the connection')
    if (this.#available > 0) {
      throw new Error(`${this.#available} bytes were left: ${preview(this.#gathered())}`)
    }
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** What arrived and was not read, as one. */
  #gathered(): Buffer {
    const [only] = this.#chunks
    if (only !== undefined && this.#chunks.length === 1) return only
    const all = Buffer.concat(this.#chunks)
    this.#chunks = [all]
    return all
  }

  #keep(rest: Buffer): void {
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#available = rest.length
  }

  async #more(what: string): Promise<void> {
    if (this.#failure)
      throw new Error(`The connection failed where ${what} should come.`, { cause: this.#failure })
    if (this.#ended) {
      throw new Error(
        `The connection ended where ${what} should come; received so far: ${preview(this.#gathered())}`,
      )
    }
    await this.#wait(what)
  }

  /** Waits until something happens to the connection. */
  #wait(what: string): Promise<void> {
    return new Promise((done, failed) => {
      const silence = () =>
        failed(
          new Error(`Nothing came for ${silenceMs} ms where ${what} should be: ${preview(this.#gathered())}`),
        )
      const timer = setTimeout(silence, silenceMs)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        done()
      }
    })
  }
}

function preview(bytes: Buffer): string {
  return bytes.length === 0 ? 'nothing' : JSON.stringify(bytes.subarray(0, 60).toString('latin1'))
}
