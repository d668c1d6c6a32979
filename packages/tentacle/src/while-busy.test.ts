import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { whileBusy } from './while-busy.ts'

function refusing(code: string, times: number) {
  let tries = 0
  const action = async () => {
    tries++
    if (tries <= times) throw Object.assign(new Error(code), { code })
    return tries
  }
  return { action, tries: () => tries }
}

test('a file that is busy on Windows is tried again; elsewhere a refusal is final', async () => {
  assert.equal(await whileBusy(refusing('EPERM', 2).action, 'win32'), 3)
  const final = refusing('EPERM', 2)
  await assert.rejects(whileBusy(final.action, 'linux'), { code: 'EPERM' })
  assert.equal(final.tries(), 1)
})

test('what is not there is not waited for', async () => {
  await assert.rejects(
    whileBusy(() => readFile('/no/such/file'), 'win32'),
    { code: 'ENOENT' },
  )
})
