import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { splitArguments } from './command-line.ts'

test('splits arguments as callers quote them', () => {
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [
      ['one', '"two words"', "'$HOME'"],
      ['one', 'two words', "'$HOME'"],
    ],
    [
      ['a b', 'c\td'],
      ['a', 'b', 'c', 'd'],
    ],
    [
      ['""', 'x'],
      ['', 'x'],
    ],
    [['"a""b"'], ['a"b']],
    [['a"b c"d'], ['ab cd']],
    [['\\"quoted\\"'], ['"quoted"']],
    [['"a\\\\" b'], ['a\\', 'b']],
    [
      ['C:\\dir\\file', '\\\\server'],
      ['C:\\dir\\file', '\\\\server'],
    ],
    [['"never closed'], ['never closed']],
    [['', ' '], []],
  ]
  for (const [given, expected] of cases) assert.deepEqual(splitArguments(given), expected, given.join(' '))
})

test('gives any arguments back that were quoted by the rules', () => {
  const quote = (text: string) =>
    `"${text.replace(/(\\*)("|$)/g, (_, slashes: string, end: string) => `${slashes}${slashes}${end && '\\"'}`)}"`
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom('a', ' ', '"', '\\', '\t', "'", 'é') })),
      texts => {
        assert.deepEqual(splitArguments(texts.map(quote)), texts)
      },
    ),
  )
})
