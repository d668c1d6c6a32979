import { Readable } from 'node:stream'

/** One server-sent event. */
export interface StreamEvent {
  readonly event: string
  /** Sent back by the browser as `Last-Event-ID` when it connects again. */
  readonly id?: string
  readonly data: object
}

/** The text of an event: HTML Living Standard 9.2.5. JSON has no line breaks, so one `data` line is enough. */
export function formatEvent({ event, id, data }: StreamEvent): string {
  const head = id === undefined ? `event: ${event}` : `id: ${id}\nevent: ${event}`
  return `${head}\ndata: ${JSON.stringify(data)}\n\n`
}

/** A comment: keeps proxies from closing a silent connection. */
export const heartbeat = ': still here\n\n'

/** The first bytes: the browser comes back this fast after a loss. */
const opening = 'retry: 1000\n\n'

/**
 * Makes the body of an event stream of pieces of text. The pieces are asked for as fast as the client takes them.
 * When the client goes away, or `stop` aborts, the signal that `pieces` gets aborts.
 */
export function eventStream(
  pieces: (signal: AbortSignal) => AsyncIterable<string>,
  stop: AbortSignal,
): Readable {
  const gone = new AbortController()
  const signal = AbortSignal.any([gone.signal, stop])
  async function* body(): AsyncGenerator<string> {
    yield opening
    for await (const piece of pieces(signal)) {
      if (signal.aborted) return
      yield piece
    }
  }
  const stream = Readable.from(body(), { objectMode: false, encoding: 'utf8' })
  stream.once('close', () => gone.abort())
  return stream
}
