import { randomBytes } from 'node:crypto'
import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { FrameReader } from '../src/websocket/frames.ts'

/** A frame that arrived, without its payload. */
export interface SeenFrame {
  readonly opcode: string
  readonly isFinal: boolean
  readonly length: number
}

/**
 * One end of a WebSocket as the .NET library speaks it, made independently of ours: each write is one frame; the
 * first is binary, the later ones continue it, none is the last one.
 */
export class OriginalWebSocket extends Duplex {
  /** The data frames that came. */
  readonly frames: SeenFrame[] = []
  readonly controls: string[] = []
  /** The text message that came before everything else. */
  text = ''
  /** What carries the frames. */
  readonly secure: TLSSocket
  readonly #isDialler: boolean
  readonly #reader: FrameReader
  #hasBegun = false
  #length = 0

  constructor(socket: TLSSocket, isDialler: boolean, unread: Buffer = Buffer.alloc(0)) {
    super({ allowHalfOpen: false })
    this.secure = socket
    this.#isDialler = isDialler
    this.#reader = new FrameReader({ isMasked: !isDialler })
    socket.on('data', chunk => this.#arrived(chunk))
    socket.on('error', error => this.destroy(error))
    socket.on('end', () => this.push(null)).on('close', () => this.destroy())
    if (unread.length > 0) this.#arrived(unread)
    socket.resume()
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.raw(chunk, this.#hasBegun ? 0 : 2)
    this.#hasBegun = true
    done()
  }

  override _final(done: () => void): void {
    this.secure.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.secure.destroy()
    done(error)
  }

  /** Sends a frame with this first byte. */
  raw(payload: Uint8Array, firstByte: number): void {
    const { length } = payload
    const mask = this.#isDialler ? 0x80 : 0
    const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
    head[0] = firstByte
    head[1] = mask | (length < 126 ? length : length < 65_536 ? 126 : 127)
    if (head.length === 4) head.writeUInt16BE(length, 2)
    if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2)
    const key = randomBytes(mask === 0 ? 0 : 4)
    const masked = mask === 0 ? payload : payload.map((byte, index) => byte ^ (key[index & 3] ?? 0))
    this.secure.write(Buffer.concat([head, key, masked]))
  }

  #arrived(chunk: Buffer): void {
    for (const event of this.#reader.read(chunk)) {
      if (event.kind === 'data') {
        this.#length += event.bytes.length
        if (event.opcode === 'text') this.text += event.bytes.toString()
        else this.push(event.bytes)
        if (!event.isFrameEnd) continue
        this.frames.push({ opcode: event.opcode, isFinal: event.isFinal, length: this.#length })
        this.#length = 0
      } else {
        const detail = event.kind === 'close' ? `${event.status} ${event.reason}` : event.bytes.toString()
        this.controls.push(`${event.kind} ${detail}`)
        this.emit('control')
      }
    }
  }
}
