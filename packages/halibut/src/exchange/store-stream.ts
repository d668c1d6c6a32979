import { type FileHandle, open } from 'node:fs/promises'
import type { ByteSource } from '../bytes/byte-source.ts'
import { fileBatchBytes, writeAll } from '../bytes/write-file.ts'
import type { StreamContent } from '../contract/data-stream.ts'
import { HalibutError, toError } from '../errors.ts'
import type { ReceivedFiles } from './received-files.ts'

/** What a reader of stream blocks says it waits for. */
export const waitedFor = 'a data stream'

/** Where streams arrive, and where they are kept. */
export interface StreamIntake {
  readonly source: ByteSource
  readonly files: ReceivedFiles
  /** How long each wait for bytes may last. */
  readonly timeoutMs: number
}

/** Receives the content of a small stream into memory. */
export async function storeInMemory(
  length: number,
  { source, timeoutMs }: StreamIntake,
): Promise<StreamContent> {
  // A copy: the chunk that the bytes came in may be far larger than they are.
  const bytes = Buffer.from(await source.exactly(length, timeoutMs, waitedFor))
  return { kind: 'memory', bytes }
}

/**
 * Receives the content of a stream into a temporary file.
 *
 * @throws HalibutError `ERR_STREAM_STORE` when there is no room for it
 */
export async function storeInFile(length: number, intake: StreamIntake): Promise<StreamContent> {
  const { path, remove } = await intake.files.create(length).catch(failToStore)
  try {
    const file = await open(path, 'wx').catch(failToStore)
    try {
      await copyToFile(length, file, intake)
    } finally {
      await file.close()
    }
  } catch (error) {
    await remove()
    throw error
  }
  return { kind: 'file', path, remove }
}

/**
 * Copies bytes from a connection to a file. While one buffer is written the other is filled; what does not fit waits
 * in the source, which holds the sender back when it is full.
 */
async function copyToFile(
  length: number,
  file: FileHandle,
  { source, timeoutMs }: StreamIntake,
): Promise<void> {
  const size = Math.min(fileBatchBytes, length)
  let filling = Buffer.allocUnsafeSlow(size)
  let written = Buffer.allocUnsafeSlow(size)
  let isWriting = false
  let writing: Promise<void> | undefined
  for (let remaining = length; remaining > 0; ) {
    const limit = Math.min(size, remaining)
    let filled = 0
    do {
      await source.wait(timeoutMs, waitedFor)
      while (filled < limit && source.available > 0)
        filled += source.take(limit - filled).copy(filling, filled)
    } while (isWriting && filled < limit)
    remaining -= filled
    await writing
    ;[filling, written] = [written, filling]
    isWriting = true
    writing = writeAll(file, written.subarray(0, filled))
      .catch(failToStore)
      .finally(() => {
        isWriting = false
      })
    writing.catch(() => {})
  }
  await writing
}

function failToStore(thrown: unknown): never {
  if (thrown instanceof HalibutError) throw thrown
  const cause = toError(thrown)
  throw new HalibutError(
    'ERR_STREAM_STORE',
    `A received data stream could not be kept on disk: ${cause.message}. Check the space and permissions of the temporary folder.`,
    { cause },
  )
}
