import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { createRig, type Rig } from './rig.ts'
import { startStandInServer } from './stand-in-server.ts'

/** A rig with the one instance T. */
async function withInstance(t: TestContext): Promise<Rig> {
  const rig = await createRig(t)
  await rig.run(['create-instance', '--instance', 'T', '--config', rig.at('T.config'), '--home', rig.root])
  return rig
}

const pfx = join(import.meta.dirname, 'fixtures/files/agent.pfx')
const thumbprint = '04FF59D557AF79DF822C68E6CF925E4B919AEBFB'

describe('what set-up scripts pass without meaning it', () => {
  for (const blank of ['', '  ']) {
    test(`an instance or a file called '${blank}', from a variable that was never set, is none`, async t => {
      const rig = await withInstance(t)
      const outcome = await rig.run(['configure', `--instance=${blank}`, '--config', blank, '--port', '81'])
      assert.equal(outcome.exitCode, 0, outcome.stderr)
      assert.match(await rig.read('T.config'), /PortNumber">81</)
    })
  }

  test('an API key with the line end of the file that it comes from', async t => {
    const [rig, server] = [await withInstance(t), await startStandInServer()]
    t.after(() => server.close())
    await rig.run(['import-certificate', '--from-file', pfx])
    const api = ['--server', `http://127.0.0.1:${server.httpPort}`, '--apiKey', 'API-KEY1\r\n']
    const outcome = await rig.run(['register-with', ...api, '--environment', 'Production', '--role', 'web'])
    assert.equal(outcome.exitCode, 0, outcome.stderr)
    const refused = await rig.run(['deregister-from', '--server', 'http://127.0.0.1:9', '--apiKey', 'API-ü'])
    assert.match(refused.stderr, /--apiKey has characters that no key has/)
    assert.doesNotMatch(refused.stderr, /API-ü/)
  })

  test('an empty source of a certificate is none', async t => {
    const rig = await withInstance(t)
    const outcome = await rig.run(['import-certificate', '--from-file=', '--from-base64='])
    assert.equal(outcome.exitCode, 1)
    assert.match(outcome.stderr, /^Say where the certificate is/)
  })

  test('tentacle 12.26: base64 text in UTF-16, as Windows PowerShell writes it', async t => {
    const rig = await withInstance(t)
    const text = (await readFile(pfx)).toString('base64').replaceAll(/.{76}/g, '$&\r\n')
    await rig.write('agent.txt', Buffer.from(`\uFEFF${text}\r\n`, 'utf16le'))
    const outcome = await rig.run(['import-certificate', '--from-file', 'agent.txt'])
    assert.equal(outcome.exitCode, 0, outcome.stderr)
    assert.ok(outcome.stdout.includes(thumbprint))
  })

  test('secrets after a misspelt option, and in an address, are neither shown nor logged', async t => {
    const rig = await withInstance(t)
    const key = 'API-ABCDEFGHIJKLMNOPQRST'
    const typed = ['--api-key', key, '--proxy-address', 'http://me:pa55@proxy:8080/']
    const outcome = await rig.run(['register-with', '--instance', 'T', ...typed])
    assert.equal(outcome.exitCode, 1)
    const log = await rig.read('Logs/OctopusTentacle.txt')
    for (const text of [outcome.stderr, log]) {
      assert.match(
        text,
        /Unrecognized command line arguments: --api-key \*{8} --proxy-address http:\/\/me:\*{8}@/,
      )
      assert.doesNotMatch(text, /API-ABC|pa55/)
    }
  })
})

describe('a set-up that cannot be done changes nothing', () => {
  test('a name that would be stored in the file of another one leaves no settings file', async t => {
    const rig = await createRig(t)
    const create = (name: string, file: string) =>
      rig.run(['create-instance', '--instance', name, '--config', rig.at(file)])
    await create('my-agent', 'a.config')
    const outcome = await create('my agent', 'b.config')
    assert.equal(outcome.exitCode, 1)
    assert.equal(outcome.stdout, '')
    assert.equal(existsSync(rig.at('b.config')), false)
  })

  test('a server whose thumbprint is none is not trusted, and gets no machine', async t => {
    const [rig, server] = [await withInstance(t), await startStandInServer()]
    t.after(() => server.close())
    await rig.run(['import-certificate', '--from-file', pfx])
    server.answers = {
      'GET /api/configuration/certificates/certificate-global': { status: 200, body: { Thumbprint: 'none' } },
    }
    const api = ['--server', `http://127.0.0.1:${server.httpPort}`, '--apiKey', 'K']
    const outcome = await rig.run(['register-with', ...api, '--environment', 'Production', '--role', 'web'])
    assert.equal(outcome.exitCode, 100)
    assert.match(outcome.stderr, /does not tell the thumbprint/)
    assert.ok(server.seen.every(({ method }) => method === 'GET'))
    assert.doesNotMatch(await rig.read('T.config'), /none/)
  })
})

test('settings that are mounted as a single file, as containers do it, are changed in place', async t => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return t.skip('only root mounts')
  const rig = await withInstance(t)
  await rig.write('mounted.config', '<octopus-settings/>')
  const program = `import { openSettings } from '${join(import.meta.dirname, '../src/settings/settings-store.ts')}'
    const secrets = { encrypt: async x => x, decrypt: async x => x }
    const store = openSettings(process.argv[1], { contributed: new Map(), applications: '/', secrets })
    await store.change(draft => draft.set('a', 'changed'))`
  const mount = `mount --bind ${rig.at('mounted.config')} ${rig.at('T.config')} && exec "$0" "$@"`
  await promisify(execFile)('unshare', [
    ...['-m', 'sh', '-c', mount, process.execPath, '--input-type=module', '--eval', program],
    rig.at('T.config'),
  ])
  assert.match(await rig.read('mounted.config'), /<set key="a">changed</)
})

test('an error that explains itself is told without stacks; the log has them', async t => {
  const rig = await withInstance(t)
  const outcome = await rig.run(['import-certificate', '--from-file', '.'])
  assert.equal(outcome.exitCode, 100)
  assert.match(outcome.stderr, /it is a folder[\s\S]*--Inner Exception--\nEISDIR/)
  assert.doesNotMatch(outcome.stderr, /^ {4}at /m)
  assert.match(await rig.read('Logs/OctopusTentacle.txt'), /^ {4}at /m)
})

test('tentacle 12.13: a mutex without a name is none: the agent stops as in a terminal', {
  timeout: 60_000,
}, async t => {
  const rig = await withInstance(t)
  await rig.run(['configure', '--noListen', 'True'])
  const outcome = await rig.run(['agent', '--monitorMutex='])
  assert.equal(outcome.exitCode, 0, outcome.stderr)
  assert.match(outcome.stdout, /Press <enter> to shut down/)
})

test('tentacle 12.19: a bad value from the environment is not looked for in the settings file', async t => {
  const rig = await withInstance(t)
  const env = { OCTOPUS_CONTRIBUTE_ENV_SETTINGS: 'true', TENTACLE_SERVICE_PORT: 'many' }
  const outcome = await rig.run(['show-configuration'], { env })
  assert.equal(outcome.exitCode, 100)
  assert.match(outcome.stderr, /PortNumber' in the environment or the \.env file is 'many'/)
  assert.doesNotMatch(outcome.stderr, /T\.config/)
})

test('tentacle 12.34: a proxy is an IPv6 address with or without brackets; a bad value is told by what was typed', async t => {
  const rig = await withInstance(t)
  for (const host of ['::1', '[::1]']) {
    const outcome = await rig.run(['proxy', '--proxyEnable', 'true', '--proxyHost', host])
    assert.match(outcome.stdout, /Using custom proxy at: \[::1\]/)
  }
  const bad = await rig.run(['proxy', '--proxyEnable', 'maybe'])
  assert.match(bad.stderr, /The value 'maybe' of --proxyEnable is not valid/)
})
