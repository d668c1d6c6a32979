import assert from 'node:assert/strict'
import { join, posix, win32 } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { DeployerError } from '../errors.ts'
import { entryPath } from './entry-path.ts'
import { checkLink } from './link-target.ts'

const zip = { backslashSeparates: true, platform: 'linux' } as const
const tar = { backslashSeparates: false, platform: 'linux' } as const

test('ordinary names become their parts', () => {
  assert.deepEqual(entryPath('a/b.txt', zip), ['a', 'b.txt'])
  assert.deepEqual(entryPath('./a//b/', tar), ['a', 'b'])
  assert.deepEqual(entryPath('./', tar), [])
  assert.deepEqual(entryPath('a\\b.txt', zip), ['a', 'b.txt'])
  assert.deepEqual(entryPath('dev-x\\x2dy.swap', tar), ['dev-x\\x2dy.swap'])
  assert.deepEqual(entryPath('...', tar), ['...'])
  assert.deepEqual(entryPath('a..b/..c', tar), ['a..b', '..c'])
})

for (const name of [
  '../x',
  'a/../../x',
  'a/..',
  '..',
  '..\\x',
  'a\\..\\..\\x',
  '/etc/passwd',
  '\\\\server\\share',
  'C:\\x',
  'c:/x',
  'C:',
  'a\0b',
  `${'a/'.repeat(3000)}b`,
]) {
  test(`the name ${JSON.stringify(name.slice(0, 30))} is refused`, () => {
    assert.throws(() => entryPath(name, zip), { code: 'ERR_UNSAFE_ARCHIVE' })
    assert.throws(() => entryPath(name, tar), { code: 'ERR_UNSAFE_ARCHIVE' })
  })
}

for (const name of ['a:stream', 'con', 'a/NUL.txt', 'a.', 'b ', 'x?y', 'tab\t']) {
  test(`the name ${JSON.stringify(name)} is refused on Windows`, () => {
    assert.throws(() => entryPath(name, { ...tar, platform: 'win32' }), { code: 'ERR_UNSAFE_ARCHIVE' })
    assert.ok(entryPath(name, tar).length > 0)
  })
}

const hostilePart = fc.constantFrom(
  '..',
  '.',
  '',
  'a',
  'b.txt',
  '...',
  'C:',
  'c:x',
  '\\',
  '..\\',
  '\0',
  'con',
  ' ',
  '%2e%2e',
)
const hostileName = fc
  .tuple(fc.array(fc.oneof(hostilePart, fc.string()), { maxLength: 8 }), fc.constantFrom('/', '\\', '//'))
  .map(([parts, separator]) => parts.join(separator))

test('whatever an entry is called, its path is inside of the folder on every system', () => {
  fc.assert(
    fc.property(
      hostileName,
      fc.boolean(),
      fc.constantFrom('linux', 'win32'),
      (name, backslashSeparates, platform) => {
        const system = platform === 'win32' ? win32 : posix
        const root = platform === 'win32' ? 'D:\\root\\folder' : '/root/folder'
        let path: string[]
        try {
          path = entryPath(name, { backslashSeparates, platform })
        } catch (error) {
          assert.ok(error instanceof DeployerError && error.code === 'ERR_UNSAFE_ARCHIVE')
          return
        }
        const resolved = system.resolve(root, ...path)
        assert.ok(resolved === root || resolved.startsWith(root + system.sep), resolved)
        assert.equal(
          system
            .relative(root, resolved)
            .split(system.sep)
            .filter(part => part !== '').length,
          path.length,
        )
      },
    ),
    { numRuns: 5000 },
  )
})

test('links that stay inside are allowed, also to what does not exist', () => {
  const links = new Map([['current', 'v2']])
  assert.equal(checkLink(['current'], 'v2', links), undefined)
  assert.equal(checkLink(['a', 'b'], '../c/./d', links), undefined)
  assert.equal(checkLink(['a', 'b'], '..', links), undefined)
})

test('links that lead out are found out, through other links as well', () => {
  const links = new Map([
    ['a/up', '..'],
    ['far', '/etc'],
    ['x', 'y'],
    ['y', 'x'],
  ])
  assert.equal(checkLink(['l'], '..', links), 'outside')
  assert.equal(checkLink(['a', 'l'], '../../x', links), 'outside')
  assert.equal(checkLink(['l'], 'a/up/..', links), 'outside')
  assert.equal(checkLink(['l'], 'far/passwd', links), 'absolute')
  assert.equal(checkLink(['l'], '/etc', links), 'absolute')
  assert.equal(checkLink(['l'], 'C:\\x', links), 'absolute')
  assert.equal(checkLink(['l'], 'x/z', links), 'circle')
})

/** Follows links as a system would, starting deep inside so that leaving the root is visible. */
function realPlace(path: readonly string[], links: ReadonlyMap<string, string>): string | undefined {
  const root = ['d0', 'd1', 'd2', 'd3', 'd4', 'd5', 'd6', 'd7', 'd8', 'd9']
  const place = [...root]
  const ahead = [...path]
  for (let steps = 0; ahead.length > 0; steps += 1) {
    if (steps > 1000) return undefined
    const part = ahead.shift() ?? ''
    if (part === '..') {
      place.pop()
      continue
    }
    place.push(part)
    const link =
      place.slice(0, root.length).join('/') === root.join('/')
        ? links.get(place.slice(root.length).join('/'))
        : undefined
    if (link === undefined) continue
    place.pop()
    ahead.unshift(...link.split('/'))
  }
  return join('/', ...place)
}

test('no set of links that is accepted leads out of the folder', () => {
  const name = fc.constantFrom('a', 'b', 'c')
  const path = fc.array(name, { minLength: 1, maxLength: 3 })
  const target = fc.array(fc.oneof(name, fc.constant('..')), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(fc.array(fc.tuple(path, target), { maxLength: 6 }), entries => {
      const links = new Map(entries.map(([where, to]) => [where.join('/'), to.join('/')]))
      // Links never lie below links: extraction refuses that.
      fc.pre(![...links.keys()].some(key => [...links.keys()].some(other => key.startsWith(`${other}/`))))
      if ([...links].some(([where, to]) => checkLink(where.split('/'), to, links) !== undefined)) return
      for (const where of links.keys()) {
        const place = realPlace(where.split('/'), links)
        assert.ok(place === undefined || place.startsWith('/d0/d1/d2/d3/d4/d5/d6/d7/d8/d9'), place)
      }
    }),
    { numRuns: 5000 },
  )
})
