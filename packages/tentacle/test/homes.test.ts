import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { loadCertificate } from '../src/certificates/instance-certificate.ts'
import { createSecretBox } from '../src/settings/machine-key.ts'
import { openSettings } from '../src/settings/settings-store.ts'
import { createRig } from './rig.ts'

const homes = join(import.meta.dirname, 'fixtures/homes')

/** What is known of a recorded home. */
interface ExpectedHome {
  readonly instance: string
  readonly home: string
  readonly certificate: {
    readonly thumbprint: string
    readonly pfxLength: number
    readonly pfxSha256: string
  } | null
  readonly proxy: ExpectedProxy
  readonly pollingProxy: ExpectedProxy
  readonly settings: Readonly<Record<string, string>>
  readonly commands: Readonly<Record<string, { readonly argv: readonly string[]; readonly stdout: unknown }>>
}

interface ExpectedProxy {
  readonly useDefaultProxy: string | null
  readonly host: string | null
  readonly port: string | null
  readonly username: string | null
  readonly password: string | null
}

/** Puts a recorded home into place, as on the machine that it was recorded on. */
async function takeOver(t: TestContext, name: string) {
  const rig = await createRig(t)
  const source = join(homes, name)
  const expected: ExpectedHome = JSON.parse(await readFile(join(source, 'expected.json'), 'utf8'))
  const here = (text: string) => text.replaceAll('/home/t/h', rig.root)
  await mkdir(rig.at(name), { recursive: true })
  const config = await readFile(join(source, 'Tentacle.config'), 'utf8')
  await writeFile(rig.at(name, 'Tentacle.config'), here(config))
  for (const file of readdirSync(join(source, 'index'))) {
    await rig.write(
      `machine/Tentacle/Instances/${file}`,
      here(readFileSync(join(source, 'index', file), 'utf8')),
    )
  }
  const files = readdirSync(source)
  if (files.includes('machinekey')) {
    await mkdir(rig.at('etc'), { recursive: true })
    await cp(join(source, 'machinekey'), rig.at('etc/machinekey'))
    await writeFile(rig.at('machine-id'), '')
  } else await cp(join(source, 'machine-id'), rig.at('machine-id'))
  const store = openSettings(rig.at(name, 'Tentacle.config'), {
    contributed: new Map(),
    secrets: createSecretBox({
      machineIdFile: rig.at('machine-id'),
      generatedKeyFiles: [rig.at('etc/machinekey')],
    }),
  })
  return { rig, expected, here, store }
}

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
