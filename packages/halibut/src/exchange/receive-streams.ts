import { type FileHandle, open, rm } from 'node:fs/promises'
import type { ByteSource } from '../bytes/byte-source.ts'
import { readGuid } from '../bytes/guid.ts'
import { DataStream, type StreamContent } from '../contract/data-stream.ts'
import { HalibutError, toError } from '../errors.ts'
import type { ReceivedFiles } from './received-files.ts'

/** Streams of one message stay in memory up to this sum: a file costs more than the bytes. */
const inMemoryBytes = 256 * 1024

/** How much is gathered for one write to disk. */
const batchBytes = 512 * 1024

const waitedFor = 'a data stream'

/** Where streams arrive and are kept. */
export interface StreamIntake {
  readonly source: ByteSource
  readonly files: ReceivedFiles
  readonly timeoutMs: number
}

/**
 * Receives the stream blocks that follow a message, in whatever order they come, and delivers each to the stream
 * that the message announced.
 *
 * @throws HalibutError when anything does not fit: the connection cannot be used any more then. What was received
 *   already is disposed of.
 */
export async function receiveStreams(announced: readonly DataStream[], intake: StreamIntake): Promise<void> {
  const open = new Map(announced.map(stream => [stream.id, stream]))
  if (open.size !== announced.length) {
    throw new HalibutError('ERR_PROTOCOL', 'The message announces two data streams with the same id.')
  }
  let budget = inMemoryBytes
  try {
    for (let count = announced.length; count > 0; count--) {
      const { id, length } = await readHeader(intake)
      const stream = open.get(id)
      if (!stream || !open.delete(id))
        throw new HalibutError('ERR_PROTOCOL', `The data stream ${id} was not announced.`)
      checkLength(stream.length, length)
      const isSmall = length <= budget
      if (isSmall) budget -= length
      const content = isSmall ? await receiveInMemory(length, intake) : await receiveInFile(length, intake)
      DataStream.deliver(stream, content)
      const trailer = await intake.source.exactly(8, intake.timeoutMs, waitedFor)
      checkLength(length, Number(trailer.readBigInt64LE()))
    }
  } catch (error) {
    await Promise.all(announced.map(stream => stream.dispose()))
    throw error
  }
}

async function readHeader({ source, timeoutMs }: StreamIntake): Promise<{ id: string; length: number }> {
  const header = await source.exactly(24, timeoutMs, waitedFor)
  return { id: readGuid(header), length: Number(header.readBigInt64LE(16)) }
}

function checkLength(announced: number, actual: number): void {
  if (announced === actual) return
  throw new HalibutError(
    'ERR_STREAM_LENGTH',
    `A data stream of ${announced} bytes was announced, but its sender then spoke of ${actual}.`,
    { details: { expected: announced, actual } },
  )
}

async function receiveInMemory(length: number, { source, timeoutMs }: StreamIntake): Promise<StreamContent> {
  // A copy: the chunk that the bytes came in may be far larger than they are.
  const bytes = Buffer.from(await source.exactly(length, timeoutMs, waitedFor))
  return { kind: 'memory', bytes }
}

async function receiveInFile(length: number, intake: StreamIntake): Promise<StreamContent> {
  const path = await intake.files.newPath().catch(failToStore)
  const file = await open(path, 'wx').catch(failToStore)
  let isComplete = false
  try {
    await copyToFile(length, file, intake)
    isComplete = true
  } finally {
    await file.close()
    if (!isComplete) await rm(path, { force: true })
  }
  return { kind: 'file', path, isTemporary: true }
}

/** While one batch is being written the next gathers in the source, which holds the sender back when it is full. */
async function copyToFile(
  length: number,
  file: FileHandle,
  { source, timeoutMs }: StreamIntake,
): Promise<void> {
  let remaining = length
  let writing: Promise<void> | undefined
  while (remaining > 0) {
    await source.wait(timeoutMs, waitedFor)
    await writing
    const batch = takeBatch(source, remaining)
    for (const part of batch) remaining -= part.length
    writing = writeAll(file, batch)
    writing.catch(() => {})
  }
  await writing
}

function takeBatch(source: ByteSource, limit: number): Buffer[] {
  const batch: Buffer[] = []
  for (let size = 0; size < Math.min(batchBytes, limit) && source.available > 0; ) {
    const part = source.take(Math.min(batchBytes, limit) - size)
    batch.push(part)
    size += part.length
  }
  return batch
}

async function writeAll(file: FileHandle, parts: readonly Buffer[]): Promise<void> {
  try {
    const size = parts.reduce((sum, part) => sum + part.length, 0)
    const { bytesWritten } = await file.writev(parts)
    if (bytesWritten < size) await file.writeFile(Buffer.concat(parts).subarray(bytesWritten))
  } catch (error) {
    failToStore(error)
  }
}

function failToStore(thrown: unknown): never {
  const cause = toError(thrown)
  throw new HalibutError(
    'ERR_STREAM_STORE',
    `A received data stream could not be kept on disk: ${cause.message}. Check the space and permissions of the temporary folder.`,
    { cause },
  )
}
