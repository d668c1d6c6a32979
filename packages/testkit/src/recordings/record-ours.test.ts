import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { comparable } from './document.ts'
import { ourCallGroups } from './our-calls.ts'
import { countOfNothing, recordOursListening, recordOursPolling } from './our-conversations.ts'
import { bytesOf, type Entry, parseRecording, readRecording, type Side } from './recording.ts'
import { recordingText } from './recording-text.ts'
import { type Piece, takeApart } from './take-apart.ts'

/** An entry without what differs from run to run; a response has the id of its request. */
function shapeOf(entry: Entry): readonly string[] {
  const { kind, from } = entry
  if (kind === 'control') return [kind, from, entry.text]
  if (kind === 'stream') return [kind, from, ...briefly(entry.content.toString('base64'))]
  const text = JSON.stringify(comparable(entry.document, 'own'))
  return [kind, from, ...briefly(text.replace(/(Async\[\d+\] \/ )[0-9a-f-]{36}"/, '$1<guid>"'))]
}

/** A long text by its beginning, length and digest, so that a difference can be shown. */
function briefly(text: string): readonly string[] {
  if (text.length < 4096) return [text]
  return [text.slice(0, 200), String(text.length), createHash('sha256').update(text).digest('hex')]
}

const ways = [
  { name: 'ours-listening', record: recordOursListening, nothing: 0 },
  { name: 'ours-polling', record: recordOursPolling, nothing: 2 },
] as const

for (const { name, record, nothing } of ways) {
  test(`our two sides say today what was recorded (${name}), entry for entry`, async () => {
    const today = await record()
    const recorded = readRecording(name)
    assert.equal(today.length, 1)
    assert.equal(countOfNothing(recorded), nothing)
    const messages = today.flat().filter(entry => entry.kind === 'message')
    assert.equal(messages.length, 2 * ourCallGroups.flat().length + nothing)
    assert.deepEqual(today.flat().map(shapeOf), recorded.flat().map(shapeOf))
  })
}

/** The entries as they might pass: in pieces of a size, but for those that are shorter. */
function piecesOf(entries: readonly Entry[], size: number): Piece[] {
  return entries.flatMap(entry => {
    const bytes = bytesOf(entry)
    const count = Math.ceil(bytes.length / size)
    return Array.from({ length: count }, (_, index) => ({
      from: entry.from,
      bytes: bytes.subarray(index * size, (index + 1) * size),
    }))
  })
}

test('a conversation is taken apart into its entries, whatever the pieces in which it passed', () => {
  const [, , shortest = []] = readRecording('listening')
  const [ours = []] = readRecording('ours-polling')
  for (const entries of [shortest, ours]) {
    for (const size of [5, 16_384]) {
      const again = takeApart(piecesOf(entries, size))
      assert.deepEqual(again.map(shapeOf), entries.map(shapeOf))
      assert.ok(again.every((entry, index) => bytesOf(entry).equals(bytesOf(entries[index] ?? entry))))
    }
  }
})

test('what is written as a recording is read as the same entries', () => {
  const names = ['ours-listening', 'ours-polling'] as const
  const connections: readonly (readonly Entry[])[] = names.flatMap(readRecording)
  const again = parseRecording(recordingText('two connections', connections))
  const bytes = (read: typeof connections) => read.map(entries => Buffer.concat(entries.map(bytesOf)))
  assert.ok(bytes(again).every((whole, index) => bytes(connections)[index]?.equals(whole)))
  assert.deepEqual(again.flat().map(shapeOf), connections.flat().map(shapeOf))
})

test('bytes that are no conversation, or not all of one, are refused', () => {
  const all = readRecording('ours-listening').flat()
  const cut = (from: Side, bytes: number) => {
    const whole = Buffer.concat(all.filter(entry => entry.from === from).map(bytesOf))
    return [{ from, bytes: whole.subarray(0, bytes) }]
  }
  const firstStream = all.findIndex(entry => entry.kind === 'stream')
  const before = all.slice(0, firstStream).filter(({ from }) => from === 'connector')
  const announced = Buffer.concat(before.map(bytesOf)).length
  assert.throws(() => takeApart(cut('connector', 10)), /does not begin with an identity/)
  assert.throws(() => takeApart(cut('connector', 300)), /has no end/)
  assert.throws(() => takeApart(cut('connector', announced)), /1 data streams of the connector are missing/)
  assert.throws(() => takeApart(cut('connector', announced + 20)), /data stream of the connector has no end/)
  assert.throws(() => takeApart([{ from: 'connector', bytes: Buffer.from('GET / HTTP/1.1\r\n\r\n') }]))
})
