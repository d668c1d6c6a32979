import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Rows that somebody is at work on. A number whose test is there must leave the list. */
const pending: readonly string[] = []

/** The first cells of the tables in the document that says what the numbers mean. */
function numbersInDocument(): string[] {
  const text = readFileSync(join(root, 'docs/wire/halibut-conformance.md'), 'utf8')
  return [...text.matchAll(/^\| (1[34]\.\d+) \| \S/gm)].map(([, number = '']) => number)
}

function testFiles(): string[] {
  return ['packages', 'e2e', 'bench'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(path => path.endsWith('.test.ts') && !path.includes('node_modules'))
      .map(path => join(root, folder, path)),
  )
}

/** The numbers at the beginning of a test's name: `halibut 13.4, 14.1: …`. A skipped or planned test is no test. */
const named = /\btest\(\s*(['"`])halibut ((?:1[34]\.\d+)(?:(?:, | and )1[34]\.\d+)*): /g

function numbersInTests(): Map<string, string> {
  const numbers = new Map<string, string>()
  for (const path of testFiles()) {
    for (const [, , list = ''] of readFileSync(path, 'utf8').matchAll(named)) {
      for (const number of list.split(/, | and /)) numbers.set(number, path.slice(root.length))
    }
  }
  return numbers
}

test('the document explains 66 rows and 50 traps, each once and in order', () => {
  const expected = [
    ...Array.from({ length: 66 }, (_, index) => `13.${index + 1}`),
    ...Array.from({ length: 50 }, (_, index) => `14.${index + 1}`),
  ]
  assert.deepEqual(numbersInDocument(), expected)
})

test('every row and every trap has a test that names it, except for the pending ones', () => {
  const tests = numbersInTests()
  assert.deepEqual(
    numbersInDocument().filter(number => !tests.has(number)),
    pending,
    'rows and traps without a test, on the left; `pending` is on the right and must shrink with them',
  )
})

test('no test names a row or trap that does not exist', () => {
  const known = new Set(numbersInDocument())
  const unknown = [...numbersInTests()].filter(([number]) => !known.has(number))
  assert.deepEqual(unknown, [])
})
