import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaultLimits, recommendedLimits, types } from '../src/index.ts'

const folder = join(import.meta.dirname, '..')
const readme = readFileSync(join(folder, 'README.md'), 'utf8')

/** The rows of the table whose head has this as its first cell: the cells without their backquotes. */
function tableAfter(firstHead: string): string[][] {
  const lines = readme.split('\n')
  const head = lines.findIndex(line => line.startsWith(`| ${firstHead} |`))
  assert.ok(head > 0, `a table that begins with ${firstHead}`)
  const rows: string[][] = []
  for (const line of lines.slice(head + 2)) {
    if (!line.startsWith('|')) break
    rows.push(
      line
        .split('|')
        .slice(1, -1)
        .map(cell => cell.trim().replace(/^`([^`]*)`$/, '$1')),
    )
  }
  return rows
}

/** The lines between `// #region NAME` and the next `// #endregion`. */
function regionOf(file: string, name: string): string | undefined {
  const text = readFileSync(join(folder, file), 'utf8')
  const [, rest] = text.split(`// #region ${name}\n`)
  return rest?.split('// #endregion')[0]
}

test('every block of TypeScript in the README is a region of an example, which runs in a test', () => {
  const blocks = [...readme.matchAll(/^(.*)\n```(ts|typescript|js)\n([\s\S]*?)```$/gm)]
  assert.ok(blocks.length >= 15)
  for (const [, before = '', , code] of blocks) {
    const [, file, region] = /^<!-- (examples\/[\w-]+\.ts): ([\w-]+) -->$/.exec(before) ?? []
    assert.ok(file !== undefined && region !== undefined, `the block after "${before}" names its example`)
    assert.equal(code, regionOf(file, region), `${file}: ${region}`)
  }
})

test('the README lists every example, and its links lead somewhere', () => {
  const listed = tableAfter('Example').map(([cell = '']) => /\((.*)\)/.exec(cell)?.[1])
  const examples = readdirSync(join(folder, 'examples')).map(name => `examples/${name}`)
  assert.deepEqual(listed.toSorted(), examples.toSorted())
  for (const [, target = ''] of readme.matchAll(/\]\(([^)#]+)\)/g))
    assert.ok(existsSync(join(folder, target)), target)
})

const sizes = [
  [2 ** 40, 'TiB'],
  [2 ** 20, 'MiB'],
] as const
const times = [
  [60_000, 'min'],
  [1000, 's'],
] as const

/** A limit as people write it. */
function shown(name: string, value: number | boolean | null): string {
  if (value === null) return 'none'
  if (typeof value === 'boolean') return String(value)
  const units = name.endsWith('Ms') ? times : name.includes('Bytes') ? sizes : []
  const unit = units.find(([size]) => value % size === 0)
  return unit ? `${value / unit[0]} ${unit[1]}` : value.toLocaleString('en')
}

test('the table of limits has every limit with its default and its recommended value', () => {
  const expected = Object.entries(defaultLimits).map(([name, value]) => {
    const recommended = Reflect.get(recommendedLimits, name)
    return [name, shown(name, value), recommended === value ? '' : shown(name, recommended)]
  })
  const rows = tableAfter('Limit')
  assert.deepEqual(
    rows.map(row => row.slice(0, 3)),
    expected,
  )
  for (const [name, , , meaning = ''] of rows) assert.ok(meaning.length > 3, name)
})

test('the table of errors has every code, in the order of the source', () => {
  const source = readFileSync(join(folder, 'src/errors.ts'), 'utf8')
  const union = /export type HalibutErrorCode =\n([\s\S]*?)\n\n/.exec(source)?.[1] ?? ''
  const codes = [...union.matchAll(/'(ERR_\w+)'/g)].map(match => match[1])
  assert.ok(codes.length > 20)
  assert.deepEqual(
    tableAfter('Code').map(row => row[0]),
    codes,
  )
})

test('the table of types has every word in which a contract is written', () => {
  const words = tableAfter('`types.`').map(([cell = '']) => /^\w+/.exec(cell)?.[0])
  assert.deepEqual(words, Object.keys(types))
})

test('the table of options has every option of a runtime', () => {
  const source = readFileSync(join(folder, 'src/runtime/halibut.ts'), 'utf8')
  const options = /export interface HalibutOptions \{\n([\s\S]*?)\n\}/.exec(source)?.[1] ?? ''
  const names = [...options.matchAll(/^ {2}readonly (\w+)/gm)].map(match => match[1])
  assert.ok(names.length > 10)
  const listed = tableAfter('Option').flatMap(([cell = '']) => cell.match(/\w+/g) ?? [])
  assert.deepEqual(listed, names)
})
