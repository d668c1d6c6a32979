import assert from 'node:assert/strict'
import { createDecipheriv, pbkdf2Sync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { RuntimeVariable } from '../variables/variable-list.ts'
import { encryptVariables, newFilePassword } from './variables-file.ts'

const recorded: {
  readonly password: string
  readonly keyHex: string
  readonly encryptedBase64: string
  readonly plaintext: string
} = JSON.parse(readFileSync(new URL('../../test/fixtures/variables-file-aes.json', import.meta.url), 'utf8'))

/** Reads a variables file by the description of its format alone. */
function decrypt(file: Buffer, password: string): string {
  assert.equal(file.subarray(0, 4).toString('ascii'), 'IV__')
  const key = pbkdf2Sync(password, 'Octopuss', 1_000, 32, 'sha1')
  const decipher = createDecipheriv('aes-256-cbc', key, file.subarray(4, 20))
  return Buffer.concat([decipher.update(file.subarray(20)), decipher.final()]).toString('utf8')
}

test('the recorded file of the original and ours are read in the same way', async () => {
  assert.equal(
    decrypt(Buffer.from(recorded.encryptedBase64, 'base64'), recorded.password),
    recorded.plaintext,
  )
  const variables: RuntimeVariable[] = [
    { name: 'Octopus.Environment.Name', value: 'Dev', isSensitive: false },
    { name: 'Db.Pwd', value: 's3cr€t', isSensitive: true },
  ]
  assert.equal(
    decrypt(await encryptVariables(variables, recorded.password), recorded.password),
    '[{"k":"Octopus.Environment.Name","v":"Dev","s":false},{"k":"Db.Pwd","v":"s3cr€t","s":true}]',
  )
})

test('two files with the same content differ, and so do passwords', async () => {
  const password = newFilePassword()
  assert.match(password, /^[0-9a-f]{32}$/)
  assert.notEqual(password, newFilePassword())
  assert.notDeepEqual(await encryptVariables([], password), await encryptVariables([], password))
})
