import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProcessOutput } from '@tentacle/contracts'
import fc from 'fast-check'
import { EntryScanner } from './entry-scanner.ts'
import { formatEntries, type NewEntry } from './log-entry.ts'

const occurred = new Date('2026-11-23T23:43:55.756Z')
const later = new Date('2026-11-23T23:43:56Z')

/** All entries up to what cannot be read, and what that is. */
function scan(text: string | Buffer) {
  const scanner = new EntryScanner(Buffer.from(text))
  const entries: ProcessOutput[] = []
  let next = scanner.next()
  for (; typeof next === 'object'; next = scanner.next()) entries.push(next)
  return { entries, end: next, at: scanner.at }
}

const newEntry = fc.record({
  source: fc.constantFrom<NewEntry['source']>('StdOut', 'StdErr', 'Debug'),
  text: fc.oneof(
    fc.string({ unit: 'grapheme-ascii' }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(']["', '"]', '\\', '\\"][\\', '","2026-11-23T23:43:55.756+00:00"]', '"', '\u2028"'),
  ),
})

test('reads what was written, for any text, and goes on where the bytes were cut', () => {
  fc.assert(
    fc.property(fc.array(newEntry), fc.array(newEntry), fc.nat(), (first, second, cut) => {
      const bytes = Buffer.from(formatEntries(first, occurred) + formatEntries(second, later))
      const expected = [
        ...first.map(entry => ({ ...entry, occurred })),
        ...second.map(entry => ({ ...entry, occurred: later })),
      ]
      assert.deepEqual(scan(bytes), { entries: expected, end: 'cut', at: bytes.length })
      const begun = scan(bytes.subarray(0, cut % (bytes.length + 1)))
      const rest = scan(bytes.subarray(begun.at))
      assert.equal(begun.end, 'cut')
      assert.deepEqual([...begun.entries, ...rest.entries], expected)
    }),
  )
})

test('reads entries that are written in another way', () => {
  for (const text of [
    '["stdout","a\\u00e9\\/b","2026-11-24T01:03:56.4166468+00:00"]',
    '["stdout","aé/b","2026-11-24T02:03:56.4166468+01:00"]',
    ' [ "stdout" , "aé/b" , "2026-11-24T01:03:56.4166468Z" ] ',
  ]) {
    const { entries, end } = scan(text)
    assert.deepEqual(entries, [
      { source: 'StdOut', text: 'aé/b', occurred: new Date('2026-11-24T01:03:56.416Z') },
    ])
    assert.equal(end, 'cut')
  }
})

test('tells what is damaged from what goes on, and reads what stands before it', () => {
  const good = formatEntries([{ source: 'StdOut', text: 'good' }], occurred)
  for (const damaged of [
    '["stdout","a""b","2026-11-23T23:43:55.756+00:00"]',
    '["stdout","\\x","2026-11-23T23:43:55.756+00:00"]',
    '["stdout","a\0b","2026-11-23T23:43:55.756+00:00"]',
    '["stdout","a","yesterday"]',
    '["stdin","a","2026-11-23T23:43:55.756+00:00"]',
    '["stdout","a"]',
  ]) {
    const { entries, end, at } = scan(good + damaged + good)
    assert.deepEqual([entries.length, end, at], [1, 'damaged', good.length], damaged)
  }
})
