import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { replaceInJson } from '../src/structured/json-replacer.ts'
import { NotThisFormatError, type ReplacementSource } from '../src/structured/replacement.ts'
import { replaceInYaml } from '../src/structured/yaml-replacer.ts'
import { ExecutionVariables } from '../src/variables/execution-variables.ts'

/** One row of fixtures/structured-config.json: `expected` is the original's answer, `better` what it should have been. */
interface Row {
  readonly name: string
  readonly format: 'json' | 'yaml' | 'xml'
  readonly input: string
  readonly variables: Record<string, string>
  readonly expected?: string
  readonly better?: string
  readonly error?: 'parse'
  readonly warning?: boolean
}

const rows: Row[] = JSON.parse(
  readFileSync(new URL('./fixtures/structured-config.json', import.meta.url), 'utf8'),
)

/** Rows whose text differs from the original's although it means the same, with the reason. */
const sameMeaning: Readonly<Record<string, string>> = {
  'json duplicate keys, last kept': 'the first of two equal keys stays; readers take the last',
  'yaml mapping replaced by block fragment': 'the lines of the value keep their indentation',
  'yaml multi-line value into a plain scalar': 'line breaks are written as \\n in double quotes',
}

function run(row: Row): { text: string; warnings: string[] } {
  const warnings: string[] = []
  const variables = new ExecutionVariables()
  for (const [name, value] of Object.entries(row.variables)) variables.set(name, value)
  const names = new Map(variables.names().map(name => [name.toLowerCase(), name]))
  const source: ReplacementSource = {
    valueFor(path) {
      const name = path.startsWith('octopus') && !path.startsWith('octopus:') ? undefined : names.get(path)
      return name === undefined ? undefined : variables.get(name)
    },
    warn: message => warnings.push(message),
  }
  const { text } = (row.format === 'json' ? replaceInJson : replaceInYaml)(row.input, source)
  return { text, warnings }
}

for (const row of rows.filter(({ format }) => format !== 'xml')) {
  test(`structured variables: ${row.name}`, () => {
    if (row.error === 'parse') {
      assert.throws(() => run(row), NotThisFormatError)
      return
    }
    const { text, warnings } = run(row)
    assert.equal(warnings.length > 0, row.warning === true, warnings.join())
    if (row.format === 'json') {
      if (row.name in sameMeaning) assert.deepEqual(JSON.parse(text), JSON.parse(row.expected ?? ''))
      else assert.equal(text, row.better ?? row.expected)
      return
    }
    // The original lays out lists anew; here they stay, so only rows without one are compared as text.
    const wanted = row.better ?? row.expected ?? ''
    assert.deepEqual(meaning(text), meaning(wanted))
    if (!(row.name in sameMeaning) && !/tags:/.test(row.input)) assert.equal(text, wanted)
    if (/tags:/.test(row.input) && text !== row.input)
      assert.equal(changedLines(row.input, text) <= 5, true, text)
  })
}

function meaning(text: string): unknown {
  const documents = parseAllDocuments(text, { uniqueKeys: false })
  return 'empty' in documents ? [] : documents.map(document => document.toJS())
}

function changedLines(before: string, after: string): number {
  const kept = new Set(before.split('\n'))
  return before.split('\n').length - after.split('\n').filter(line => kept.has(line)).length
}

test('everything beside the replaced value stays, character by character', () => {
  const input =
    '# head\n\nlist:   [ 1,2 ,3 ]   # odd spacing\nserver:\n    - name: "a"   # first\n      port:   80\n\n\nend: ~\n'
  const { text } = run({
    name: '',
    format: 'yaml',
    input,
    variables: { 'server:0:port': '81', 'LIST:1': 'two' },
  })
  assert.equal(text, input.replace('80', '81').replace('2 ,', 'two ,'))
})

test('a value in YAML is quoted exactly where it would mean something else', () => {
  const write = (value: string, input = 'a: x\n') =>
    run({ name: '', format: 'yaml', input, variables: { a: value, 'a:0': value } }).text
  for (const value of [
    'x: y',
    '# c',
    'a #b',
    '- x',
    '',
    ' lead',
    'tail ',
    '"q"',
    "it's",
    '{x}',
    '[',
    '*x',
    '&x',
    '!t',
    '%x',
    '@x',
    '|',
    'a\nb',
    '\u0001',
    'k:',
    '日本 é',
  ]) {
    const [document] = parseAllDocuments(write(value))
    assert.equal(document && 'toJS' in document ? document.toJS().a : undefined, value, write(value))
    const [inFlow] = parseAllDocuments(write(value, 'a: [x, y]\n'))
    assert.ok(inFlow !== undefined)
  }
  assert.equal(write('a, b', 'a: [x, y]\n').includes('a, b'), true)
})

test('a key without a value gets one', () => {
  assert.equal(
    run({ name: '', format: 'yaml', input: 'a:\nb: 1\n', variables: { a: 'x' } }).text,
    'a: x\nb: 1\n',
  )
})

test('a block stays a block with the indentation it has', () => {
  const input = 'a: >-\n    one\n    two\nb: 1\n'
  assert.equal(
    run({ name: '', format: 'yaml', input, variables: { a: 'x\n\ny' } }).text,
    'a: |-\n    x\n\n    y\nb: 1\n',
  )
  assert.equal(run({ name: '', format: 'yaml', input, variables: { a: '  x' } }).text, 'a: "  x"\nb: 1\n')
})

test('JSON that is nested too deeply is refused, not followed', () => {
  assert.throws(
    () => run({ name: '', format: 'json', input: '['.repeat(100_000), variables: {} }),
    NotThisFormatError,
  )
})
