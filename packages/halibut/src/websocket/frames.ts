import { HalibutError } from '../errors.ts'
import { applyMask, newMaskKey } from './mask.ts'

/** What a frame is, as its first byte says. */
export const opcodes = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const

/** Something that arrived in frames. */
export type FrameEvent =
  /** Bytes of a data frame: as many of them as have arrived, so one frame is one or more of these. */
  | {
      readonly kind: 'data'
      readonly opcode: 'text' | 'binary' | 'continuation'
      readonly bytes: Buffer
      /** These are the last bytes of their frame. An empty frame is one event without bytes. */
      readonly isFrameEnd: boolean
      /** The frame is the last one of its message (FIN). */
      readonly isFinal: boolean
    }
  | { readonly kind: 'ping' | 'pong'; readonly bytes: Buffer }
  /** The other side is about to hang up. */
  | { readonly kind: 'close'; readonly status: number | undefined; readonly reason: string }

/** The frame whose payload is being read. */
interface OpenFrame {
  readonly opcode: number
  readonly isFinal: boolean
  readonly key: Uint8Array | undefined
  remaining: number
  /** How many bytes of the payload were read. */
  read: number
}

const maximumControlBytes = 125
const finalBit = 0x80
const reservedBits = 0x70
const maskBit = 0x80

const dataOpcodes = new Map<number, 'text' | 'binary' | 'continuation'>([
  [opcodes.continuation, 'continuation'],
  [opcodes.text, 'text'],
  [opcodes.binary, 'binary'],
])
const controlOpcodes: ReadonlySet<number> = new Set([opcodes.close, opcodes.ping, opcodes.pong])

/**
 * Takes WebSocket frames apart (RFC 6455), in whatever pieces they come. Halibut's stream of bytes is one message that
 * never ends, so the payload of a data frame is passed on as it arrives and nothing waits for the end of a frame or of
 * a message: what is kept is one header or one control frame, 139 bytes at most
 * (docs/wire/halibut.md, "Polling over WebSockets").
 *
 * After a failure the reader must not be used again.
 */
export class FrameReader {
  readonly #isMasked: boolean
  /** The beginning of a header whose rest is still to come. */
  #header = Buffer.alloc(0)
  #frame: OpenFrame | undefined
  /** What has arrived of a control frame. */
  #control = Buffer.alloc(0)

  /** @param isMasked whether frames must be masked: those of clients are, those of servers are not */
  constructor({ isMasked }: { readonly isMasked: boolean }) {
    this.#isMasked = isMasked
  }

  /** Whether a frame has begun and not ended. */
  get isWithinFrame(): boolean {
    return this.#frame !== undefined || this.#header.length > 0
  }

  /**
   * Reads the next bytes. They are not changed; events of unmasked frames refer to them.
   *
   * @throws HalibutError `ERR_PROTOCOL` for bytes that are no frames
   */
  read(bytes: Buffer): FrameEvent[] {
    const events: FrameEvent[] = []
    let at = 0
    while (at < bytes.length) {
      if (!this.#frame) {
        at += this.#readHeader(bytes.subarray(at))
        if (!this.#frame) break
      }
      const frame: OpenFrame = this.#frame
      const piece = bytes.subarray(at, at + Math.min(frame.remaining, bytes.length - at))
      at += piece.length
      const event = this.#readPayload(frame, piece)
      if (event) events.push(event)
      if (frame.remaining === 0) this.#frame = undefined
    }
    return events
  }

  /** @returns how many of the bytes belong to the header */
  #readHeader(bytes: Buffer): number {
    const before = this.#header.length
    const header = before === 0 ? bytes : Buffer.concat([this.#header, bytes.subarray(0, 14 - before)])
    const size = headerSize(header)
    if (size === undefined || header.length < size) {
      if (header.length > 0) checkFirstBytes(header, this.#isMasked)
      this.#header = Buffer.from(header)
      return bytes.length
    }
    checkFirstBytes(header, this.#isMasked)
    const [first = 0, second = 0] = header
    this.#header = Buffer.alloc(0)
    this.#frame = {
      opcode: first & 0x0f,
      isFinal: (first & finalBit) !== 0,
      key: (second & maskBit) === 0 ? undefined : Uint8Array.from(header.subarray(size - 4, size)),
      remaining: payloadLength(header),
      read: 0,
    }
    return size - before
  }

  #readPayload(frame: OpenFrame, piece: Buffer): FrameEvent | undefined {
    const opcode = dataOpcodes.get(frame.opcode)
    let bytes = piece
    if (frame.key && piece.length > 0) {
      bytes = Buffer.from(piece)
      applyMask(bytes, frame.key, frame.read & 3)
    }
    frame.read += piece.length
    frame.remaining -= piece.length
    const isFrameEnd = frame.remaining === 0
    if (opcode !== undefined) {
      if (bytes.length === 0 && !isFrameEnd) return undefined
      return { kind: 'data', opcode, bytes, isFrameEnd, isFinal: frame.isFinal }
    }
    this.#control = Buffer.concat([this.#control, bytes])
    if (!isFrameEnd) return undefined
    const content = this.#control
    this.#control = Buffer.alloc(0)
    if (frame.opcode === opcodes.close) return closeEvent(content)
    return { kind: frame.opcode === opcodes.ping ? 'ping' : 'pong', bytes: content }
  }
}

/** How long the header is, or undefined when that cannot be told yet. */
function headerSize(header: Buffer): number | undefined {
  const second = header[1]
  if (second === undefined) return undefined
  const length = second & 0x7f
  return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + ((second & maskBit) === 0 ? 0 : 4)
}

function payloadLength(header: Buffer): number {
  const length = (header[1] ?? 0) & 0x7f
  if (length < 126) return length
  if (length === 126) return header.readUInt16BE(2)
  const long = header.readBigUInt64BE(2)
  if (long > BigInt(Number.MAX_SAFE_INTEGER)) throw badFrame(`is said to have ${long} bytes`)
  return Number(long)
}

/** Refuses a frame as early as its first two bytes allow. */
function checkFirstBytes(header: Buffer, isMasked: boolean): void {
  const [first = 0, second] = header
  const opcode = first & 0x0f
  if ((first & reservedBits) !== 0) throw badFrame('uses an extension that was not agreed on')
  const isControl = controlOpcodes.has(opcode)
  if (!isControl && !dataOpcodes.has(opcode)) throw badFrame(`is of the unknown kind ${opcode}`)
  if (isControl && (first & finalBit) === 0) throw badFrame('is a control frame in several parts')
  if (second === undefined) return
  if (isControl && (second & 0x7f) > maximumControlBytes)
    throw badFrame('is a control frame that is too long')
  if (((second & maskBit) !== 0) !== isMasked)
    throw badFrame(isMasked ? 'of a client is not masked' : 'of a server is masked')
}

function closeEvent(content: Buffer): FrameEvent {
  if (content.length === 0) return { kind: 'close', status: undefined, reason: '' }
  if (content.length === 1) throw badFrame('closes the connection with half a status')
  return { kind: 'close', status: content.readUInt16BE(0), reason: content.toString('utf8', 2) }
}

function badFrame(problem: string): HalibutError {
  return new HalibutError('ERR_PROTOCOL', `A WebSocket frame ${problem}.`)
}

/** The largest header: two bytes, a length of eight and a key of four, rounded up for the sake of alignment. */
const headerRoom = 16

/** What a frame is to be. */
export interface FrameDescription {
  readonly opcode: number
  readonly isFinal: boolean
  readonly isMasked: boolean
}

/**
 * Makes one frame. The payload is copied, not changed.
 *
 * @param room where to make it, at least 16 bytes larger than the payload
 */
export function encodeWebSocketFrame(
  payload: Uint8Array,
  { opcode, isFinal, isMasked }: FrameDescription,
  room?: Buffer,
): Buffer {
  const { length } = payload
  const lengthBytes = length < 126 ? 0 : length < 0x10000 ? 2 : 8
  const start = headerRoom - (2 + lengthBytes + (isMasked ? 4 : 0))
  // Not from Node's pool: there the payload would not lie at a multiple of four, and masking would be slower.
  const buffer = room?.subarray(0, headerRoom + length) ?? Buffer.allocUnsafeSlow(headerRoom + length)
  buffer[start] = (isFinal ? finalBit : 0) | opcode
  const marker = lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127
  buffer[start + 1] = (isMasked ? maskBit : 0) | marker
  if (lengthBytes === 2) buffer.writeUInt16BE(length, start + 2)
  if (lengthBytes === 8) buffer.writeBigUInt64BE(BigInt(length), start + 2)
  buffer.set(payload, headerRoom)
  if (isMasked) {
    const key = newMaskKey()
    buffer.set(key, headerRoom - 4)
    applyMask(buffer.subarray(headerRoom), key)
  }
  return buffer.subarray(start)
}

/** The payload of a close frame. */
export function closePayload(status: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(status, 0)
  payload.write(reason, 2)
  return payload
}
