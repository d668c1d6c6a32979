import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { endOfEntry, formatEntries, type NewEntry, parseEntry } from './log-entry.ts'

const occurred = new Date('2026-11-23T23:43:55.756Z')

test('writes entries as the original does', () => {
  const entries: NewEntry[] = [
    { source: 'StdOut', text: 'kůň 🚀 "q" \\ <&/' },
    { source: 'StdErr', text: 'tab\tbell\u0007esc\u001b' },
    { source: 'Debug', text: '' },
  ]
  assert.equal(
    formatEntries(entries, occurred),
    '["stdout","kůň 🚀 \\"q\\" \\\\ <&/","2026-11-23T23:43:55.756+00:00"]' +
      '["stderr","tab\\tbell\\u0007esc\\u001b","2026-11-23T23:43:55.756+00:00"]' +
      '["debug","","2026-11-23T23:43:55.756+00:00"]',
  )
  const separators = formatEntries([{ source: 'StdOut', text: 'a\u0085b\u2028c\u2029d\u2028' }], occurred)
  assert.match(separators, /"a\\u0085b\\u2028c\\u2029d\\u2028"/)
})

test('reads what it has written, for any text', () => {
  const entry = fc.record({
    source: fc.constantFrom<NewEntry['source']>('StdOut', 'StdErr', 'Debug'),
    text: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(']["', '"]', '\\"][\\', '\u2028"')),
  })
  fc.assert(
    fc.property(fc.array(entry), entries => {
      const bytes = Buffer.from(formatEntries(entries, occurred))
      const found = []
      for (
        let at = 0, end = endOfEntry(bytes, at);
        end !== undefined;
        at = end, end = endOfEntry(bytes, at)
      ) {
        found.push(parseEntry(bytes.toString('utf8', at, end)))
      }
      assert.deepEqual(
        found,
        entries.map(({ source, text }) => ({ source, text, occurred })),
      )
    }),
  )
})

test('reads times of seven digits, rounded down to the millisecond', () => {
  const entry = parseEntry('["stdout","x","2026-11-24T01:03:56.4166468+00:00"]')
  assert.equal(entry?.occurred.toISOString(), '2026-11-24T01:03:56.416Z')
})

test('takes nothing else for an entry', () => {
  for (const text of [
    '',
    '[]',
    '{}',
    '["stdout","x"]',
    '["other","x","2026-11-24T01:03:56+00:00"]',
    '["stdout",1,"2026"]',
    '["stdout","x","?"]',
    '["std',
  ]) {
    assert.equal(parseEntry(text), undefined, text)
  }
})
