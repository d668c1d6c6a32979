import { deflateRawSync } from 'node:zlib'
import { newGuid, writeGuid } from '../../src/bytes/guid.ts'
import { wireNameOf } from '../../src/contract/service-contract.ts'
import { reservedBytes } from '../../src/frame/bson-writer.ts'
import { encodeEndpoint } from '../../src/messages/endpoint-document.ts'
import { type EncodedMessage, encodeRequest } from '../../src/messages/request.ts'
import { encodeResult } from '../../src/messages/response.ts'
import { defaultLimits } from '../../src/runtime/limits.ts'
import { encodeWebSocketFrame } from '../../src/websocket/frames.ts'
import { mutateBson } from './bson-mutations.ts'
import { byteMutators } from './mutations.ts'
import type { Random } from './random.ts'
import { argumentsFor, FuzzService, type MethodKey, methodKeys, results } from './realistic-contract.ts'
import type { Mutator } from './target.ts'

const endpoint = encodeEndpoint({ baseUri: 'https://host:10933/' }, 'https://host:10933/', defaultLimits)

/** A request for a method. */
export function requestFor(key: MethodKey, id = newGuid()): EncodedMessage {
  const method = FuzzService.methods[key]
  return encodeRequest(
    { id, activityId: newGuid(), endpoint, service: FuzzService.wireName, method: wireNameOf(key, method) },
    method.parameters,
    argumentsFor(key),
  )
}

export function responseFor(key: MethodKey, id: string): EncodedMessage {
  return encodeResult(id, FuzzService.methods[key].result, results[key]())
}

export function documentOf({ reserved }: EncodedMessage): Buffer {
  return Buffer.from(reserved.subarray(reservedBytes))
}

/** What one side of a connection says in one write. */
export interface Segment {
  readonly kind: 'bytes' | 'document' | 'stored document' | 'web socket'
  /** The bytes; the document that is to become a frame; or the first byte of a WebSocket frame and its payload. */
  readonly content: Uint8Array
}

const kinds = ['bytes', 'document', 'stored document', 'web socket'] as const
const headBytes = 3

/** An input that is a conversation: for each segment its kind in one byte, its length in two, and its content. */
export function parseSegments(input: Uint8Array): Segment[] {
  const segments: Segment[] = []
  for (let at = 0; at + headBytes <= input.length && segments.length < 64; ) {
    const kind = kinds[(input[at] ?? 0) % kinds.length] ?? 'bytes'
    const length = (input[at + 1] ?? 0) | ((input[at + 2] ?? 0) << 8)
    at += headBytes
    segments.push({ kind, content: input.subarray(at, at + length) })
    at += length
  }
  return segments
}

export function formatSegments(segments: readonly Segment[]): Buffer {
  return Buffer.concat(
    segments.flatMap(({ kind, content }) => {
      const cut = content.subarray(0, 0xffff)
      return [Uint8Array.of(kinds.indexOf(kind), cut.length & 0xff, cut.length >> 8), cut]
    }),
  )
}

export function bytesSegment(text: string | Uint8Array): Segment {
  return { kind: 'bytes', content: typeof text === 'string' ? Buffer.from(text, 'latin1') : text }
}

export function documentSegment(message: EncodedMessage): Segment {
  return { kind: 'document', content: documentOf(message) }
}

/** What goes over the wire. */
export function bytesOfSegment({ kind, content }: Segment): Uint8Array {
  switch (kind) {
    case 'bytes':
      return content
    case 'document':
      return deflateRawSync(content)
    case 'stored document': {
      const head = Buffer.from([1, 0, 0, 0, 0])
      head.writeUInt16LE(content.length & 0xffff, 1)
      head.writeUInt16LE(~content.length & 0xffff, 3)
      return Buffer.concat([head, content])
    }
    case 'web socket': {
      const first = content[0] ?? 0
      const frame = encodeWebSocketFrame(content.subarray(1), {
        opcode: first & 0x7f,
        isFinal: first >= 0x80,
        isMasked: true,
      })
      return frame
    }
  }
}

/** Changes one segment by its kind, or the order and number of them. */
export const mutateSegments: Mutator = (input, random, other) => {
  const segments = parseSegments(input)
  const others = parseSegments(other)
  const at = random.below(segments.length)
  const segment = segments[at]
  if (!segment || random.oneIn(8)) {
    if (others.length > 0) segments.splice(at, 0, random.pick(others))
    return formatSegments(segments)
  }
  const choice = random.below(10)
  if (choice === 0) segments.splice(at, 1)
  else if (choice === 1) segments.splice(at, 0, segment)
  else if (choice === 2) segments.push(...segments.splice(at, 1))
  else if (choice === 3) segments.splice(at, 1, { ...segment, kind: random.pick(kinds) })
  else if (choice === 4) segments.splice(at, 1, ...cut(segment, random))
  else segments.splice(at, 1, { ...segment, content: changed(segment, random, others) })
  return formatSegments(segments)
}

function cut(segment: Segment, random: Random): Segment[] {
  const bytes = bytesOfSegment(segment)
  const at = random.below(bytes.length + 1)
  return [bytesSegment(bytes.subarray(0, at)), bytesSegment(bytes.subarray(at))]
}

function changed({ kind, content }: Segment, random: Random, others: readonly Segment[]): Uint8Array {
  const isDocument = kind === 'document' || kind === 'stored document'
  const candidates = others.filter(other => (other.kind === 'bytes') !== isDocument)
  const other = candidates.length > 0 ? random.pick(candidates).content : content
  const mutate = isDocument && !random.oneIn(6) ? mutateBson : random.pick(byteMutators)
  return mutate(content, random, other)
}

/** For each method a request and the data streams that follow it. */
export function requestSegments(): Segment[][] {
  return methodKeys.map(key => {
    const message = requestFor(key, 'id')
    const blocks = message.streams.map(({ id, length }) => {
      const block = Buffer.alloc(32 + length, 'x')
      writeGuid(block, 0, id)
      block.writeBigInt64LE(BigInt(length), 16)
      block.writeBigInt64LE(BigInt(length), 24 + length)
      return bytesSegment(block)
    })
    return [documentSegment(message), ...blocks]
  })
}
