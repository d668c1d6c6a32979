import { createInflateRaw, type InflateRaw, inflateRaw, inflateRawSync } from 'node:zlib'
import type { ByteSource } from '../bytes/byte-source.ts'
import { HalibutError, toError } from '../errors.ts'

/** Limits of reading one frame. */
export interface FrameLimits {
  /** How long to wait for the first byte. */
  readonly firstByteTimeoutMs: number
  /** How long to wait for each later piece. */
  readonly timeoutMs: number
  /** The largest document after decompression. */
  readonly maxMessageBytes: number
}

/**
 * Small frames are inflated in one go: the stream object costs several times the work. Of a chunk that fills a TLS record
 * more is to follow, so there it is not tried.
 */
const oneGoInputBytes = 16 * 1024 - 1
const oneGoOutputBytes = 2 * 1024 * 1024

/** How much is inflated at a time, each a trip into the thread pool: with Node's 16 KiB those take longer than the work. */
const inflatedPieceBytes = 256 * 1024
const smallPieceBytes = 16 * 1024
const smallFrameBytes = 1400

/** What may follow a finished document: the end of its deflate block and a few empty blocks of old writers. */
const maximumTailPieces = 64

/**
 * Reads the document of one frame. A frame has no length: it ends where its raw deflate stream ends
 * (docs/wire/halibut.md, "Frames"). Bytes after that point belong to whatever comes next and go back to the source.
 *
 * @returns the BSON document, or undefined when the other side said `END` where a message could begin
 * @throws HalibutError `ERR_CONNECTION_LOST` at the end of the connection, before or within the frame;
 *   `ERR_PROTOCOL` for corrupt bytes; `ERR_MESSAGE_TOO_LARGE`; `ERR_TIMEOUT`
 */
export async function readFrame(source: ByteSource, limits: FrameLimits): Promise<Buffer | undefined> {
  await source.wait(limits.firstByteTimeoutMs, 'a message')
  const first = source.take()
  if (isStoredBlock(first)) {
    source.unread(first)
    return readStoredBlock(source, limits)
  }
  if (isEndLine(first)) return undefined
  if (first.length <= oneGoInputBytes) {
    const whole = inflateInOneGo(first, limits)
    if (whole) {
      source.unread(first.subarray(whole.consumedBytes))
      return whole.document
    }
  }
  return new FrameInflater(source, limits).read(first)
}

/** A client may hang up politely just where its request was awaited. `END` is no valid deflate stream. */
function isEndLine(bytes: Buffer): boolean {
  return bytes.length <= 7 && bytes.toString('latin1').trim() === 'END'
}

/** BFINAL 1, BTYPE 00: one block that is not compressed, then the end. Our own writer makes small frames so. */
function isStoredBlock(bytes: Buffer): boolean {
  return ((bytes[0] ?? 0) & 0b111) === 0b001
}

async function readStoredBlock(source: ByteSource, limits: FrameLimits): Promise<Buffer> {
  const header = await source.exactly(5, limits.timeoutMs, 'the rest of a message')
  const length = header.readUInt16LE(1)
  if ((length ^ header.readUInt16LE(3)) !== 0xffff)
    throw corrupt('the lengths of a stored block contradict each other')
  checkSize(length, limits)
  const document = await source.exactly(length, limits.timeoutMs, 'the rest of a message')
  checkDeclaredSize(document)
  return document
}

/** Inflates a frame that is in one chunk entirely; undefined when it is not, or is large. */
function inflateInOneGo(
  bytes: Buffer,
  limits: FrameLimits,
): { document: Buffer; consumedBytes: number } | undefined {
  try {
    const { buffer, engine } = inflateRawWithInfo(bytes, Math.min(oneGoOutputBytes, limits.maxMessageBytes))
    checkDeclaredSize(buffer)
    return { document: buffer, consumedBytes: engine.bytesWritten }
  } catch (error) {
    if (error instanceof HalibutError) throw error
    const code = errorCode(error)
    // Z_BUF_ERROR: the frame goes on in a later chunk.
    if (code === 'Z_BUF_ERROR' || code === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw corrupt(toError(error).message, error)
  }
}

interface InflatedWithInfo {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** With `info` the result is an object, which the type definitions do not tell. */
function inflateRawWithInfo(bytes: Buffer, maxOutputLength: number): InflatedWithInfo {
  // What is smaller than a packet will hardly become large.
  const chunkSize = bytes.length < smallFrameBytes ? smallPieceBytes : inflatedPieceBytes
  const result: unknown = inflateRawSync(bytes, { info: true, maxOutputLength, chunkSize })
  return result as InflatedWithInfo
}

/** Inflates a frame that arrives in several chunks, in the thread pool. */
class FrameInflater {
  readonly #source: ByteSource
  readonly #limits: FrameLimits
  readonly #inflater: InflateRaw = createInflateRaw({ chunkSize: inflatedPieceBytes })
  readonly #input: Buffer[] = []
  #inputBytes = 0
  readonly #output: Buffer[] = []
  #outputBytes = 0
  #declaredBytes: number | undefined
  #isEnded = false
  #failure: Error | undefined

  constructor(source: ByteSource, limits: FrameLimits) {
    this.#source = source
    this.#limits = limits
    this.#inflater.on('data', (part: Buffer) => this.#inflated(part))
    this.#inflater.on('end', () => {
      this.#isEnded = true
    })
    this.#inflater.on('error', error => {
      this.#failure ??= error
    })
  }

  async read(first: Buffer): Promise<Buffer | undefined> {
    try {
      await this.#feed(first)
      while (!this.#isEnded) {
        if (this.#source.available === 0 && this.#isDocumentComplete()) return await this.#finish()
        await this.#source.wait(this.#limits.timeoutMs, 'the rest of a message')
        await this.#feed(this.#source.take())
      }
      this.#giveBack(this.#inflater.bytesWritten)
      return this.#document()
    } catch (error) {
      if (this.#inputBytes <= 7 && isEndLine(Buffer.concat(this.#input))) return undefined
      throw error
    } finally {
      this.#inflater.destroy()
    }
  }

  async #feed(chunk: Buffer): Promise<void> {
    this.#input.push(chunk)
    this.#inputBytes += chunk.length
    await this.#settled(done => this.#inflater.write(chunk, done))
    // What is still in the stream's buffer goes to the 'data' listener now, not in a later tick.
    while (this.#inflater.read() !== null);
    if (this.#failure instanceof HalibutError) throw this.#failure
    if (this.#failure) throw corrupt(this.#failure.message, this.#failure)
  }

  /** Waits for a step of the inflater. After its end or an error a callback does not come any more. */
  async #settled(start: (done: () => void) => void): Promise<void> {
    await new Promise<void>(resolve => {
      const done = () => {
        this.#inflater.off('end', done).off('error', done)
        resolve()
      }
      this.#inflater.once('end', done).once('error', done)
      start(done)
    })
  }

  #inflated(part: Buffer): void {
    this.#output.push(part)
    this.#outputBytes += part.length
    try {
      checkSize(this.#outputBytes, this.#limits)
      if (this.#declaredBytes === undefined && this.#outputBytes >= 4) {
        this.#declaredBytes = Buffer.concat(this.#output).readInt32LE(0)
        checkSize(this.#declaredBytes, this.#limits)
      }
    } catch (error) {
      this.#failure ??= toError(error)
      this.#inflater.destroy(this.#failure)
    }
  }

  #isDocumentComplete(): boolean {
    return this.#declaredBytes !== undefined && this.#outputBytes >= this.#declaredBytes
  }

  /**
   * The document is complete and every byte was used: most often the deflate stream ends just here. zlib tells only
   * by being asked to finish, and is of no use after a no. Then the last bits come in a later chunk, and what has
   * arrived is inflated again with each of them until it ends.
   */
  async #finish(): Promise<Buffer> {
    await this.#settled(() => this.#inflater.end())
    if (this.#isEnded) return this.#document()
    for (let pieces = 0; pieces < maximumTailPieces; pieces++) {
      await this.#source.wait(this.#limits.timeoutMs, 'the end of a message')
      const piece = this.#source.take()
      this.#input.push(piece)
      this.#inputBytes += piece.length
      const whole = await inflateWhole(Buffer.concat(this.#input), this.#limits.maxMessageBytes)
      if (!whole) continue
      this.#giveBack(whole.engine.bytesWritten)
      checkDeclaredSize(whole.buffer)
      return whole.buffer
    }
    throw corrupt('it goes on after its document')
  }

  /** Returns what came after the end of the frame. */
  #giveBack(consumedBytes: number): void {
    const surplus = this.#inputBytes - consumedBytes
    if (surplus > 0) this.#source.unread(Buffer.concat(this.#input).subarray(consumedBytes))
  }

  #document(): Buffer {
    const document = Buffer.concat(this.#output, this.#outputBytes)
    checkDeclaredSize(document)
    return document
  }
}

/** The whole frame inflated in the thread pool, or undefined when its end is not there yet. */
function inflateWhole(bytes: Buffer, maxOutputLength: number): Promise<InflatedWithInfo | undefined> {
  return new Promise((resolve, reject) => {
    inflateRaw(
      bytes,
      { info: true, maxOutputLength, chunkSize: inflatedPieceBytes },
      (error, result: unknown) => {
        if (!error) resolve(result as InflatedWithInfo)
        else if (errorCode(error) === 'Z_BUF_ERROR') resolve(undefined)
        else reject(corrupt(error.message, error))
      },
    )
  })
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function checkSize(bytes: number, { maxMessageBytes }: FrameLimits): void {
  if (bytes <= maxMessageBytes) return
  throw new HalibutError(
    'ERR_MESSAGE_TOO_LARGE',
    `A message of more than ${maxMessageBytes} bytes arrived. Raise limits.maxMessageBytes if it was meant.`,
    {
      details: { maxMessageBytes },
    },
  )
}

/** A document begins with its length: a mismatch is caught here, before anything is parsed. */
function checkDeclaredSize(document: Buffer): void {
  const declared = document.length >= 4 ? document.readInt32LE(0) : 'nothing'
  if (declared !== document.length)
    throw corrupt(`its document has ${document.length} bytes but says ${declared}`)
}

function corrupt(what: string, cause?: unknown): HalibutError {
  return new HalibutError('ERR_PROTOCOL', `The message is corrupt: ${what}.`, { cause })
}
