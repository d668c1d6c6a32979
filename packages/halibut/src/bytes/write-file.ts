import type { FileHandle } from 'node:fs/promises'

/** How much is gathered for one write to a file: what comes from a connection comes in pieces of 16 KiB. */
export const fileBatchBytes = 512 * 1024

/** Writes all of the bytes at the file's position; the system may take fewer at a time. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}
