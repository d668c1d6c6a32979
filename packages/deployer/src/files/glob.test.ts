import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { findPaths } from './find-files.ts'
import { matchesGlob, parseGlob } from './glob.ts'

const matches = (pattern: string, path: string, ignoreCase = false) =>
  parseGlob(pattern).some(parts => matchesGlob(parts, path.split('/'), ignoreCase))

for (const [pattern, path, expected] of [
  ['*.txt', 'a.txt', true],
  ['*.txt', 'a/b.txt', false],
  ['*.txt', '.txt', true],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['**/*.txt', 'b.txt', true],
  ['**/*.txt', 'a/b/c.txt', true],
  ['a/**', 'a/b/c', true],
  ['a/**/z', 'a/z', true],
  ['a/**/z', 'a/b/c/z', true],
  ['a/**/z', 'a/b/c', false],
  ['[ab].x', 'b.x', true],
  ['[a-c].x', 'b.x', true],
  ['[!ab].x', 'b.x', false],
  ['[!ab].x', 'c.x', true],
  ['[].x', '[].x', true],
  ['a[b', 'a[b', true],
  ['*.{json,yml}', 'a.yml', true],
  ['*.{json,yml}', 'a.xml', false],
  ['{a,b{c,d}}x', 'bdx', true],
  ['{a,b', '{a,b', true],
  ['{a}', '{a}', true],
  ['a\\b', 'a/b', true],
  ['./a/./b', 'a/b', true],
  ['*', 'a', true],
  ['a*b*c', 'aXbYbZc', true],
  ['日?', '日\u{1f600}', true],
  ['app.config', 'APP.config', false],
] as const) {
  test(`${pattern} ${expected ? 'matches' : 'does not match'} ${path}`, () =>
    assert.equal(matches(pattern, path), expected))
}

test('case counts only where the file system says so', () => assert.ok(matches('[A-C]pp.*', 'bPP.X', true)))

/** The same question, answered by a regular expression. */
function asRegExp(pattern: string): RegExp {
  const name = (part: string) =>
    part
      .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
      .replace(/\*+/g, '[^/]*')
      .replace(/\?/g, '[^/]')
  return new RegExp(`^${pattern.split('/').map(name).join('/')}$`, 's')
}

test('patterns of stars and question marks mean what they always mean', () => {
  const name = fc
    .string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), minLength: 1, maxLength: 8 })
    .filter(text => text !== '**' && text !== '.')
  const path = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(
      fc.array(name, { minLength: 1, maxLength: 3 }),
      fc.array(path, { minLength: 1, maxLength: 3 }),
      (parts, names) => {
        fc.pre(!parts.some(part => /^\*{2,}$/.test(part)))
        assert.equal(
          matches(parts.join('/'), names.join('/')),
          asRegExp(parts.join('/')).test(names.join('/')),
        )
      },
    ),
    { numRuns: 3000 },
  )
})

test('a name that is a pattern of itself matches, whatever is in it', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), name => {
      fc.pre(!/[*?[\]{}\\/]/.test(name) && name !== '.')
      assert.ok(matches(name, name))
      assert.ok(matches(`**/${name}`, `x/y/${name}`))
    }),
  )
})

test('no pattern takes long', () => {
  const started = performance.now()
  matches('a*'.repeat(200), 'a'.repeat(5000))
  matches(`${'**/'.repeat(300)}x`, 'a/'.repeat(300))
  matches('{a,b}'.repeat(30), 'a'.repeat(30))
  assert.ok(performance.now() - started < 10_000)
})

test('files are found below a folder, links to folders are not followed by **', async t => {
  const root = mkdtempSync(join(tmpdir(), 'glob-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const file of ['a.json', 'b/c.json', 'b/d/e.json', 'b/d/f.txt', '.hidden/g.json']) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), '')
  }
  symlinkSync('..', join(root, 'b', 'up'))
  const find = async (pattern: string) => (await findPaths(root, pattern)).map(path => relative(root, path))
  assert.deepEqual(await find('**/*.json'), ['.hidden/g.json', 'a.json', 'b/c.json', 'b/d/e.json'])
  assert.deepEqual(await find('b/*.json'), ['b/c.json'])
  assert.deepEqual(await find('b\\d\\{e,f}.*'), ['b/d/e.json', 'b/d/f.txt'])
  assert.deepEqual(await find('a.json'), ['a.json'])
  assert.deepEqual(await find('nothing/*'), [])
  assert.deepEqual(await find('b/up/a.json'), ['b/up/a.json'])
  assert.deepEqual(await find(join(root, 'b', '**', '*.txt')), ['b/d/f.txt'])
})
