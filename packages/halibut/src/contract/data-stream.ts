import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { type Guid, newGuid } from '../bytes/guid.ts'
import { fileBatchBytes, writeAll } from '../bytes/write-file.ts'
import { HalibutError } from '../errors.ts'

/** Where the bytes of a data stream come from. */
export type StreamContent =
  | { readonly kind: 'memory'; readonly bytes: Uint8Array }
  /** `remove` deletes the file of a received stream. */
  | { readonly kind: 'file'; readonly path: string; readonly remove?: () => Promise<void> }
  | { readonly kind: 'producer'; readonly open: () => Readable | AsyncIterable<Uint8Array> }
  /** Received, and read from its connection. */
  | { readonly kind: 'live'; readonly open: () => Readable }
  /** Announced by a message whose stream blocks have not arrived yet. */
  | { readonly kind: 'expected' }
  /** A received stream that was read, saved or disposed. */
  | { readonly kind: 'used' }

/** How a {@link DataStream} is sent. */
export interface SendOptions {
  /** Called as bytes are sent, with the number sent so far and the total; again from 0 when it is sent again. */
  readonly onProgress?: (sentBytes: number, totalBytes: number) => void
}

/** How {@link DataStream.saveTo} works. */
export interface SaveOptions {
  /** Stops saving; the target is left as it was. */
  readonly signal?: AbortSignal
  /** Called as bytes are written, with the number written so far and the total. */
  readonly onProgress?: (writtenBytes: number, totalBytes: number) => void
  /** Sees the bytes on their way, for a checksum. They must not be kept: their memory is used again. */
  readonly onBytes?: (bytes: Uint8Array) => void
}

/**
 * Bytes of known length that travel beside a message, uncompressed and never whole in memory.
 *
 * A stream to be sent is made with one of the `from…` functions. It may be sent by several calls, but stands only
 * once in one message. A received stream waits in a temporary file and can be used once: `read`, `saveTo` and
 * `bytes` take the file with them. A service's streams are disposed when its method has answered; a caller disposes
 * of the streams in a result that it does not use, or leaves them to the end of the runtime.
 */
export class DataStream {
  /** By which the message and the bytes beside it find each other. New for each stream that is made. */
  readonly id: Guid
  /** How many bytes it has. Known before the first of them is sent. */
  readonly length: number
  #content: StreamContent
  readonly #isReceived: boolean
  /** The reader of a file that goes when it closes. */
  #reading: { readonly reader: Readable; readonly gone: Promise<void> } | undefined
  readonly #onProgress: SendOptions['onProgress']

  private constructor(
    id: Guid,
    length: number,
    content: StreamContent,
    isReceived: boolean,
    { onProgress }: SendOptions = {},
  ) {
    this.id = id
    this.length = length
    this.#content = content
    this.#isReceived = isReceived
    this.#onProgress = onProgress
  }

  /** A stream of these bytes. They must not change until the stream is sent. */
  static fromBytes(bytes: Uint8Array, options?: SendOptions): DataStream {
    return new DataStream(newGuid(), bytes.length, { kind: 'memory', bytes }, false, options)
  }

  /** A stream of this text in UTF-8. */
  static fromText(text: string): DataStream {
    return DataStream.fromBytes(Buffer.from(text, 'utf8'))
  }

  /**
   * A stream of a file as long as the file is now. Sending fails with `ERR_STREAM_LENGTH` if the file has another
   * length by then, and with `ERR_STREAM_SOURCE` if it cannot be read.
   *
   * @throws the error of the file system when there is no such file
   */
  static async fromFile(path: string, options?: SendOptions): Promise<DataStream> {
    const { size } = await stat(path)
    return new DataStream(newGuid(), size, { kind: 'file', path }, false, options)
  }

  /**
   * A stream of what `open` gives when the stream is sent (again on each sending).
   *
   * @param length how many bytes it will give; sending fails with `ERR_STREAM_LENGTH` when it gives more or fewer
   * @throws HalibutError `ERR_INVALID_ARGUMENT` for a length that is no whole number from 0 to 2^53
   */
  static from(
    length: number,
    open: () => Readable | AsyncIterable<Uint8Array>,
    options?: SendOptions,
  ): DataStream {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new HalibutError('ERR_INVALID_ARGUMENT', `A data stream cannot have ${length} bytes.`)
    }
    return new DataStream(newGuid(), length, { kind: 'producer', open }, false, options)
  }

  /**
   * For the reader of messages: a stream that was announced, and gets its content later.
   *
   * @internal
   */
  static expected(id: Guid, length: number): DataStream {
    return new DataStream(id, length, { kind: 'expected' }, true)
  }

  /**
   * For the reader of messages: gives an expected stream its content.
   *
   * @internal
   */
  static deliver(stream: DataStream, content: StreamContent): void {
    stream.#content = content
  }

  /**
   * For the writer of messages: where the bytes are. A received stream that is passed on stays usable.
   *
   * @internal
   */
  static contentOf(stream: DataStream): StreamContent {
    const content = stream.#content
    if (content.kind === 'expected' || content.kind === 'used') throw used()
    return content
  }

  /**
   * For the writer of messages: tells whoever wants to know how much of the stream is sent.
   *
   * @internal
   */
  static reportProgress(stream: DataStream, sentBytes: number): void {
    stream.#onProgress?.(sentBytes, stream.length)
  }

  /**
   * Reads the bytes. A received stream can be read once; its file is deleted when the reader ends or is destroyed. A
   * live one comes from its connection, which waits for as long as it is not read.
   *
   * @throws HalibutError `ERR_STREAM_USED` for a received stream that was read, saved or disposed of before
   */
  read(): Readable {
    const content = this.#take()
    switch (content.kind) {
      case 'memory':
        return Readable.from(content.bytes.length === 0 ? [] : [content.bytes], { objectMode: false })
      case 'file': {
        const reader = createReadStream(content.path, { highWaterMark: 256 * 1024 })
        const { remove } = content
        if (remove) {
          const closed = new Promise<void>(resolve => void reader.once('close', resolve))
          this.#reading = { reader, gone: closed.then(remove).catch(() => {}) }
        }
        return reader
      }
      case 'live':
        return content.open()
      case 'producer': {
        const source = content.open()
        return source instanceof Readable ? source : Readable.from(source, { objectMode: false })
      }
      default:
        throw used()
    }
  }

  /**
   * All bytes in memory: for streams that are known to be small. Look at `length` first.
   *
   * @throws HalibutError `ERR_STREAM_USED`, as {@link read}
   */
  async bytes(): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const part of this.read()) parts.push(part)
    return Buffer.concat(parts)
  }

  /**
   * Saves the bytes as a file. The file is written beside its target and renamed, so `path` holds the old content or
   * the whole new one, after a power cut too. A file that was there keeps its permissions. The folder
   * must exist.
   *
   * @throws HalibutError `ERR_STREAM_USED`; `ERR_STREAM_LENGTH` when other than `length` bytes came
   * @throws the reason of the signal, or the error of the file system
   */
  async saveTo(path: string, { signal, onProgress, onBytes }: SaveOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const old = await stat(path).catch(() => undefined)
    const beside = join(dirname(path), `.${randomUUID()}.partial`)
    const source = this.read()
    try {
      const file = await open(beside, 'wx')
      try {
        let written = 0
        for await (const batch of batches(source)) {
          signal?.throwIfAborted()
          onBytes?.(batch)
          await writeAll(file, batch)
          written += batch.length
          onProgress?.(written, this.length)
        }
        if (written !== this.length) throw wrongLength(this.length, written)
        await file.datasync()
      } finally {
        await file.close()
      }
      if (old?.isFile()) await chmod(beside, old.mode & 0o7777)
      await rename(beside, path)
    } catch (error) {
      source.destroy()
      await rm(beside, { force: true })
      throw error
    }
  }

  /**
   * Deletes what a received stream holds on disk, and ends a reader that still reads it. Nothing happens for other
   * streams, and the second time.
   */
  async dispose(): Promise<void> {
    const content = this.#content
    if (!this.#isReceived) return
    this.#content = { kind: 'used' }
    if (content.kind === 'file') await content.remove?.()
    this.#reading?.reader.destroy()
    await this.#reading?.gone
  }

  /** Disposes at the end of the block that declared the stream with `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  #take(): StreamContent {
    const content = this.#content
    if (this.#isReceived) this.#content = { kind: 'used' }
    return content
  }
}

/** The error for a data stream that gave another number of bytes than it said. */
export function wrongLength(expected: number, actual: number): HalibutError {
  const more = actual > expected ? 'more than' : `only ${actual} of`
  return new HalibutError(
    'ERR_STREAM_LENGTH',
    `A data stream has ${more} the ${expected} bytes that it announced.`,
    {
      details: { expected, actual },
    },
  )
}

/** The same bytes in larger pieces, all in one buffer. */
async function* batches(source: Readable): AsyncGenerator<Buffer> {
  let buffer: Buffer | undefined
  let filled = 0
  for await (const chunk of source) {
    const part: Buffer = chunk
    if (filled === 0 && part.length >= fileBatchBytes / 2) {
      yield part
      continue
    }
    buffer ??= Buffer.allocUnsafeSlow(fileBatchBytes)
    for (let at = 0; at < part.length; ) {
      const copied = part.copy(buffer, filled, at)
      at += copied
      filled += copied
      if (filled < buffer.length) continue
      yield buffer
      filled = 0
    }
  }
  if (buffer && filled > 0) yield buffer.subarray(0, filled)
}

function used(): HalibutError {
  return new HalibutError(
    'ERR_STREAM_USED',
    'This data stream was read, saved or disposed of already, or has not arrived: a received stream can be used once.',
  )
}
