import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { quote } from './bash-bootstrap.ts'
import { splitParameters } from './split-parameters.ts'

test('whatever a value is, bash reads it as one word with exactly that text', () => {
  const value = fc.string({
    unit: fc.oneof(
      fc.constantFrom("'", '"', '\\', '$', '`', '\n', '\r', ' ', '!', '*', '~', '#', '%'),
      fc.string({ unit: 'grapheme', maxLength: 1 }),
    ),
  })
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 50 }), values => {
      const wanted = values.map(text => text.replaceAll('\0', ''))
      const script = `for word in ${wanted.map(quote).join(' ')}; do printf '%s\\0' "$word"; done`
      const output = execFileSync('bash', ['-s'], { input: script }).toString()
      assert.deepEqual(output.split('\0').slice(0, -1), wanted)
    }),
    { numRuns: 20 },
  )
})

test('NUL characters, which no shell knows, are left out', () => assert.equal(quote('a\0b'), "'ab'"))

for (const [text, words] of [
  ['', []],
  ['  a  b ', ['a', 'b']],
  [`"a b" 'c "d"' e"f"g`, ['a b', 'c "d"', 'efg']],
  [`"say \\"hi\\" \\\\ \\n"`, ['say "hi" \\ \\n']],
  [`'' ""`, ['', '']],
  ['C:\\dir\\x', ['C:\\dir\\x']],
  [`"open`, ['open']],
] as const) {
  test(`the parameters ${JSON.stringify(text)} are ${words.length}`, () =>
    assert.deepEqual(splitParameters(text), words))
}
