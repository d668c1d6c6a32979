import { ApiError } from '../api/api-error.ts'
import { createSseParser, type ServerEvent } from './sse-parser.ts'

/**
 * - `connecting`: asking for the stream, for the first time or again.
 * - `live`: events come as they happen.
 * - `waiting`: the stream broke or was refused for now; the next try comes by itself.
 * - `ended`: the server closed the stream and nothing more is to come.
 * - `failed`: the server refused in a way that trying again does not change.
 */
export type StreamState = 'connecting' | 'live' | 'waiting' | 'ended' | 'failed'

/** Where a stream comes from and what happens with it. */
export interface EventStreamParts {
  /** Opens the stream after an event id; `undefined` asks for it from the beginning. Rejects with an `ApiError`. */
  readonly open: (lastEventId: string | undefined, signal: AbortSignal) => Promise<Response>
  readonly onEvent: (event: ServerEvent) => void
  /** Asked when the stream has ended: whether that was the end of the story. Without it a stream has no end. */
  readonly isOver?: () => boolean
  readonly onState?: (state: StreamState, error?: ApiError) => void
  /** Waits between tries; ends early, without failing, when the signal is aborted. */
  readonly wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** Silence after which a connection counts as dead: 45 s. The server sends a sign of life more often than that. */
  readonly silenceMs?: number
  readonly random?: () => number
}

const firstWaitMs = 500
const longestWaitMs = 15_000

/**
 * Follows a stream over any number of connections. Each new connection asks for what comes after the last event that
 * was seen, so nothing is lost and nothing comes twice. Resolves when the stream ended, failed or was aborted.
 */
export async function followEvents(parts: EventStreamParts, signal: AbortSignal): Promise<void> {
  const { onState = () => {}, wait = pause, random = Math.random } = parts
  const position: Position = { lastEventId: undefined }
  let failures = 0
  while (!signal.aborted) {
    onState('connecting')
    const outcome = await readOnce(parts, position, onState, signal)
    if (signal.aborted) return
    if (outcome.kind === 'end') return onState('ended')
    if (outcome.kind === 'refused') return onState('failed', outcome.error)
    failures = outcome.sawEvents ? 1 : failures + 1
    onState('waiting', outcome.error)
    // Spread out, because after a restart of the server every open page comes back at once.
    const longest = Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - 1))
    await wait(longest * (0.5 + random() / 2), signal)
  }
}

interface Position {
  lastEventId: string | undefined
}

type Outcome =
  | { readonly kind: 'end' }
  | { readonly kind: 'refused'; readonly error: ApiError }
  | { readonly kind: 'broken'; readonly sawEvents: boolean; readonly error: ApiError | undefined }

async function readOnce(
  { open, onEvent, isOver = () => false, silenceMs = 45_000 }: EventStreamParts,
  position: Position,
  onState: (state: StreamState) => void,
  signal: AbortSignal,
): Promise<Outcome> {
  const silence = new AbortController()
  let sawEvents = false
  const timer = createTimer(silenceMs, () => silence.abort(new Error('The stream went silent.')))
  const parser = createSseParser(event => {
    position.lastEventId = event.lastEventId ?? position.lastEventId
    sawEvents = true
    onEvent(event)
  })
  try {
    const answer = await open(position.lastEventId, AbortSignal.any([signal, silence.signal]))
    if (answer.body === null || !answer.headers.get('content-type')?.startsWith('text/event-stream')) {
      throw new ApiError(
        'ERR_BAD_ANSWER',
        'The server answered with something that is not a stream of events.',
      )
    }
    onState('live')
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      timer.restart()
      const { done, value } = await reader.read()
      if (done) return isOver() ? { kind: 'end' } : { kind: 'broken', sawEvents, error: undefined }
      parser.push(value)
    }
  } catch (error) {
    if (isOver()) return { kind: 'end' }
    const known = error instanceof ApiError ? error : undefined
    if (known && isFinal(known)) return { kind: 'refused', error: known }
    return { kind: 'broken', sawEvents, error: known }
  } finally {
    timer.stop()
  }
}

/** A refusal that another try does not change. A server that restarts (5xx) or asks for patience (408, 429) is not one. */
function isFinal(error: ApiError): boolean {
  if (error.code === 'ERR_UNREACHABLE' || error.code === 'ERR_SERVER') return false
  return error.status !== 408 && error.status !== 429
}

function createTimer(milliseconds: number, onEnd: () => void): { restart(): void; stop(): void } {
  let timer = setTimeout(onEnd, milliseconds)
  return {
    restart() {
      clearTimeout(timer)
      timer = setTimeout(onEnd, milliseconds)
    },
    stop: () => clearTimeout(timer),
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, milliseconds)
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise.finally(() => clearTimeout(timer))
}
