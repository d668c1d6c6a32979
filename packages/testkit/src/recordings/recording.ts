import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'
import { decodeDocument, encodeDocument, frameOf, type Json, messageOf } from './document.ts'

/** Which end of a TCP connection: the one that dialled, or the one that was dialled. */
export type Side = 'connector' | 'acceptor'

/** Control lines: the exact characters. */
export interface ControlEntry {
  readonly kind: 'control'
  readonly from: Side
  readonly text: string
}

export interface MessageEntry {
  readonly kind: 'message'
  readonly from: Side
  readonly document: Json
  /** The deflated document: as recorded, or made from the document where the recording left the bytes out. */
  readonly frame: Buffer
  /** Whether `frame` is what was sent. */
  readonly isRecorded: boolean
}

export interface StreamEntry {
  readonly kind: 'stream'
  readonly from: Side
  readonly length: number
  /** Guid, length, content, length again: as recorded, or with `contentOf` where the recording left the bytes out. */
  readonly bytes: Buffer
  readonly content: Buffer
  readonly isRecorded: boolean
}

export type Entry = ControlEntry | MessageEntry | StreamEntry

/** What was recorded of .NET, and of our own two sides. */
export type RecordingName = 'listening' | 'polling' | 'tentacle' | 'ours-listening' | 'ours-polling'

/** A line of a recording's file. */
export interface Line {
  about?: string
  connection: number
  from: Side
  kind: 'control' | 'message' | 'stream'
  text?: string
  compressedLength?: number
  plainLength?: number
  id?: string
  length?: number
  lengthAgain?: number
  sha256?: string
  bytes?: string
  document?: Json
}

/** What an entry is on the wire. */
export function bytesOf(entry: Entry): Buffer {
  if (entry.kind === 'control') return Buffer.from(entry.text, 'latin1')
  return entry.kind === 'message' ? entry.frame : entry.bytes
}

/** The content that stands in for large data streams whose bytes were not kept. */
export function contentOf(length: number): Buffer {
  const content = Buffer.allocUnsafe(length)
  for (let at = 0; at < Math.min(length, 251); at++) content[at] = at
  for (let at = 251; at < length; at *= 2) content.copyWithin(at, 0, Math.min(at, length - at))
  return content
}

/**
 * Traffic of the .NET library or of ours, TLS removed, one list of entries for each TCP connection in the order of the
 * conversation (fixtures/halibut; `about` in the first line of each file says who talked to whom).
 */
export function readRecording(name: RecordingName): readonly (readonly Entry[])[] {
  return parseRecording(readFileSync(new URL(`${name}.jsonl`, recordingsFolder), 'utf8'))
}

/** Where the recordings are. */
export const recordingsFolder = new URL('../../fixtures/halibut/', import.meta.url)

/** The connections in the text of a recording's file. */
export function parseRecording(lines: string): readonly (readonly Entry[])[] {
  const connections = new Map<number, Entry[]>()
  const latest = new Map<Side, Json>()
  for (const text of lines.trim().split('\n')) {
    const line: Line = JSON.parse(text)
    if (line.about !== undefined) continue
    const entries = connections.get(line.connection) ?? []
    connections.set(line.connection, entries)
    if (line.kind === 'control') entries.push({ kind: 'control', from: line.from, text: line.text ?? '' })
    else if (line.kind === 'stream') entries.push(streamEntry(line))
    else {
      const entry = messageEntry(line, latest.get(line.from))
      latest.set(line.from, entry.document)
      entries.push(entry)
    }
  }
  return [...connections.values()]
}

function messageEntry(line: Line, before: Json | undefined): MessageEntry {
  const { from, bytes } = line
  if (bytes === undefined) {
    const document = line.document ?? largeEcho(line, before)
    return { kind: 'message', from, document, frame: frameOf(document), isRecorded: false }
  }
  const frame = Buffer.from(bytes, 'base64')
  const document = line.document ?? decodeDocument(inflateRawSync(frame))
  return { kind: 'message', from, document, frame, isRecorded: true }
}

function streamEntry(line: Line): StreamEntry {
  const { length = 0, id = '', sha256 } = line
  if (line.bytes !== undefined) {
    const bytes = Buffer.from(line.bytes, 'base64')
    const content = bytes.subarray(24, 24 + length)
    if (createHash('sha256').update(content).digest('hex') !== sha256)
      throw new Error(`Stream ${id} is damaged.`)
    return { kind: 'stream', from: line.from, length, bytes, content, isRecorded: true }
  }
  const content = contentOf(length)
  const size = Buffer.alloc(8)
  size.writeBigInt64LE(BigInt(length))
  const bytes = Buffer.concat([dotnetGuid(id), size, content, size])
  return { kind: 'stream', from: line.from, length, bytes, content, isRecorded: false }
}

/** The 16 bytes of a guid in the order of .NET: the first three groups are little-endian. */
function dotnetGuid(text: string): Buffer {
  return withGroupsReversed(Buffer.from(text.replaceAll('-', ''), 'hex'))
}

/** The text of a guid whose bytes are in the order of .NET. */
export function dotnetGuidText(bytes: Uint8Array): string {
  const digits = withGroupsReversed(bytes).toString('hex')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function withGroupsReversed(guid: Uint8Array): Buffer {
  const bytes = Buffer.from(guid)
  bytes.subarray(0, 4).reverse()
  bytes.subarray(4, 6).reverse()
  bytes.subarray(6, 8).reverse()
  return bytes
}

/**
 * The one call of which no document was kept: `Echo` of a text so long that the message has `plainLength` bytes. What
 * the same side sent before belongs to the `Echo` of null and serves as the pattern.
 */
function largeEcho(line: Line, before: Json | undefined): Json {
  const template = messageOf(before ?? null)
  if (template === null) throw new Error('The recording begins with a message without a document.')
  const shell = (text: string): Json =>
    'method' in template
      ? { Message: { ...template, params: [text] } }
      : { Message: { ...template, result: text } }
  const length = (line.plainLength ?? 0) - encodeDocument(shell('')).length
  return shell('x'.repeat(length))
}
