import { closeSync, openSync, writeSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

/** Pause before a full disk is tried again. */
const retryMs = 500

/**
 * Copies a stream into a file, until it ends. When the disk cannot take more, nothing more is read, and in the end the
 * script waits: nothing is lost.
 */
export async function copyToFile(source: Readable, path: string): Promise<void> {
  const file = openSync(path, 'a', 0o600)
  try {
    for await (const chunk of source) {
      const bytes: Buffer = chunk
      for (let at = 0; at < bytes.length; ) {
        try {
          at += writeSync(file, bytes, at)
        } catch {
          await delay(retryMs)
        }
      }
    }
  } catch {
    // The pipe broke: nothing more can come out of it.
  } finally {
    closeSync(file)
  }
}
