import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineReader } from './line-reader.ts'

const text = 'one\r\ntwo é 日本 \u{1f600}\n\n##octopus[a]\nno end'
const lines = ['one', 'two é 日本 \u{1f600}', '', '##octopus[a]', 'no end']

for (const size of [1, 2, 7, 64, 65_536]) {
  test(`lines are the same from packets of ${size} bytes`, () => {
    const bytes = Buffer.from(text)
    const read: string[] = []
    const reader = new LineReader(line => read.push(line))
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size))
    assert.equal(reader.isInLine, true)
    reader.end()
    assert.deepEqual(read, lines)
  })
}

test('a line without end keeps no more than its first part', () => {
  const read: string[] = []
  const reader = new LineReader(line => read.push(line))
  const block = Buffer.alloc(1024 * 1024, 'x')
  for (let count = 0; count < 40; count += 1) reader.push(block)
  reader.push(Buffer.from('\nnext\n'))
  assert.equal(read.length, 2)
  assert.ok((read[0]?.length ?? 0) <= 17 * 1024 * 1024)
  assert.equal(read[1], 'next')
})
