import assert from 'node:assert/strict'
import { createDecipheriv, pbkdf2Sync } from 'node:crypto'
import { isAbsolute, normalize } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { encryptScriptFile } from './encrypted-file.ts'
import { relativeName } from './script-files.ts'

test('takes names inside the workspace, with either slash', () => {
  assert.equal(relativeName('a.txt', { t: 'bash' }), 'a.txt')
  assert.equal(relativeName('sub\\deeper/a.txt', { t: 'bash' }), 'sub/deeper/a.txt')
  assert.equal(relativeName('a/../b', { t: 'bash' }), 'b')
  assert.equal(relativeName('...', { t: 'bash' }), '...')
  assert.equal(relativeName('sub/Output.log', { t: 'bash' }), 'sub/Output.log')
})

test('on Windows, names that mean another file are refused', () => {
  const named = (name: string) => relativeName(name, { t: 'powershell', program: 'pwsh' }, 'win32')
  for (const name of ['Output.log.', 'Output.log ', 'Output.log::$DATA', 'a:b', 'x./y', '.tentacle /z'])
    assert.throws(() => named(name), { code: 'ERR_INVALID_NAME' }, name)
  assert.throws(() => named('bootstrap.PS1'), { code: 'ERR_INVALID_NAME' })
  assert.equal(named('Bootstrap.sh'), 'Bootstrap.sh')
  assert.equal(named('a.b/.c'), 'a.b/.c')
})

test('never lets a name out of the workspace or onto a file of the agent', () => {
  const part = fc.constantFrom(
    '..',
    '.',
    '/',
    '\\',
    'a',
    'C:',
    '.tentacle',
    'Output.log',
    'bootstrap.SH',
    'scriptstate.json',
    '\0',
    ' ',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), parts => {
      let path: string
      try {
        path = relativeName(parts.join(''), { t: 'bash' })
      } catch (error) {
        assert.ok(error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_NAME')
        return
      }
      assert.ok(!isAbsolute(path) && path.split('/')[0] !== '..', path)
      assert.equal(normalize(path), path)
      assert.ok(!/^(\.tentacle(\/|$)|output\.log$|bootstrap\.sh$|scriptstate\.json$)/i.test(path), path)
    }),
    { numRuns: 500 },
  )
})

test('encrypts files so that the programs in scripts can read them', async () => {
  for (const text of ['', '{"Name":"žluťoučký"}', 'x'.repeat(5000)]) {
    const bytes = await encryptScriptFile(Buffer.from(`\uFEFF${text}`), 'pässword')
    assert.equal(bytes.toString('latin1', 0, 4), 'IV__')
    const key = pbkdf2Sync('pässword', 'Octopuss', 1000, 16, 'sha1')
    const decipher = createDecipheriv('aes-128-cbc', key, bytes.subarray(4, 20))
    assert.equal(decipher.update(bytes.subarray(20), undefined, 'utf8') + decipher.final('utf8'), text)
  }
})
