import type { Duplex } from 'node:stream'
import { ByteSink } from '../bytes/byte-sink.ts'
import { ByteSource } from '../bytes/byte-source.ts'
import type { DataStream } from '../contract/data-stream.ts'
import { HalibutError, halibutCode } from '../errors.ts'
import { readBson } from '../frame/bson-reader.ts'
import type { BsonDocument } from '../frame/bson-value.ts'
import { readFrame } from '../frame/read-frame.ts'
import { nullFrame, writeFrame, writePackedFrame } from '../frame/write-frame.ts'
import { type ControlLine, preamble, readControl, writeControl } from '../handshake/control-lines.ts'
import { type Identity, readIdentity, writeIdentity } from '../handshake/identity.ts'
import type { EncodedMessage } from '../messages/request.ts'
import type { HalibutLimits } from '../runtime/limits.ts'
import { IncomingStreams } from './incoming-streams.ts'
import type { ReceivedFiles } from './received-files.ts'
import { sendStream } from './send-stream.ts'

/** What a connection needs from its runtime. */
export interface ConnectionParts {
  readonly limits: HalibutLimits
  readonly files: ReceivedFiles
}

/**
 * One TLS connection that speaks Halibut: identities, control lines, messages with their data streams, each step
 * with its own time limit (docs/wire/halibut.md, "Time limits"). It knows the words, not the order of a
 * conversation.
 */
export class Connection {
  readonly source: ByteSource
  readonly #sink: ByteSink
  readonly #limits: HalibutLimits
  readonly #files: ReceivedFiles
  /** A wrapped connection has said that it is Halibut in the way of its wrapping. */
  #isWrapped = false

  constructor(stream: Duplex, { limits, files }: ConnectionParts) {
    this.source = new ByteSource(stream)
    this.#sink = new ByteSink(stream, this.source)
    this.#limits = limits
    this.#files = files
  }

  get writtenBytes(): number {
    return this.#sink.totalBytes
  }

  /**
   * Goes on inside of another protocol over the same connection, which says that this is Halibut in its own way.
   *
   * @param wrap makes the stream of that protocol, given the bytes that arrived but were not read
   */
  wrap(wrap: (unread: Buffer) => Duplex): void {
    this.#isWrapped = true
    this.#sink.wrap(this.source.wrap(wrap))
  }

  /** Dialler: says that this is Halibut, and who it is, and hears that the other side is a server. */
  async introduce(identity: Identity): Promise<void> {
    const { tcpClientSendTimeoutMs, tcpClientReceiveTimeoutMs } = this.#limits
    if (!this.#isWrapped) await this.#sink.write(preamble, tcpClientSendTimeoutMs)
    await writeIdentity(this.#sink, identity, tcpClientSendTimeoutMs)
    const other = await readIdentity(this.source, tcpClientReceiveTimeoutMs)
    if (other.kind !== 'server')
      throw new HalibutError('ERR_PROTOCOL', 'A dialled peer did not call itself a server.')
  }

  /** Listener: answers an identity. */
  acknowledge(): Promise<void> {
    return writeIdentity(this.#sink, { kind: 'server' }, this.#limits.tcpClientSendTimeoutMs)
  }

  /** Dialler: asks for the next exchange, and hears that it may begin. */
  async next(): Promise<void> {
    await writeControl(this.#sink, 'NEXT', this.#limits.tcpClientHeartbeatSendTimeoutMs)
    const line = await readControl(this.source, this.#limits.tcpClientHeartbeatReceiveTimeoutMs, 'PROCEED')
    if (line !== 'PROCEED') throw unexpectedLine('PROCEED', line)
  }

  /** Listener: waits for `NEXT` and answers it. @returns false when the other side said `END` */
  async proceed(): Promise<boolean> {
    const isStrict = this.#limits.tcpClientHeartbeatTimeoutShouldActuallyBeUsed
    const { tcpClientReceiveTimeoutMs, tcpClientSendTimeoutMs } = this.#limits
    const receiveMs = isStrict ? this.#limits.tcpClientHeartbeatReceiveTimeoutMs : tcpClientReceiveTimeoutMs
    if (!(await this.#isNext(receiveMs))) return false
    const sendMs = isStrict ? this.#limits.tcpClientHeartbeatSendTimeoutMs : tcpClientSendTimeoutMs
    await this.#control('PROCEED', sendMs)
    return true
  }

  /** Listener of a client that may be idle for long: as {@link proceed}. @returns false after an idle time, too */
  async proceedWhenCalled(): Promise<boolean> {
    try {
      if (!(await this.#isNext(this.#limits.tcpListeningNextRequestIdleTimeoutMs))) return false
    } catch (error) {
      if (halibutCode(error) === 'ERR_TIMEOUT') return false
      throw error
    }
    await this.#control('PROCEED', this.#limits.tcpClientSendTimeoutMs)
    return true
  }

  /** Dialler: says goodbye, if that is still possible, and hangs up. */
  async end(): Promise<void> {
    await this.#control('END', this.#limits.tcpClientHeartbeatSendTimeoutMs).catch(() => {})
    this.hangUp()
  }

  /** Cuts the connection. Whoever waits on it gets `reason`. */
  hangUp(reason = new HalibutError('ERR_CONNECTION_LOST', 'The connection was closed on this side.')): void {
    this.source.fail(reason)
  }

  /** Sends a message and its streams. After a failure the connection is cut: nobody could tell where it stands. */
  async send({ reserved, packed, streams }: EncodedMessage): Promise<void> {
    const timeoutMs = this.#limits.tcpClientSendTimeoutMs
    try {
      if (packed.length === 0) await writeFrame(this.#sink, reserved, timeoutMs)
      else await writePackedFrame(this.#sink, reserved, packed, timeoutMs)
      for (const stream of streams)
        await sendStream(stream, { sink: this.#sink, source: this.source, timeoutMs })
    } catch (error) {
      if (error instanceof HalibutError) this.hangUp(error)
      throw error
    }
  }

  /** Tells a polling service that there is no request. */
  sendNothing(): Promise<void> {
    return this.#sink.write(nullFrame, this.#limits.tcpClientSendTimeoutMs)
  }

  /**
   * Reads a message, without its streams.
   *
   * @returns undefined when the other side said `END` instead
   */
  async receive(firstByteTimeoutMs: number): Promise<BsonDocument | undefined> {
    const { tcpClientReceiveTimeoutMs: timeoutMs, maxMessageBytes } = this.#limits
    const { maximumNestingDepth, maximumValuesPerMessage } = this.#limits
    const bytes = await readFrame(this.source, { firstByteTimeoutMs, timeoutMs, maxMessageBytes })
    return bytes && readBson(bytes, maximumNestingDepth, maximumValuesPerMessage)
  }

  /** Stores the streams that the message before announced. */
  async receiveStreams(announced: readonly DataStream[]): Promise<void> {
    if (announced.length > 0) await this.incoming(announced).store()
  }

  /** The streams that the message before announced, to be received by the caller. */
  incoming(announced: readonly DataStream[]): IncomingStreams {
    const intake = {
      source: this.source,
      files: this.#files,
      timeoutMs: this.#limits.tcpClientReceiveTimeoutMs,
    }
    return new IncomingStreams(announced, intake, this.#limits)
  }

  /** Whether the other side wants another exchange, or says goodbye. */
  async #isNext(timeoutMs: number): Promise<boolean> {
    const line = await readControl(this.source, timeoutMs, 'NEXT')
    if (line === 'NEXT') return true
    if (line === 'END') return false
    throw unexpectedLine('NEXT or END', line)
  }

  #control(line: ControlLine, timeoutMs: number): Promise<void> {
    return writeControl(this.#sink, line, timeoutMs)
  }
}

function unexpectedLine(wanted: string, line: string): HalibutError {
  const shown = JSON.stringify(line.slice(0, 80))
  return new HalibutError('ERR_PROTOCOL', `The other side said ${shown} where ${wanted} belongs.`)
}
