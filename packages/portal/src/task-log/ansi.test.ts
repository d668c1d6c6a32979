import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { columnsOf, longestShownLine, type Span, toSpans } from './ansi.ts'

/** The parts of a span that are set. */
function looks(line: string): unknown[] {
  return toSpans(line).map(span => Object.fromEntries(Object.entries(span).filter(([, value]) => value)))
}

test('a line without colours is one part', () => {
  assert.deepEqual(looks('plain'), [{ text: 'plain' }])
})

test('colours and styles become parts', () => {
  assert.deepEqual(looks('\u001b[32mok\u001b[0m and \u001b[1;91mbad\u001b[0m'), [
    { text: 'ok', color: 'green' },
    { text: ' and ' },
    { text: 'bad', color: 'bright-red', bold: true },
  ])
})

test('backgrounds, italics and underlines are kept', () => {
  assert.deepEqual(looks('\u001b[3;4;43mx'), [
    { text: 'x', background: 'yellow', italic: true, underline: true },
  ])
})

test('exact colours are kept as numbers', () => {
  assert.deepEqual(looks('\u001b[38;2;1;2;3mx'), [{ text: 'x', exactColor: '1, 2, 3' }])
  assert.deepEqual(looks('\u001b[38;5;208mx'), [{ text: 'x', exactColor: '255, 135, 0' }])
  assert.deepEqual(looks('\u001b[48;5;244mx'), [{ text: 'x', exactBackground: '128, 128, 128' }])
})

test('cursor moves, titles and links are left out', () => {
  const line =
    '\u001b]0;title\u0007\u001b[2Kone\u001b[1G\u001b]8;;https://example.test\u001b\\two\u001b]8;;\u001b\\\u001b[?25l'
  assert.equal(textOf(line), 'onetwo')
})

test('tabs go to the next stop, whatever the colours before them', () => {
  assert.equal(textOf('ab\tc'), 'ab      c')
  assert.equal(textOf('\u001b[31mab\u001b[0m\tc'), 'ab      c')
})

test('a line of a megabyte is cut', () => {
  const shown = textOf('x'.repeat(1_000_000))
  assert.equal(shown.length, longestShownLine + 2)
  assert.equal(columnsOf('x'.repeat(1_000_000)), longestShownLine)
})

test('columns are those of what is seen', () => {
  assert.equal(columnsOf('\u001b[32mgreen\u001b[0m'), 5)
  assert.equal(columnsOf('日本'), 4)
  assert.equal(columnsOf('a\tb'), 9)
})

test('no text makes it fail, and text without escapes stays as it is', () => {
  const anything = fc.string({ unit: 'binary', maxLength: 60 })
  const controls = fc.constantFrom('\u001b[', '\u001b]', '\u001b', '31m', '38;5;', 'm', '\u0007', '\t', 'ö')
  fc.assert(
    fc.property(fc.array(fc.oneof(anything, controls)), parts => {
      const line = parts.join('')
      const spans: readonly Span[] = toSpans(line)
      assert.ok(Number.isInteger(columnsOf(line)))
      if (!line.includes('\u001b') && !line.includes('\t'))
        assert.equal(spans.map(({ text }) => text).join(''), line)
    }),
  )
})

function textOf(line: string): string {
  return toSpans(line)
    .map(({ text }) => text)
    .join('')
}
