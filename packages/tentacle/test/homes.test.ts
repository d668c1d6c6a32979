import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { loadCertificate } from '../src/certificates/instance-certificate.ts'
import { takeOver } from './take-over.ts'

const homes = join(import.meta.dirname, 'fixtures/homes')

describe('existing installations are taken over', () => {
  for (const name of readdirSync(homes)) {
    test(`${name}: settings, secrets and certificate`, async t => {
      const { expected, here, store } = await takeOver(t, name)
      const settings = await store.read()
      for (const [key, value] of Object.entries(expected.settings)) {
        assert.equal(settings.text(key) ?? '', here(value), key)
      }
      assert.equal(settings.home, here(expected.home))
      for (const [actual, wanted] of [
        [await settings.agentProxy(), expected.proxy],
        [await settings.pollingProxy(), expected.pollingProxy],
      ] as const) {
        assert.deepEqual(actual, {
          useDefault: wanted.useDefaultProxy !== 'false',
          host: wanted.host ?? undefined,
          port: Number(wanted.port ?? 80),
          username: wanted.username ?? undefined,
          password: wanted.password ?? undefined,
        })
      }
      const pfx = await settings.certificatePfx()
      if (expected.certificate === null) {
        assert.equal(pfx, undefined)
        return
      }
      assert.equal(pfx?.length, expected.certificate.pfxLength)
      assert.equal(
        createHash('sha256')
          .update(pfx ?? '')
          .digest('hex'),
        expected.certificate.pfxSha256,
      )
      const certificate = await loadCertificate(settings)
      assert.equal(certificate?.thumbprint, expected.certificate.thumbprint)
      assert.equal(new X509Certificate(certificate?.certificatePem ?? '').subject, 'CN=Octopus Tentacle')
    })

    test(`${name}: what commands print`, async t => {
      const { rig, expected, here } = await takeOver(t, name)
      for (const { argv, stdout } of Object.values(expected.commands)) {
        const outcome = await rig.run(argv)
        assert.deepEqual([outcome.exitCode, outcome.stderr], [0, ''])
        if (typeof stdout === 'string') assert.equal(outcome.stdout, stdout)
        else assert.deepEqual(JSON.parse(outcome.stdout), JSON.parse(here(JSON.stringify(stdout))))
      }
    })

    test(`${name}: a change keeps all else, to the byte`, async t => {
      const { rig, expected } = await takeOver(t, name)
      const path = join(name, 'Tentacle.config')
      const before = await rig.read(path)
      const argv = [
        'set-polling-connection-count',
        '--instance',
        expected.instance,
        '--pollingConnectionCount=9',
      ]
      assert.equal((await rig.run(argv)).exitCode, 0)
      const after = await rig.read(path)
      const lines = (text: string) =>
        text
          .replace('\uFEFF', '')
          .split('\n')
          .filter(line => line.includes('<set') && !line.includes('PollingConnectionCount'))
          .toSorted()
      assert.deepEqual(lines(after), lines(before))
    })
  }
})
