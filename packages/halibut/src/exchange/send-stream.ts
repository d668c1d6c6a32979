import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { ByteSink } from '../bytes/byte-sink.ts'
import type { ByteSource } from '../bytes/byte-source.ts'
import { writeGuid } from '../bytes/guid.ts'
import { DataStream, type StreamContent, wrongLength } from '../contract/data-stream.ts'
import { HalibutError, toError } from '../errors.ts'

/** Large pieces cost the fewest system calls; two of them are in memory while a stream is sent. */
const pieceBytes = 256 * 1024

/** The connection on which a stream is sent. */
export interface StreamTarget {
  readonly sink: ByteSink
  readonly source: ByteSource
  readonly timeoutMs: number
}

/**
 * Sends one data stream: id, length, content, length again (docs/wire/halibut.md, "Data streams"), each as TLS
 * records of its own.
 *
 * @throws HalibutError `ERR_STREAM_LENGTH` or `ERR_STREAM_SOURCE`: the connection cannot be used any more then
 */
export async function sendStream(stream: DataStream, target: StreamTarget): Promise<void> {
  const { sink, timeoutMs } = target
  const id = Buffer.allocUnsafe(16)
  writeGuid(id, 0, stream.id)
  const length = Buffer.allocUnsafe(8)
  length.writeBigInt64LE(BigInt(stream.length))
  await sink.write(id, timeoutMs)
  await sink.write(length, timeoutMs)
  await sendContent(stream, DataStream.contentOf(stream), target)
  await sink.write(length, timeoutMs)
}

async function sendContent(stream: DataStream, content: StreamContent, target: StreamTarget): Promise<void> {
  let sent = 0
  // While one piece is on its way the next is read.
  let sending: Promise<void> | undefined
  try {
    for await (const piece of pieces(content, target.source)) {
      sent += piece.length
      if (sent > stream.length) throw wrongLength(stream.length, sent)
      await sending
      sending = write(stream, piece, sent, target)
      sending.catch(() => {})
    }
  } catch (thrown) {
    throw target.source.failure ?? (thrown instanceof HalibutError ? thrown : unreadable(thrown))
  }
  await sending
  if (sent !== stream.length) throw wrongLength(stream.length, sent)
}

async function write(
  stream: DataStream,
  piece: Uint8Array,
  sentBytes: number,
  { sink, timeoutMs }: StreamTarget,
): Promise<void> {
  await sink.write(piece, timeoutMs)
  DataStream.reportProgress(stream, sentBytes)
}

function unreadable(thrown: unknown): HalibutError {
  const cause = toError(thrown)
  return new HalibutError(
    'ERR_STREAM_SOURCE',
    `A data stream could not be read while it was sent: ${cause.message}`,
    { cause },
  )
}

/** The content in pieces of which each is used up before the second next is asked for. */
function pieces(
  content: StreamContent,
  source: ByteSource,
): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  switch (content.kind) {
    case 'memory':
      return piecesOfBytes(content.bytes)
    case 'file':
      return piecesOfFile(content.path)
    case 'producer':
    case 'live':
      return piecesOfProducer(content.open(), source)
    default:
      return []
  }
}

function* piecesOfBytes(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

async function* piecesOfFile(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r')
  try {
    // One is being written while the other is read into.
    let reading = Buffer.allocUnsafeSlow(pieceBytes)
    let writing = Buffer.allocUnsafeSlow(pieceBytes)
    for (;;) {
      const { bytesRead } = await file.read(reading, 0, pieceBytes)
      if (bytesRead === 0) return
      yield reading.subarray(0, bytesRead)
      ;[reading, writing] = [writing, reading]
    }
  } finally {
    await file.close()
  }
}

async function* piecesOfProducer(
  producer: Readable | AsyncIterable<unknown>,
  source: ByteSource,
): AsyncGenerator<Uint8Array> {
  const iterator = producer[Symbol.asyncIterator]()
  // A producer that never gives anything must not hold a connection that is gone. One promise for each step: a race
  // against a single one would keep all steps in memory until the end.
  let giveUp: (failure: HalibutError) => void = () => {}
  const stopWatching = source.onEnd(failure => giveUp(failure))
  const next = () =>
    new Promise<IteratorResult<unknown>>((resolve, reject) => {
      giveUp = reject
      if (source.failure) reject(source.failure)
      else iterator.next().then(resolve, reject)
    })
  try {
    for (;;) {
      const step = await next()
      if (step.done) return
      yield toBytes(step.value)
    }
  } finally {
    stopWatching()
    if (producer instanceof Readable) producer.destroy()
    else void Promise.resolve(iterator.return?.()).catch(() => {})
  }
}

function toBytes(part: unknown): Uint8Array {
  if (part instanceof Uint8Array) return part
  if (typeof part === 'string') return Buffer.from(part, 'utf8')
  throw new TypeError(`the source gave ${typeof part} where bytes belong`)
}
