import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { evaluate, isTruthy, TemplateError, Variables } from '../src/index.ts'

/** One row of fixtures/octostache.json: what the original library answered. */
interface Row {
  readonly name: string
  readonly group: string
  readonly variables: Record<string, string | null>
  readonly template: string
  readonly expected: string | null
  readonly error?: string
  readonly op?: 'get' | 'raw' | 'truthy' | 'indexes'
  readonly haltOnError?: boolean
}

/** Rows that are answered otherwise on purpose, with the reason and with what is answered instead. */
const waived: Readonly<Record<string, { readonly reason: string; readonly instead: string }>> = {
  'quirk: negative json index throws': {
    reason: 'an index outside of the array is empty text, whichever side it is on; a crash helps nobody',
    instead: '',
  },
  'quirk: json text that looks like a date is reformatted': {
    reason: 'text in a JSON document stays as it is written; a date in another form would be a silent change',
    instead: '2024-01-02T03:04:05Z',
  },
}

const thrown: Readonly<Record<string, string>> = {
  'throws:RecursiveDefinitionException': 'ERR_RECURSIVE_DEFINITION',
  'throws:FormatException': 'ERR_INVALID_BASE64',
}

const rows: Row[] = JSON.parse(readFileSync(new URL('./fixtures/octostache.json', import.meta.url), 'utf8'))

function answer(row: Row, variables: Variables): string | null {
  switch (row.op) {
    case 'get':
      return variables.get(row.template) ?? null
    case 'raw':
      return variables.getRaw(row.template) ?? null
    case 'truthy':
      return String(isTruthy(row.template, variables))
    case 'indexes':
      return variables.indexes(row.template).join('|')
    default: {
      const evaluation = evaluate(row.template, variables, { haltOnError: row.haltOnError ?? true })
      const problem =
        evaluation.error?.kind === 'missing'
          ? `missing:${quoted(evaluation.missing)}`
          : evaluation.error?.kind
      assert.equal(problem, row.error, 'the reported problem')
      return evaluation.isNull ? null : evaluation.text
    }
  }
}

function quoted(tokens: readonly string[]): string {
  return tokens.map(token => `'${token}'`).join(', ')
}

for (const row of rows) {
  const waiver = waived[row.name]
  test(`octostache ${row.group}: ${row.name}${waiver === undefined ? '' : ' (answered otherwise on purpose)'}`, () => {
    const variables = new Variables(Object.entries(row.variables))
    if (waiver !== undefined) {
      assert.equal(evaluate(row.template, variables).text, waiver.instead, waiver.reason)
      return
    }
    const code = row.error === undefined ? undefined : thrown[row.error]
    if (code === undefined) assert.equal(answer(row, variables), row.expected)
    else
      assert.throws(
        () => answer(row, variables),
        error => error instanceof TemplateError && error.code === code,
      )
  })
}

test('every row that is answered otherwise is a row of the recordings', () => {
  const names = new Set(rows.map(row => row.name))
  assert.equal(rows.length, 289)
  assert.deepEqual(
    Object.keys(waived).filter(name => !names.has(name)),
    [],
  )
})
