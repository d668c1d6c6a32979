import { writeSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { systemCode, toError } from '../errors.ts'
import type { TextStream } from './console-sink.ts'

/**
 * Writes to standard output (1) or standard error (2) at once, as Node does on Linux, but without Node's stream for it: for a
 * pipe that loads all of its network code, which takes longer than most commands. A reader that has closed its end
 * is no failure.
 *
 * @param open - gives Node's stream, which is used where a write cannot be taken at once
 */
export function standardStream(descriptor: 1 | 2, open: () => Writable): TextStream {
  let stream: Writable | undefined
  const openStream = () => {
    stream = withoutClosedReaders(open())
    return stream
  }
  const writeNow = (text: string) => {
    let bytes = Buffer.from(text)
    try {
      while (bytes.length > 0) bytes = bytes.subarray(writeSync(descriptor, bytes))
    } catch (error) {
      // Another process that has the same pipe may have told the system that it never waits.
      if (systemCode(error) === 'EAGAIN') openStream().write(bytes)
      else ignoreClosedReader(toError(error))
    }
  }
  return {
    write(text) {
      if (stream !== undefined) stream.write(text)
      else if (process.platform === 'win32') openStream().write(text)
      else writeNow(text)
    },
  }
}

/**
 * Node's stream, for which a reader that has closed its end is no failure. For good: what was written last fails after
 * whoever wrote it has gone.
 */
export function withoutClosedReaders(stream: Writable): Writable {
  if (!stream.listeners('error').includes(ignoreClosedReader)) stream.on('error', ignoreClosedReader)
  return stream
}

/** `Tentacle help | head -1`: the reader has enough, which is no reason to fail. */
function ignoreClosedReader(error: Error): void {
  if (systemCode(error) !== 'EPIPE') throw error
}
