import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { HalibutError } from '../errors.ts'
import { giveFrameRoom, takeFrameRoom } from './frame-room.ts'
import { closePayload, encodeWebSocketFrame, type FrameEvent, FrameReader, opcodes } from './frames.ts'

/** How long the other side may take to answer a close frame. */
const closeTimeoutMs = 1000

/** A peer that takes nothing gets no more pongs when this much waits for it already. */
const maximumUnsentPongBytes = 64 * 1024

const normalClosure = 1000

/** The message that says that this is Halibut. */
const preambleText = 'MX'

/** Which end of a WebSocket this is, and what arrived behind the handshake already. */
export interface WebSocketStreamOptions {
  /** The dialler: its frames are masked, and it says the preamble. A listener expects that. */
  readonly role: 'dialler' | 'listener'
  readonly unread: Buffer
  /** The longest preamble that is read. */
  readonly maximumPreambleBytes: number
}

/**
 * Halibut's bytes inside of WebSocket frames, after the handshake: what is written here goes out in frames, what
 * arrives in frames can be read here, so that a connection works as it does without them.
 *
 * It does as .NET does: first one text message, the preamble; then one binary message that never ends. A close
 * frame or an empty data frame is the end of the stream (docs/wire/halibut.md, "Polling over WebSockets").
 *
 * It owns the socket, and fails with `ERR_PROTOCOL` on bytes that are no frames.
 */
export class WebSocketStream extends Duplex {
  /** Settles when the preamble was read; for a dialler at once. Fails when it was not the preamble. */
  readonly preamble: Promise<void>
  readonly #socket: TLSSocket
  readonly #reader: FrameReader
  readonly #isMasked: boolean
  readonly #maximumPreambleBytes: number
  #awaited: PromiseWithResolvers<void> | undefined
  #preambleText = ''
  #hasBegun = false
  /** The other side's stream of bytes is over. */
  #hasEnded = false
  /** The connection below is half closed: it would break if something was written. */
  #hasSocketEnded = false
  #hasSaidClose = false
  #failWrite: ((error: Error) => void) | undefined

  constructor(socket: TLSSocket, { role, unread, maximumPreambleBytes }: WebSocketStreamOptions) {
    // An end of the other side's is answered by one of ours, with the close frame that belongs to it.
    super({ allowHalfOpen: false })
    this.#socket = socket
    this.#isMasked = role === 'dialler'
    this.#reader = new FrameReader({ isMasked: !this.#isMasked })
    this.#maximumPreambleBytes = maximumPreambleBytes
    if (role === 'listener') {
      this.#awaited = Promise.withResolvers()
      // Whoever made the stream and did not wait for it hears of the failure from the stream itself.
      this.#awaited.promise.catch(() => {})
    }
    this.preamble = this.#awaited?.promise ?? Promise.resolve()
    socket
      .on('data', (chunk: Buffer) => this.#arrived(chunk))
      .on('end', () => {
        this.#hasSocketEnded = true
        this.#ended()
      })
      .on('error', error => this.destroy(error))
      .on('close', () => this.#closed())
    if (role === 'dialler') this.#send(Buffer.from(preambleText), opcodes.text)
    if (unread.length > 0) this.#arrived(unread)
    if (socket.readableEnded || socket.destroyed) this.#ended()
    else if (socket.isPaused()) socket.resume()
  }

  override _read(): void {
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // An empty frame would be the end.
    if (chunk.length === 0) {
      done()
      return
    }
    const room = takeFrameRoom(chunk.length)
    let isDone = false
    const finish = (error?: Error | null) => {
      if (isDone) return
      isDone = true
      this.#failWrite = undefined
      if (room && !error) giveFrameRoom(room)
      done(error)
    }
    this.#failWrite = finish
    const opcode = this.#hasBegun ? opcodes.continuation : opcodes.binary
    this.#hasBegun = true
    const frame = { opcode, isFinal: false, isMasked: this.#isMasked }
    this.#socket.write(encodeWebSocketFrame(chunk, frame, room), finish)
  }

  /** Says goodbye, and waits a moment for the answer. */
  override _final(done: (error?: Error | null) => void): void {
    this.#sayClose()
    if (!this.#hasEnded) {
      this.#socket.end()
      this.#limitEnd()
    }
    done()
  }

  /** Says goodbye if that is still possible at once. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#awaited?.reject(error ?? endedBeforePreamble())
    const isStalled = !this.#hasSaidClose && this.#socket.writableNeedDrain
    if (error || isStalled) {
      this.#socket.destroy()
    } else {
      this.#sayClose()
      this.#socket.destroySoon()
      this.#limitEnd()
    }
    done(error)
  }

  #sayClose(): void {
    const { destroyed, writableEnded } = this.#socket
    if (this.#hasSaidClose || this.#hasSocketEnded || destroyed || writableEnded) return
    this.#hasSaidClose = true
    this.#send(closePayload(normalClosure, 'Closing'), opcodes.close)
  }

  #limitEnd(): void {
    const socket = this.#socket
    if (socket.destroyed) return
    const timer = setTimeout(() => socket.destroy(), closeTimeoutMs)
    socket.once('close', () => clearTimeout(timer))
  }

  /** Sends a message of one frame. */
  #send(payload: Uint8Array, opcode: number): void {
    this.#socket.write(encodeWebSocketFrame(payload, { opcode, isFinal: true, isMasked: this.#isMasked }))
  }

  #arrived(chunk: Buffer): void {
    if (this.#hasEnded || this.destroyed) return
    try {
      for (const event of this.#reader.read(chunk)) {
        this.#handle(event)
        if (this.#hasEnded || this.destroyed) return
      }
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #handle(event: FrameEvent): void {
    switch (event.kind) {
      case 'data':
        if (this.#awaited) this.#readPreamble(event, this.#awaited)
        else if (event.bytes.length === 0) this.#ended()
        else if (!this.push(event.bytes)) this.#socket.pause()
        break
      case 'ping':
        this.#answerPing(event.bytes)
        break
      case 'pong':
        break
      case 'close':
        this.#ended()
        break
    }
  }

  #answerPing(bytes: Buffer): void {
    const { writableLength, writableEnded } = this.#socket
    if (writableLength < maximumUnsentPongBytes && !writableEnded && !this.#hasSaidClose)
      this.#send(bytes, opcodes.pong)
  }

  /** The preamble is a whole text message, whatever the frames in which it comes. */
  #readPreamble(event: FrameEvent & { kind: 'data' }, awaited: PromiseWithResolvers<void>): void {
    this.#preambleText += event.bytes.toString('latin1')
    if (event.opcode === 'binary') throw noPreamble('it began with binary data')
    if (this.#preambleText.length > this.#maximumPreambleBytes)
      throw noPreamble('its first message has no end')
    if (!event.isFrameEnd || !event.isFinal) return
    if (!this.#preambleText.startsWith(preambleText))
      throw noPreamble(`it said ${JSON.stringify(this.#preambleText.slice(0, 80))}`)
    this.#awaited = undefined
    this.#preambleText = ''
    awaited.resolve()
  }

  /** Nothing more will arrive. */
  #ended(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#awaited?.reject(endedBeforePreamble())
    if (this.destroyed) return
    this.push(null)
    this.#socket.resume()
  }

  /** What was received can still be read; what was not sent is lost. */
  #closed(): void {
    this.#ended()
    this.#failWrite?.(new Error('the connection was closed'))
  }
}

function noPreamble(problem: string): HalibutError {
  return new HalibutError('ERR_PROTOCOL', `The other side of a WebSocket is no Halibut: ${problem}.`)
}

function endedBeforePreamble(): HalibutError {
  return new HalibutError(
    'ERR_CONNECTION_LOST',
    'The other side ended the connection before it said that it is Halibut.',
    { details: { isEndOfStream: true } },
  )
}
