import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openHome } from './home-folder.ts'
import { QuickstartError } from './options.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'quickstart-home-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('what one start saves the next one finds, and nobody else can read it', t => {
  const path = join(folder(t), 'below', 'that')
  const first = openHome(path)
  const { adminPassword } = first.load()
  first.save({ nextRelease: 4 })
  assert.deepEqual(openHome(path).load(), { adminPassword, nextRelease: 4 })
  assert.equal(statSync(join(path, 'quickstart.json')).mode & 0o777, 0o600)
})

test('a damaged file is named, not overwritten', t => {
  const path = folder(t)
  writeFileSync(join(path, 'quickstart.json'), '{')
  assert.throws(() => openHome(path).load(), /quickstart\.json is damaged/)
})

for (const impossible of ['/proc/nowhere/home', '/dev/null/home']) {
  test(`${impossible} is refused with a sentence`, () => {
    assert.throws(() => openHome(impossible), QuickstartError)
  })
}
