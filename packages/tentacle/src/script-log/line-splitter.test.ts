import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LineSplitter } from './line-splitter.ts'

/** All lines of an input that comes in chunks of the given sizes, and how far it was done in the end. */
function split(input: Buffer, sizes: readonly number[], maxBytes?: number) {
  const splitter = new LineSplitter(maxBytes === undefined ? {} : { maxBytes })
  const lines: string[] = []
  for (let at = 0, turn = 0; at < input.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    lines.push(...splitter.push(input.subarray(at, at + size)).lines)
    at += size
  }
  const last = splitter.finish()
  lines.push(...last.lines)
  return { lines, doneBytes: last.doneBytes }
}

/** What the lines are by definition, with the whole input at hand. */
function linesOf(input: Buffer): string[] {
  const lines = input.toString('utf8').split(/\r\n|\n|\r/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/** Bytes among which ends of lines and broken characters are common. */
const bytes = fc
  .array(fc.constantFrom(0x0a, 0x0d, 0x41, 0xc3, 0xa9, 0xff, 0xe2, 0x82, 0xac, 0x00), { maxLength: 60 })
  .map(list => Buffer.from(list))

test('finds the same lines whatever the chunks, and is done with all bytes in the end', () => {
  fc.assert(
    fc.property(
      bytes,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
      (input, sizes) => {
        const { lines, doneBytes } = split(input, sizes)
        assert.deepEqual(lines, linesOf(input))
        assert.equal(doneBytes, input.length)
      },
    ),
  )
})

test('goes on at any place that was done as if it had never stopped', () => {
  fc.assert(
    fc.property(bytes, fc.integer({ min: 0, max: 60 }), (input, cut) => {
      const first = new LineSplitter()
      const { lines, doneBytes } = first.push(input.subarray(0, cut))
      const isAfterReturn = doneBytes > 0 && input[doneBytes - 1] === 0x0d
      const second = new LineSplitter({ doneBytes, isAfterReturn })
      const rest = second.push(input.subarray(doneBytes)).lines
      assert.deepEqual([...lines, ...rest, ...second.finish().lines], linesOf(input))
    }),
  )
})

test('ends a line at a carriage return at once, and drops a line feed that comes later', () => {
  const splitter = new LineSplitter()
  assert.deepEqual(splitter.push(Buffer.from('50%\r')), { lines: ['50%'], doneBytes: 4 })
  assert.deepEqual(splitter.push(Buffer.from('\n')), { lines: [], doneBytes: 5 })
  assert.deepEqual(splitter.push(Buffer.from('\n')), { lines: [''], doneBytes: 6 })
})

test('cuts a line that never ends, but no character, and loses nothing of it', () => {
  const text = 'é€🚀'.repeat(40)
  for (const size of [1, 2, 7, 64]) {
    const { lines, doneBytes } = split(Buffer.from(text), [size], 50)
    assert.ok(lines.length > 3)
    assert.equal(lines.join(''), text)
    assert.equal(doneBytes, Buffer.byteLength(text))
  }
})
