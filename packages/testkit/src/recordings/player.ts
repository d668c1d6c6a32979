import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import {
  comparable,
  frameOf,
  isRequest,
  type Json,
  messageOf,
  streamIdsIn,
  type Tolerance,
  withId,
} from './document.ts'
import type { ControlEntry, Entry, MessageEntry, Side, StreamEntry } from './recording.ts'
import { WireSocket } from './wire-socket.ts'

export interface PlayOptions {
  /** What is sent goes out in packets of this many bytes. Default: as one. */
  readonly packetBytes?: number
  /** Called with every request that came, and what the recording has in its place. */
  readonly onRequest?: (actual: Json, recorded: Json) => void
  /** Called when a message came that says there is no request, before anything more is sent. */
  readonly onNothing?: () => void
  /** How far what comes may differ from the recording. Default: as .NET and we differ. */
  readonly tolerance?: Tolerance
}

/**
 * Plays one side of a recorded conversation over a real socket: sends what that side sent, byte for byte, and checks
 * that what comes back is what the recording has: control lines to the byte, messages as equal documents (see
 * `comparable`), data streams to the byte. Then it waits until the peer closes, or closes when that side did.
 *
 * The only thing that is changed in what is sent: an answer carries the id of the request that really came.
 */
export async function playSide(
  side: Side,
  entries: readonly Entry[],
  socket: Duplex,
  options: PlayOptions = {},
): Promise<void> {
  const wire = new WireSocket(socket, options.packetBytes)
  const state: PlayState = { wire, streams: [], requestId: undefined, options }
  try {
    for (const [index, entry] of entries.entries()) {
      try {
        if (entry.from === side) await send(entry, state)
        else await receive(entry, state)
      } catch (error) {
        throw new Error(`Entry ${index} (${entry.kind} from ${entry.from}): ${describe(error)}`, {
          cause: error,
        })
      }
    }
    const last = entries.at(-1)
    if (last?.kind === 'control' && last.text === 'END\r\n' && last.from !== side) await wire.closed()
  } finally {
    wire.destroy()
  }
}

interface PlayState {
  readonly wire: WireSocket
  /** Ids of the data streams that the last received message has announced. */
  streams: string[]
  /** The id of the last request that came from the peer. */
  requestId: Json | undefined
  readonly options: PlayOptions
}

async function send(entry: Entry, state: PlayState): Promise<void> {
  if (entry.kind === 'control') return state.wire.write(entry.text)
  if (entry.kind === 'stream') return state.wire.write(entry.bytes)
  const message = messageOf(entry.document)
  if (message === null || isRequest(message) || state.requestId === undefined)
    return state.wire.write(entry.frame)
  return state.wire.write(frameOf(withId(entry.document, state.requestId)))
}

async function receive(entry: Entry, state: PlayState): Promise<void> {
  if (entry.kind === 'control') await receiveControl(entry, state)
  else if (entry.kind === 'message') await receiveMessage(entry, state)
  else await receiveStream(entry, state)
}

async function receiveControl({ text }: ControlEntry, { wire, options }: PlayState): Promise<void> {
  // The preamble of .NET ends with the newline of its system; it was recorded on Linux, we send CRLF always.
  const expected = options.tolerance === 'own' ? text : text.replace(/^MX\n\n/, 'MX\r\n\r\n')
  assert.equal(await wire.text(expected.length), expected)
}

async function receiveMessage(entry: MessageEntry, state: PlayState): Promise<void> {
  const { onRequest, onNothing, tolerance } = state.options
  const actual = await state.wire.message()
  const message = messageOf(actual)
  state.streams = streamIdsIn(actual)
  if (message !== null && isRequest(message)) {
    state.requestId = message.id
    assert.equal(typeof message.id, 'string')
    onRequest?.(actual, entry.document)
  }
  // As text, because assert.deepEqual does not look at the order of members. A response has the recorded id.
  assertSameLines(textOf(comparable(actual, tolerance)), textOf(comparable(entry.document, tolerance)))
  if (message === null) onNothing?.()
}

function textOf(json: Json): string[] {
  return JSON.stringify(json, null, 1).split('\n')
}

/** Compares line by line, and shows only the surroundings of the first difference. */
function assertSameLines(actual: readonly string[], expected: readonly string[]): void {
  const length = Math.max(actual.length, expected.length)
  for (let at = 0; at < length; at++) {
    if (actual[at] === expected[at]) continue
    const around = (lines: readonly string[]) => lines.slice(Math.max(0, at - 8), at + 4).join('\n')
    assert.equal(around(actual), around(expected))
  }
}

async function receiveStream(entry: StreamEntry, state: PlayState): Promise<void> {
  const { id, content } = await state.wire.stream()
  const announced = state.streams.shift()
  assert.equal(id, announced, 'the data streams follow in the order of the document')
  assert.equal(content.length, entry.length)
  assert.ok(content.equals(entry.content), 'the content of the data stream')
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
