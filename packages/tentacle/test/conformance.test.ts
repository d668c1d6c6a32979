import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cliChecklist } from './cli-checklist.ts'
import { readRows } from './cli-row.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Rows without a test, and why. A number whose test is there must leave the list. */
const pending: Readonly<Record<string, string>> = {}

/** The first cells of the table in the document that says what the numbers mean. */
function numbersInDocument(): string[] {
  const text = readFileSync(join(root, 'docs/wire/tentacle-conformance.md'), 'utf8')
  return [...text.matchAll(/^\| (12\.\d+) \| \S/gm)].map(([, number = '']) => number)
}

function testFiles(): string[] {
  return ['packages', 'e2e', 'bench'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(path => path.endsWith('.test.ts') && !path.includes('node_modules'))
      .map(path => join(root, folder, path)),
  )
}

/** The numbers at the beginning of a test's name: `tentacle 12.4, 12.5: …`. A skipped or planned test is no test. */
const named = /\btest\(\s*(['"`])tentacle (12\.\d+(?:(?:, | and )12\.\d+)*): /g

function numbersInTests(): Map<string, string> {
  const numbers = new Map<string, string>()
  const recordings = [
    ...readRows().map(({ name }) => name),
    ...readdirSync(join(import.meta.dirname, 'fixtures/server-api')).map(name => name.replace('.jsonl', '')),
  ]
  for (const { row, recordings: pattern } of cliChecklist) {
    if (recordings.some(name => pattern.test(name)))
      numbers.set(row, 'packages/tentacle/test/cli-checklist.ts')
  }
  for (const path of testFiles()) {
    for (const [, , list = ''] of readFileSync(path, 'utf8').matchAll(named)) {
      for (const number of list.split(/, | and /)) numbers.set(number, path.slice(root.length))
    }
  }
  return numbers
}

test('the document explains 70 rows, each once and in order', () => {
  assert.deepEqual(
    numbersInDocument(),
    Array.from({ length: 70 }, (_, index) => `12.${index + 1}`),
  )
})

test('every row has a test that names it, except for the pending ones', () => {
  const tests = numbersInTests()
  assert.deepEqual(
    numbersInDocument().filter(number => !tests.has(number)),
    Object.keys(pending),
    'rows without a test, on the left; `pending` is on the right and must shrink with them',
  )
})

test('no test names a row that does not exist', () => {
  const known = new Set(numbersInDocument())
  const unknown = [...numbersInTests()].filter(([number]) => !known.has(number))
  assert.deepEqual(unknown, [])
})
