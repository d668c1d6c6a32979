import { Readable } from 'node:stream'
import { readGuid } from '../bytes/guid.ts'
import { DataStream } from '../contract/data-stream.ts'
import { HalibutError, toError } from '../errors.ts'
import { type StreamIntake, storeInFile, storeInMemory, waitedFor } from './store-stream.ts'

/** Streams of one message stay in memory up to this sum: a file costs more than the bytes. */
const inMemoryBytes = 256 * 1024

/** How much a reader of a live stream takes ahead. */
const readAheadBytes = 256 * 1024

/** What a message may announce. */
export interface StreamLimits {
  readonly maximumDataStreamsPerMessage: number
  readonly maximumDataStreamBytes: number
}

/**
 * The data streams that follow one message (docs/wire/halibut.md, "Data streams"). Either all are stored at once, or
 * they are live: each comes from the connection while it is read, and only what has to get out of the way of another
 * one is stored. Either way the connection is good for the next message only when all of them have been received.
 *
 * After any failure the connection is at an unknown place and must be cut.
 */
export class IncomingStreams {
  readonly #announced: readonly DataStream[]
  readonly #intake: StreamIntake
  /** Streams whose blocks have not begun. */
  readonly #open: Map<string, DataStream>
  #memoryBudget = inMemoryBytes
  /** Of the live streams the one that was opened last. */
  #reader: LiveReader | undefined

  /** @throws HalibutError when the message announces what no message may */
  constructor(announced: readonly DataStream[], intake: StreamIntake, limits: StreamLimits) {
    checkAnnounced(announced, limits)
    this.#announced = announced
    this.#intake = intake
    this.#open = new Map(announced.map(stream => [stream.id, stream]))
    if (this.#open.size !== announced.length)
      throw new HalibutError('ERR_PROTOCOL', 'The message announces two data streams with the same id.')
  }

  /** Receives every stream into memory or files, in whatever order they come. What was received is deleted on failure. */
  async store(): Promise<void> {
    try {
      while (this.#open.size > 0) await this.#storeContent(await this.#nextBlock())
    } catch (error) {
      await this.dispose()
      throw error
    }
  }

  /** Makes every stream readable while it arrives, one after another. {@link finish} must follow. */
  goLive(): void {
    for (const stream of this.#announced)
      DataStream.deliver(stream, { kind: 'live', open: () => this.#read(stream) })
  }

  /** Receives and forgets what nobody has read. */
  async finish(): Promise<void> {
    await this.#reader?.discard()
    while (this.#open.size > 0) {
      const { length } = await this.#nextBlock()
      await skipContent(length, this.#intake)
      await checkTrailer(length, this.#intake)
    }
  }

  /** Ends every stream and deletes what was stored. */
  async dispose(): Promise<void> {
    for (const stream of this.#announced) await stream.dispose()
  }

  #read(stream: DataStream): Readable {
    const before = this.#reader
    if (before && !before.isOver) {
      throw new HalibutError(
        'ERR_STREAM_USED',
        'Another data stream of the same message is being read. Live streams come one after another: read that one to its end first.',
      )
    }
    this.#reader = new LiveReader(stream.length, this.#intake, () => this.#seek(stream, before))
    return this.#reader
  }

  /** Goes on to the content of a stream. What comes before it is stored. */
  async #seek(wanted: DataStream, before: LiveReader | undefined): Promise<void> {
    await before?.discard()
    for (;;) {
      const next = await this.#nextBlock()
      if (next === wanted) return
      await this.#storeContent(next)
    }
  }

  /** Reads the head of the next block. @returns the stream whose content follows */
  async #nextBlock(): Promise<DataStream> {
    const { source, timeoutMs } = this.#intake
    const head = await source.exactly(24, timeoutMs, waitedFor)
    const id = readGuid(head)
    const stream = this.#open.get(id)
    if (!stream) throw new HalibutError('ERR_PROTOCOL', `The data stream ${id} was not announced.`)
    this.#open.delete(id)
    checkLength(stream.length, Number(head.readBigInt64LE(16)))
    return stream
  }

  async #storeContent(stream: DataStream): Promise<void> {
    const { length } = stream
    const isSmall = length <= this.#memoryBudget
    if (isSmall) this.#memoryBudget -= length
    DataStream.deliver(stream, await (isSmall ? storeInMemory : storeInFile)(length, this.#intake))
    await checkTrailer(length, this.#intake)
  }
}

/** The content of one block while it arrives. Its connection is held up while nobody reads. */
class LiveReader extends Readable {
  readonly #length: number
  readonly #intake: StreamIntake
  readonly #seek: () => Promise<void>
  #remaining: number
  #place: 'before' | 'content' | 'after' = 'before'
  #pumping: Promise<void> | undefined

  /** @param seek brings the connection to the content */
  constructor(length: number, intake: StreamIntake, seek: () => Promise<void>) {
    super({ highWaterMark: readAheadBytes })
    this.#length = length
    this.#remaining = length
    this.#intake = intake
    this.#seek = seek
    // A connection that breaks must not end the process because a method has left its reader alone.
    this.on('error', () => {})
  }

  /** Whether another stream of the message may be read. */
  get isOver(): boolean {
    return this.destroyed || this.#place === 'after'
  }

  override _read(): void {
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = undefined
    })
  }

  /** Ends reading and passes over the rest of the block, if it has begun. */
  async discard(): Promise<void> {
    this.destroy()
    await this.#pumping
    if (this.#place !== 'content') return
    await skipContent(this.#remaining, this.#intake)
    await checkTrailer(this.#length, this.#intake)
    this.#place = 'after'
  }

  async #pump(): Promise<void> {
    try {
      if (this.#place === 'before') {
        await this.#seek()
        this.#place = 'content'
      }
      const { source, timeoutMs } = this.#intake
      while (this.#remaining > 0) {
        if (source.available === 0) await source.wait(timeoutMs, waitedFor)
        if (this.destroyed) return
        const part = source.take(this.#remaining)
        this.#remaining -= part.length
        if (!this.push(part)) return
      }
      await checkTrailer(this.#length, this.#intake)
      this.#place = 'after'
      this.push(null)
    } catch (error) {
      this.destroy(toError(error))
    }
  }
}

async function skipContent(length: number, { source, timeoutMs }: StreamIntake): Promise<void> {
  for (let remaining = length; remaining > 0; ) {
    await source.wait(timeoutMs, waitedFor)
    remaining -= source.take(remaining).length
  }
}

async function checkTrailer(length: number, { source, timeoutMs }: StreamIntake): Promise<void> {
  const trailer = await source.exactly(8, timeoutMs, waitedFor)
  checkLength(length, Number(trailer.readBigInt64LE()))
}

function checkLength(announced: number, actual: number): void {
  if (announced === actual) return
  throw new HalibutError(
    'ERR_STREAM_LENGTH',
    `A data stream of ${announced} bytes was announced, but its sender then spoke of ${actual}.`,
    { details: { expected: announced, actual } },
  )
}

function checkAnnounced(announced: readonly DataStream[], limits: StreamLimits): void {
  const { maximumDataStreamsPerMessage: most, maximumDataStreamBytes: largest } = limits
  if (announced.length > most) {
    throw new HalibutError(
      'ERR_MESSAGE_TOO_LARGE',
      `A message with ${announced.length} data streams arrived, more than ${most}. Raise limits.maximumDataStreamsPerMessage if it was meant.`,
      { details: { maximumDataStreamsPerMessage: most } },
    )
  }
  const tooLarge = announced.find(({ length }) => length > largest)
  if (tooLarge) {
    throw new HalibutError(
      'ERR_MESSAGE_TOO_LARGE',
      `A data stream of ${tooLarge.length} bytes was announced, more than ${largest}. Raise limits.maximumDataStreamBytes if it was meant.`,
      { details: { length: tooLarge.length, maximumDataStreamBytes: largest } },
    )
  }
}
