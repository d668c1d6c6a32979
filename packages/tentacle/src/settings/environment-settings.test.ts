import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { environmentSettings, withoutOwnCredentials } from './environment-settings.ts'

describe('settings from the environment', () => {
  test('tentacle 12.19: do not count without the switch', () => {
    assert.equal(environmentSettings({ TENTACLE_SERVICE_PORT: '1' }, '/').size, 0)
    assert.equal(
      environmentSettings({ OCTOPUS_CONTRIBUTE_ENV_SETTINGS: 'false', TENTACLE_SERVICE_PORT: '1' }, '/').size,
      0,
    )
  })

  test('tentacle 12.19: come from variables first, then from the nearest .env file upward', async t => {
    const root = await mkdtemp(join(tmpdir(), 'tentacle-env-'))
    t.after(() => rm(root, { recursive: true, force: true }))
    await mkdir(join(root, 'a/b'), { recursive: true })
    await writeFile(
      join(root, 'a/.env'),
      '# comment\n\nTENTACLE_SERVICE_PORT = 2\nTENTACLE_LISTEN_IP=127.0.0.1 \r\nOCTOPUS_HOME=/x=y\nnonsense\n',
    )
    const settings = environmentSettings(
      { OCTOPUS_CONTRIBUTE_ENV_SETTINGS: 'True', TENTACLE_SERVICE_PORT: '1', UNRELATED: 'x' },
      join(root, 'a/b'),
    )
    assert.deepEqual(Object.fromEntries(settings), {
      'tentacle.services.portnumber': '1',
      'tentacle.services.listenip': '127.0.0.1',
      'octopus.home': '/x=y',
    })
  })

  test('secrets come from files that are named, unless they are given themselves', async t => {
    const root = await mkdtemp(join(tmpdir(), 'tentacle-env-'))
    t.after(() => rm(root, { recursive: true, force: true }))
    const path = join(root, 'secret')
    await writeFile(path, ' pass word\n')
    const on = { OCTOPUS_CONTRIBUTE_ENV_SETTINGS: 'true', OCTOPUS_PROXY_PASSWORD_FILE: path }
    const key = 'octopus.proxy.proxypassword'
    assert.equal(environmentSettings(on, root).get(key), ' pass word')
    assert.equal(environmentSettings({ ...on, OCTOPUS_PROXY_PASSWORD: 'given' }, root).get(key), 'given')
    assert.equal(environmentSettings({ ...on, OCTOPUS_HOME_FILE: path }, root).size, 1, 'only secrets')
    assert.throws(
      () => environmentSettings({ ...on, OCTOPUS_PROXY_PASSWORD_FILE: join(root, 'none') }, root),
      {
        code: 'ERR_FILE',
      },
    )
  })

  test('the credentials of the agent are not for what it starts', () => {
    const env = { PATH: '/bin', TENTACLE_CERTIFICATE: 'x', OCTOPUS_SERVICE_PASSWORD: 'x', OCTOPUS_HOME: '/h' }
    assert.deepEqual(withoutOwnCredentials(env), { PATH: '/bin', OCTOPUS_HOME: '/h' })
  })
})
