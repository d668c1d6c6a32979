import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { asObject, comparable, frameOf, isRequest, type Json, messageOf, withId } from './document.ts'
import type { ControlEntry, Entry, MessageEntry, Side, StreamEntry } from './recording.ts'
import { WireSocket } from './wire-socket.ts'

export interface PlayOptions {
  /** What is sent goes out in packets of this many bytes. Default: as one. */
  readonly packetBytes?: number
  /** Called with every request that came, and what the recording has in its place. */
  readonly onRequest?: (actual: Json, recorded: Json) => void
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
  { packetBytes, onRequest }: PlayOptions = {},
): Promise<void> {
  const wire = new WireSocket(socket, packetBytes)
  const state: PlayState = { wire, streams: [], requestId: undefined, onRequest }
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
  readonly onRequest: PlayOptions['onRequest']
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

async function receiveControl(entry: ControlEntry, { wire }: PlayState): Promise<void> {
  // The preamble ends with the newline of the sender's system; the recording was made on Linux, we send CRLF always.
  const expected = entry.text.replace(/^MX\n\n/, 'MX\r\n\r\n')
  assert.equal(await wire.text(expected.length), expected)
}

async function receiveMessage(entry: MessageEntry, state: PlayState): Promise<void> {
  const actual = await state.wire.message()
  const message = messageOf(actual)
  state.streams = streamIdsIn(actual)
  if (message !== null && isRequest(message)) {
    state.requestId = message.id
    assert.equal(typeof message.id, 'string')
    state.onRequest?.(actual, entry.document)
  }
  // As text, because assert.deepEqual does not look at the order of members. A response has the recorded id.
  assertSameLines(textOf(comparable(actual)), textOf(comparable(entry.document)))
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

/** The ids of the data streams in a document, in its order. */
function streamIdsIn(json: Json): string[] {
  if (json === null || typeof json !== 'object') return []
  if (Array.isArray(json)) return json.flatMap(streamIdsIn)
  if ('id' in json && 'length' in json) {
    return [String(asObject(asObject(json.id).$binary).base64)]
  }
  return Object.values(json).flatMap(streamIdsIn)
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
