import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { ReceivedFiles } from './received-files.ts'

test('what a killed process left behind is deleted; what others use or own stays', async t => {
  const parent = mkdtempSync(join(tmpdir(), 'received-files-'))
  t.after(() => rmSync(parent, { recursive: true, force: true }))
  const first = new ReceivedFiles(parent)
  const own = dirname((await first.create(1)).path)
  const ended = spawnSync(process.execPath, ['-e', 'process.stdout.write(String(process.pid))'], {
    encoding: 'utf8',
  })
  const leftOver = own.replace(String(process.pid), ended.stdout)
  const foreign = join(parent, 'halibut-of-somebody-else')
  for (const folder of [leftOver, foreign]) {
    mkdirSync(folder)
    writeFileSync(join(folder, 'stream'), 'half of it')
  }

  const second = new ReceivedFiles(parent)
  const { path } = await second.create(1)
  assert.equal(existsSync(leftOver), false)
  assert.ok(existsSync(foreign))
  assert.ok(existsSync(own))

  await Promise.all([first.close(), second.close()])
  assert.equal(existsSync(path), false)
  assert.deepEqual(readdirSync(parent), ['halibut-of-somebody-else'])
})
