import type { Duplex } from 'node:stream'
import { toError } from '../../errors.ts'

/** Nobody needs more to say who they are. */
const maximumBytes = 16 * 1024

/** What came back on a connection. */
export interface Answer {
  /** As far as it was read, byte for byte. */
  readonly text: string
  /** How it came to its end: `enough`: the text has what was waited for. */
  readonly end: 'enough' | 'closed' | 'broken' | 'silent'
}

/**
 * Says something and reads what comes until it is enough, the other side hangs up, or the time is over.
 *
 * @param silentMs - how long everything may take; being silent is an answer too.
 */
export function exchange(
  stream: Duplex,
  say: string | Uint8Array,
  isEnough: (text: string) => boolean,
  { silentMs, signal }: { readonly silentMs: number; readonly signal: AbortSignal },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let text = ''
    const finish = (end: Answer['end']) => {
      leave()
      resolve({ text, end })
    }
    const onData = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (isEnough(text) || text.length > maximumBytes) finish('enough')
    }
    const onEnd = () => finish('closed')
    const onError = () => finish('broken')
    const onAbort = () => {
      leave()
      reject(toError(signal.reason))
    }
    const timer = setTimeout(() => finish('silent'), silentMs)
    const leave = () => {
      clearTimeout(timer)
      stream.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError).pause()
      signal.removeEventListener('abort', onAbort)
    }
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    // A connection that fails later must not end the program.
    stream.on('error', () => undefined)
    stream.on('data', onData).once('end', onEnd).once('close', onEnd).once('error', onError)
    if (stream.destroyed) onEnd()
    else {
      stream.resume() // an exchange before has stopped it
      stream.write(say)
    }
  })
}

/** Whether a text has the whole head of an HTTP answer. */
export function hasHead(text: string): boolean {
  return text.includes('\r\n\r\n') || text.includes('\n\n')
}

/** The first line, made harmless for a terminal and short. */
export function firstLine(text: string): string {
  const [line = ''] = text.split(/\r?\n/, 1)
  return line.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 80)
}

/** The value of a field of an HTTP answer, made harmless; undefined if there is none. */
export function headField(head: string, name: string): string | undefined {
  const found = new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(head)?.[1]
  return found === undefined ? undefined : firstLine(found)
}

/** "HTTP/1.1 400 Bad Request, by nginx/1.24.0" */
export function describeHttp(text: string): string {
  const server = headField(text, 'Server')
  return server === undefined ? firstLine(text) : `${firstLine(text)}, by ${server}`
}
