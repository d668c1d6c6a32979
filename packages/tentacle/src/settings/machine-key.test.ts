import assert from 'node:assert/strict'
import { createCipheriv, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { TentacleError } from '../errors.ts'
import { createSecretBox } from './machine-key.ts'

async function machine(t: TestContext, machineId: string | undefined) {
  const folder = await mkdtemp(join(tmpdir(), 'tentacle-key-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const machineIdFile = join(folder, 'machine-id')
  if (machineId !== undefined) await writeFile(machineIdFile, machineId)
  const generatedKeyFiles = [join(folder, 'etc', 'machinekey'), join(folder, 'own', 'machinekey')] as const
  return {
    folder,
    machineIdFile,
    generatedKeyFiles,
    box: createSecretBox({ machineIdFile, generatedKeyFiles }),
  }
}

describe('secrets of settings files', () => {
  for (const [secret, sealed] of [
    ['p@ss word1', 'v5995TKrMjnpTWlPtcz71w=='],
    ['žluť🚀', 'NWHJI51gCUNclORqivRKIQ=='],
  ] as const) {
    test(`are sealed to the byte as recorded: ${secret}`, async t => {
      const { box } = await machine(t, '0123456789abcdef0123456789abcdef\n')
      assert.equal(await box.encrypt(secret), sealed)
      assert.equal(await box.decrypt(sealed), secret)
    })
  }

  test('tentacle 12.20: come back whatever they are', async t => {
    const { box } = await machine(t, '0123456789abcdef0123456789abcdef')
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async secret => {
        assert.equal(await box.decrypt(await box.encrypt(secret)), secret)
      }),
      { numRuns: 30 },
    )
  })

  test('tentacle 12.20: are opened with a key file that the original made', async t => {
    const { box, generatedKeyFiles } = await machine(t, undefined)
    await box.encrypt('makes the folder')
    await writeFile(
      generatedKeyFiles[0],
      '/b5EI3+tEQd0Suc+CY+tredrjMXonqVJcRkd3NggBMA=.H2uqyjWTjNKWlqq5l+/9Tg==',
    )
    assert.equal(await box.decrypt('2Iz+thxuXZWCB7RwN/cegA=='), 'secret1')
  })

  test('are opened in the form with a vector of its own for each', async t => {
    const { box, generatedKeyFiles } = await machine(t, '0123456789abcdef0123456789abcdef')
    const key = randomBytes(32)
    await mkdir(dirname(generatedKeyFiles[1]))
    await writeFile(generatedKeyFiles[1], `${key.toString('base64')}.${randomBytes(16).toString('base64')}`)
    const iv = randomBytes(16)
    const cipher = createCipheriv('aes-256-cbc', key, iv)
    const sealed = Buffer.concat([iv, cipher.update('žluť', 'utf8'), cipher.final()]).toString('base64')
    assert.equal(await box.decrypt(`$OctopusMachineKeyV1$${sealed}`), 'žluť')
    await assert.rejects(box.decrypt(`$OctopusMachineKeyV1$${sealed.slice(0, 20)}`), { code: 'ERR_SECRET' })
    await assert.rejects(box.decrypt('$OctopusMachineKeyV1$'), { code: 'ERR_SECRET' })
  })

  test('tentacle 12.20: get a key file that only its owner can read where the machine id is of no use', async t => {
    const { box, generatedKeyFiles } = await machine(t, 'too short\n')
    const sealed = await box.encrypt('secret')
    const key = await readFile(generatedKeyFiles[0], 'utf8')
    assert.match(key, /^[A-Za-z0-9+/]{43}=\.[A-Za-z0-9+/]{22}==$/)
    assert.equal((await stat(generatedKeyFiles[0])).mode & 0o777, 0o600)
    assert.equal(await box.decrypt(sealed), 'secret')
  })

  test('tentacle 12.20: stay readable when the machine id appears later', async t => {
    const { box, machineIdFile } = await machine(t, undefined)
    const sealed = await box.encrypt('secret')
    await writeFile(machineIdFile, 'ffffffffffffffffffffffffffffffff\n')
    assert.equal(await box.decrypt(sealed), 'secret')
  })

  test('are all sealed with one key, however many processes find none at once', async t => {
    const { machineIdFile, generatedKeyFiles } = await machine(t, undefined)
    const boxes = Array.from({ length: 10 }, () => createSecretBox({ machineIdFile, generatedKeyFiles }))
    const sealed = await Promise.all(boxes.map(box => box.encrypt('secret')))
    assert.equal(new Set(sealed).size, 1)
  })

  test('get their key elsewhere if the first place cannot be written', async t => {
    const { box, folder, generatedKeyFiles } = await machine(t, undefined)
    await writeFile(join(folder, 'etc'), 'a file where a folder should be')
    await box.encrypt('secret')
    await stat(generatedKeyFiles[1])
  })

  test('of another machine are refused with what to do', async t => {
    const [mine, other] = [await machine(t, '0'.repeat(32)), await machine(t, 'f'.repeat(32))]
    const sealed = await other.box.encrypt('a secret that is longer than one block of the cipher')
    await assert.rejects(mine.box.decrypt(sealed), (error: unknown) => {
      assert.ok(error instanceof TentacleError)
      assert.equal(error.code, 'ERR_SECRET')
      assert.match(error.message, /copied from another machine/)
      return true
    })
  })

  test('cannot be stored where no key can be kept', async t => {
    const { folder } = await machine(t, undefined)
    await writeFile(join(folder, 'file'), '')
    const box = createSecretBox({
      machineIdFile: join(folder, 'none'),
      generatedKeyFiles: [join(folder, 'file', 'key')],
    })
    await assert.rejects(box.encrypt('secret'), /no key file could be made/)
  })
})
