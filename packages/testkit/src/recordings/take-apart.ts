import { decodeDocument, streamIdsIn } from './document.ts'
import { inflateStart } from './inflate-start.ts'
import { bytesOf, type Entry, type MessageEntry, type Side, type StreamEntry } from './recording.ts'

/** Bytes within TLS as they passed, in the order of both directions together. */
export interface Piece {
  readonly from: Side
  readonly bytes: Buffer
}

const identity = /^(MX\r?\n\r?\n)?MX-[^\r\n]+\r\n\r\n/
const controlLine = /^(NEXT|PROCEED|END)\r\n/

/**
 * What one connection carried, as the entries of a recording. They stand in the order in which their first bytes
 * passed: the two sides speak in turns, so this is the order of the conversation.
 *
 * @throws Error for bytes that are no conversation, or one that was cut in the middle of an entry
 */
export function takeApart(pieces: readonly Piece[]): Entry[] {
  const placed = (['connector', 'acceptor'] as const).flatMap(side => entriesOf(side, pieces))
  return placed.sort((a, b) => a.piece - b.piece).map(({ entry }) => entry)
}

/** An entry, and the number of the piece in which it begins. */
interface PlacedEntry {
  readonly entry: Entry
  readonly piece: number
}

function entriesOf(side: Side, pieces: readonly Piece[]): PlacedEntry[] {
  const starts: { readonly at: number; readonly piece: number }[] = []
  let length = 0
  for (const [piece, { from, bytes }] of pieces.entries()) {
    if (from !== side) continue
    starts.push({ at: length, piece })
    length += bytes.length
  }
  const own = pieces.filter(({ from }) => from === side)
  let at = 0
  return entriesIn(Buffer.concat(own.map(({ bytes }) => bytes)), side).map(entry => {
    const piece = starts.findLast(start => start.at <= at)?.piece ?? 0
    at += bytesOf(entry).length
    return { entry, piece }
  })
}

/** Everything that one side said. */
function entriesIn(bytes: Buffer, from: Side): Entry[] {
  const entries: Entry[] = []
  const awaited = new Set<string>()
  for (let at = 0; at < bytes.length; ) {
    const entry = nextEntry(bytes.subarray(at), from, at === 0, awaited)
    entries.push(entry)
    at += bytesOf(entry).length
  }
  if (awaited.size > 0) throw new Error(`${awaited.size} data streams of the ${from} are missing.`)
  return entries
}

function nextEntry(rest: Buffer, from: Side, isFirst: boolean, awaited: Set<string>): Entry {
  if (awaited.size > 0) return streamEntry(rest, from, awaited)
  const [text] = (isFirst ? identity : controlLine).exec(rest.toString('latin1', 0, 1000)) ?? []
  if (text !== undefined) return { kind: 'control', from, text }
  if (isFirst) throw new Error(`The ${from} does not begin with an identity.`)
  const entry = messageEntry(rest, from)
  for (const id of streamIdsIn(entry.document)) awaited.add(id)
  return entry
}

function messageEntry(rest: Buffer, from: Side): MessageEntry {
  const inflated = inflateStart(rest)
  if (inflated === undefined) throw new Error(`The last message of the ${from} has no end.`)
  const { plain, consumed } = inflated
  const frame = rest.subarray(0, consumed)
  return { kind: 'message', from, document: decodeDocument(plain), frame, isRecorded: true }
}

function streamEntry(rest: Buffer, from: Side, awaited: Set<string>): StreamEntry {
  const length = rest.length < 24 ? Number.POSITIVE_INFINITY : Number(rest.readBigInt64LE(16))
  if (rest.length < length + 32) throw new Error(`The last data stream of the ${from} has no end.`)
  const again = Number(rest.readBigInt64LE(24 + length))
  if (again !== length) throw new Error(`A data stream of ${length} bytes ends with the length ${again}.`)
  const id = rest.subarray(0, 16).toString('base64')
  if (!awaited.delete(id)) throw new Error(`No message of the ${from} announced the data stream ${id}.`)
  const content = rest.subarray(24, 24 + length)
  return { kind: 'stream', from, length, bytes: rest.subarray(0, length + 32), content, isRecorded: true }
}
