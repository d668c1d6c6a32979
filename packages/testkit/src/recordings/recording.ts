import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { encodeDocument, frameOf, type Json, messageOf } from './document.ts'

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
  /** Whether `frame` is what the .NET side sent. */
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

export type RecordingName = 'listening' | 'polling' | 'tentacle'

interface Line {
  about?: string
  connection: number
  from: Side
  kind: 'control' | 'message' | 'stream'
  text?: string
  bytes?: string
  document?: Json
  plainLength?: number
  id?: string
  length?: number
  sha256?: string
}

/** The content that stands in for large data streams whose bytes were not kept. */
export function contentOf(length: number): Buffer {
  const content = Buffer.allocUnsafe(length)
  for (let at = 0; at < Math.min(length, 251); at++) content[at] = at
  for (let at = 251; at < length; at *= 2) content.copyWithin(at, 0, Math.min(at, length - at))
  return content
}

/**
 * Traffic of the .NET library, TLS removed, one list of entries for each TCP connection in the order of the
 * conversation (fixtures/halibut; `about` in the first line of each file says who talked to whom).
 */
export function readRecording(name: RecordingName): readonly (readonly Entry[])[] {
  const file = new URL(`../../fixtures/halibut/${name}.jsonl`, import.meta.url)
  const connections = new Map<number, Entry[]>()
  const latest = new Map<Side, Json>()
  for (const text of readFileSync(file, 'utf8').trim().split('\n')) {
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
  const document = line.document ?? largeEcho(line, before)
  const frame = line.bytes === undefined ? frameOf(document) : Buffer.from(line.bytes, 'base64')
  return { kind: 'message', from: line.from, document, frame, isRecorded: line.bytes !== undefined }
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
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex')
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
