import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { halibutCode } from '../errors.ts'
import { closePayload, encodeWebSocketFrame, type FrameEvent, FrameReader, opcodes } from './frames.ts'
import { applyMask, newMaskKey } from './mask.ts'

/** Reads bytes in pieces that end at these places. */
function readInPieces(bytes: Buffer, cuts: readonly number[], isMasked: boolean): FrameEvent[] {
  const reader = new FrameReader({ isMasked })
  const places = [...new Set([0, ...cuts.map(cut => cut % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  )
  const events = places.slice(1).flatMap((end, index) => reader.read(bytes.subarray(places[index], end)))
  assert.equal(reader.isWithinFrame, false)
  return events
}

/** The events of the data as if every frame had come in one piece. */
function joined(events: readonly FrameEvent[]): FrameEvent[] {
  const result: FrameEvent[] = []
  let open: Buffer[] = []
  for (const event of events) {
    if (event.kind !== 'data') {
      result.push(event)
      continue
    }
    open.push(event.bytes)
    if (event.isFrameEnd) {
      result.push({ ...event, bytes: Buffer.concat(open) })
      open = []
    }
  }
  return result
}

const lengths = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.constantFrom(0, 1, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537),
)
/** `length` bytes that count up. */
function counting(length: number, start = 0): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => start + index))
}

const dataFrames = fc.record({
  kind: fc.constant('data' as const),
  opcode: fc.constantFrom('text' as const, 'binary' as const, 'continuation' as const),
  isFinal: fc.boolean(),
  bytes: fc.tuple(lengths, fc.nat(255)).map(([length, start]) => counting(length, start)),
})
const controlFrames = fc.record({
  kind: fc.constantFrom('ping' as const, 'pong' as const),
  bytes: fc.tuple(fc.nat(125), fc.nat(255)).map(([length, start]) => counting(length, start)),
})

test('frames of every kind and size come out as they went in, however they are cut and masked', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(dataFrames, dataFrames, controlFrames), { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat(), { maxLength: 40 }),
      fc.boolean(),
      (frames, cuts, isMasked) => {
        const bytes = Buffer.concat(
          frames.map(frame =>
            encodeWebSocketFrame(frame.bytes, {
              opcode: opcodes[frame.kind === 'data' ? frame.opcode : frame.kind],
              isFinal: frame.kind === 'data' ? frame.isFinal : true,
              isMasked,
            }),
          ),
        )
        const before = Buffer.from(bytes)
        const expected = frames.map(frame =>
          frame.kind === 'data' ? { ...frame, isFrameEnd: true } : { ...frame },
        )
        assert.deepEqual(joined(readInPieces(bytes, cuts, isMasked)), expected)
        assert.deepEqual(bytes, before, 'what was read is not changed')
      },
    ),
    { numRuns: 200 },
  )
})

test('one byte at a time, a header never waits for more than itself and a payload is passed on at once', () => {
  for (const length of [1, 125, 126, 65_536]) {
    for (const isMasked of [false, true]) {
      const payload = counting(length)
      const frame = encodeWebSocketFrame(payload, { opcode: opcodes.binary, isFinal: false, isMasked })
      const reader = new FrameReader({ isMasked })
      const headerLength = frame.length - length
      for (let at = 0; at < headerLength; at++) {
        assert.deepEqual(reader.read(frame.subarray(at, at + 1)), [])
        assert.ok(reader.isWithinFrame)
      }
      for (let at = headerLength; at < frame.length; at++) {
        const [event, ...others] = reader.read(frame.subarray(at, at + 1))
        assert.ok(event?.kind === 'data' && others.length === 0)
        assert.equal(event.bytes[0], payload[at - headerLength])
        assert.equal(event.isFrameEnd, at === frame.length - 1)
      }
      assert.equal(reader.isWithinFrame, false)
    }
  }
})

test('a frame that says it has petabytes is read as it comes and nothing of it is kept', () => {
  const reader = new FrameReader({ isMasked: false })
  const header = Buffer.from([0x02, 127, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
  assert.deepEqual(reader.read(header), [])
  for (let round = 0; round < 100; round++) {
    const chunk = Buffer.alloc(65_536, round)
    const [event] = reader.read(chunk)
    assert.ok(event?.kind === 'data')
    assert.equal(event.bytes.buffer, chunk.buffer, 'the very bytes that came')
    assert.equal(event.bytes.length, chunk.length)
    assert.equal(event.isFrameEnd, false)
  }
})

test('the bytes of frames are those of the standard’s examples', () => {
  const frame = (opcode: number, isFinal: boolean, text: string) =>
    encodeWebSocketFrame(Buffer.from(text), { opcode, isFinal, isMasked: false }).toString('hex')
  assert.equal(frame(opcodes.text, true, 'Hello'), '810548656c6c6f')
  assert.equal(frame(opcodes.text, false, 'Hel'), '010348656c')
  assert.equal(frame(opcodes.continuation, true, 'lo'), '80026c6f')
  assert.equal(frame(opcodes.ping, true, 'Hello'), '890548656c6c6f')
  const head = (length: number) =>
    encodeWebSocketFrame(Buffer.alloc(length), { opcode: opcodes.binary, isFinal: true, isMasked: false })
      .subarray(0, -length)
      .toString('hex')
  assert.equal(head(256), '827e0100')
  assert.equal(head(65_536), '827f0000000000010000')
  const masked = Buffer.from('818537fa213d7f9f4d5158', 'hex')
  assert.deepEqual(new FrameReader({ isMasked: true }).read(masked), [
    { kind: 'data', opcode: 'text', bytes: Buffer.from('Hello'), isFrameEnd: true, isFinal: true },
  ])
})

test('masked frames have a key of their own each', () => {
  const frame = () =>
    encodeWebSocketFrame(Buffer.from('same'), { opcode: opcodes.binary, isFinal: true, isMasked: true })
  const frames = new Set(Array.from({ length: 3000 }, () => frame().toString('hex')))
  assert.ok(frames.size > 2990)
})

test('masking is byte by byte, wherever the bytes lie and wherever the key begins', () => {
  fc.assert(
    fc.property(fc.nat(7), fc.nat(200), fc.nat(3), (offset, length, phase) => {
      const key = newMaskKey()
      const bytes = Buffer.from(new ArrayBuffer(offset + length), offset, length)
      bytes.set(counting(length))
      const expected = Buffer.from(bytes.map((byte, index) => byte ^ (key[(phase + index) & 3] ?? 0)))
      applyMask(bytes, key, phase)
      assert.deepEqual(bytes, expected)
    }),
  )
})

test('close frames tell their status and reason, or nothing', () => {
  const read = (payload: Buffer) =>
    new FrameReader({ isMasked: false }).read(
      encodeWebSocketFrame(payload, { opcode: opcodes.close, isFinal: true, isMasked: false }),
    )
  assert.deepEqual(read(closePayload(1000, 'Closing')), [{ kind: 'close', status: 1000, reason: 'Closing' }])
  assert.deepEqual(read(Buffer.alloc(0)), [{ kind: 'close', status: undefined, reason: '' }])
})

const refused: readonly (readonly [string, string, boolean, RegExp])[] = [
  ['a reserved bit', '420100', false, /extension/],
  ['an unknown kind of data', '8300', false, /unknown kind 3/],
  ['an unknown kind of control', '8b00', false, /unknown kind 11/],
  ['a ping in several parts', '0900', false, /several parts/],
  ['a ping of 126 bytes', '897e007e', false, /too long/],
  ['a length above 2^53', '827f0020000000000000', false, /9007199254740992 bytes/],
  ['a length with the highest bit', '827fffffffffffffffff', false, /18446744073709551615 bytes/],
  ['half a status', '880103', false, /half a status/],
  ['a client without a mask', '820100', true, /not masked/],
  ['a server with a mask', '82810000000000', false, /is masked/],
]

for (const [what, hex, isMasked, message] of refused) {
  test(`bytes that are no frames are refused: ${what}`, () => {
    const bytes = Buffer.from(hex, 'hex')
    for (const size of [1, bytes.length]) {
      const reader = new FrameReader({ isMasked })
      assert.throws(
        () => {
          for (let at = 0; at < bytes.length; at += size) reader.read(bytes.subarray(at, at + size))
        },
        error =>
          halibutCode(error) === 'ERR_PROTOCOL' && error instanceof Error && message.test(error.message),
      )
    }
  })
}

test('any bytes at all are frames or ERR_PROTOCOL, the same in one piece and in many', () => {
  const outcome = (bytes: Buffer, size: number, isMasked: boolean) => {
    const reader = new FrameReader({ isMasked })
    const events: FrameEvent[] = []
    try {
      for (let at = 0; at < bytes.length; at += size)
        events.push(...reader.read(bytes.subarray(at, at + size)))
      return { events: joined(events), code: undefined }
    } catch (error) {
      return { events: joined(events), code: halibutCode(error) ?? String(error) }
    }
  }
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 9 }),
      (array, isMasked, size) => {
        const bytes = Buffer.from(array)
        const pieces = outcome(bytes, size, isMasked)
        const whole = outcome(bytes, Number.MAX_SAFE_INTEGER, isMasked)
        assert.equal(pieces.code, whole.code)
        assert.ok(whole.code === undefined || whole.code === 'ERR_PROTOCOL')
        if (whole.code === undefined) assert.deepEqual(pieces.events, whole.events)
      },
    ),
    { numRuns: 500 },
  )
})
