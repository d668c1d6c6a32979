import assert from 'node:assert/strict'
import { encodeWebSocketFrame, type FrameEvent, FrameReader, opcodes } from '../../../src/websocket/frames.ts'
import { acceptUpgrade, checkUpgradeResponse, upgradeRequest } from '../../../src/websocket/upgrade.ts'
import { longTexts, textMutators } from '../mutations.ts'
import { formatSplit, moveCuts, parseSplit, piecesOf } from '../split-input.ts'
import { attempt, type FuzzTarget, refusing } from '../target.ts'

/** Data in however many pieces it arrived, put together again frame by frame. */
function merged(events: readonly FrameEvent[]): unknown[] {
  const result: unknown[] = []
  let open: Buffer[] = []
  for (const event of events) {
    if (event.kind !== 'data') {
      result.push(event)
      continue
    }
    open.push(event.bytes)
    if (!event.isFrameEnd) continue
    const { opcode, isFinal } = event
    result.push({ opcode, isFinal, bytes: Buffer.concat(open) })
    open = []
  }
  return [...result, { unfinished: Buffer.concat(open) }]
}

/** All events before the first fault, and whether there was one. */
async function readFrames(
  pieces: readonly Uint8Array[],
  isMasked: boolean,
): Promise<{ readonly events: unknown[]; readonly isGood: boolean }> {
  const reader = new FrameReader({ isMasked })
  const events: FrameEvent[] = []
  for (const piece of pieces) {
    const read = await attempt(['ERR_PROTOCOL'], () => reader.read(Buffer.from(piece)))
    if (!read) return { events: merged(events), isGood: false }
    events.push(...read.value)
  }
  return { events: merged(events), isGood: true }
}

function frame(opcode: number, size: number, isMasked: boolean, isFinal = true): Buffer {
  return encodeWebSocketFrame(Buffer.alloc(size, 'x'), { opcode, isFinal, isMasked })
}

function seedsFor(isMasked: boolean): Uint8Array[] {
  const { text, binary, continuation, ping, pong, close } = opcodes
  const all = [
    frame(text, 2, isMasked),
    frame(binary, 125, isMasked, false),
    frame(ping, 4, isMasked),
    frame(continuation, 126, isMasked, false),
    frame(pong, 0, isMasked),
    frame(continuation, 70_000, isMasked, false),
    encodeWebSocketFrame(Buffer.from('\x03\xe8Closing', 'latin1'), {
      opcode: close,
      isFinal: true,
      isMasked,
    }),
  ]
  return [Buffer.concat(all), Buffer.concat(all.toSpliced(5, 1)), ...all].map(bytes =>
    formatSplit({ cuts: [], payload: Buffer.concat([Uint8Array.of(isMasked ? 1 : 0), bytes]) }),
  )
}

export const webSocketFrames: FuzzTarget = {
  name: 'ws-frames',
  about: 'WebSocket frames of clients and servers, in packets of any size',
  testInputs: 100,
  maximumBytes: 96 * 1024,
  seeds: () => [...seedsFor(true), ...seedsFor(false)],
  mutators: [moveCuts, moveCuts],
  async run(input) {
    const { cuts, payload } = parseSplit(input)
    const isMasked = ((payload[0] ?? 0) & 1) === 1
    const bytes = payload.subarray(1)
    const inPieces = await readFrames(
      piecesOf({ cuts: cuts.map(cut => Math.max(0, cut - 1)), payload: bytes }),
      isMasked,
    )
    const atOnce = await readFrames([bytes], isMasked)
    assert.equal(inPieces.isGood, atOnce.isGood, 'where packets end makes a difference')
    if (!atOnce.isGood) return 'refused'
    assert.deepEqual(inPieces.events, atOnce.events, 'where packets end makes a difference')
    return 'accepted'
  },
}

const address = { host: 'host', port: 443, serverName: 'host', baseUri: 'wss://host/' }

export const upgrades: FuzzTarget = {
  name: 'upgrades',
  about: 'requests that ask for a WebSocket, and the answers to them',
  testInputs: 500,
  maximumBytes: 20_000,
  seeds: () => {
    const request = upgradeRequest(address, '/Path?x=1').text
    return [
      ...[request, acceptUpgrade(request, '/path/') ?? ''].map(text => Buffer.from(text)),
      ...longTexts(['/', '/ ', '?', ':', ',', '\r\n'], 'GET /', 'x HTTP/1.1\r\n\r\n'),
      ...longTexts([' ', ',', ' ,', '='], `${request.trimEnd()}\r\nSec-WebSocket-Protocol: `, '\r\n\r\n'),
    ]
  },
  mutators: textMutators([
    '\r\n',
    '\r\n\r\n',
    ':',
    ' ',
    ',',
    '13',
    'Octopus',
    'websocket',
    'Upgrade',
    '/'.repeat(5000),
    '?',
    '\0',
  ]),
  async run(input) {
    const text = Buffer.from(input).toString('latin1')
    const answer = acceptUpgrade(text, '/path')
    const [, key = ''] = /^Sec-WebSocket-Key: *(\S+)\r?$/im.exec(text) ?? []
    const accept = /^Sec-WebSocket-Accept: (\S+)\r?$/im.exec(answer ?? text)?.[1] ?? key
    // What we answer must satisfy the one who asked.
    if (answer !== undefined) checkUpgradeResponse(answer, { text, accept }, address.baseUri)
    const outcome = await refusing(['ERR_PROTOCOL'], () =>
      checkUpgradeResponse(text, { text: '', accept }, address.baseUri),
    )
    return answer === undefined ? outcome : 'accepted'
  },
}
