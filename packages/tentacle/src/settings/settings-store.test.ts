import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { TentacleError } from '../errors.ts'
import { createSecretBox } from './machine-key.ts'
import { createSettingsFile, openSettings } from './settings-store.ts'

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tentacle-settings-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function storeAt(path: string, contributed = new Map<string, string>()) {
  return openSettings(path, {
    contributed,
    applications: '/home/Octopus/Applications',
    secrets: createSecretBox({ machineIdFile: '/nowhere', generatedKeyFiles: [`${path}.key`] }),
  })
}

describe('the settings of an instance', () => {
  test('are readable by their owner only, and keep the permissions that an operator gave them', async t => {
    const path = join(await folderFor(t), 'T.config')
    assert.equal(await createSettingsFile(path), true)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    await chmod(path, 0o640)
    await storeAt(path).change(draft => draft.set('a', 1))
    assert.equal((await stat(path)).mode & 0o777, 0o640)
    assert.equal(await createSettingsFile(path), false)
  })

  test('leave nothing beside them after a change', async t => {
    const folder = await folderFor(t)
    const path = join(folder, 'T.config')
    await createSettingsFile(path)
    await storeAt(path).change(draft => draft.set('a', true))
    assert.deepEqual(await readdir(folder), ['T.config'])
  })

  test('stay as they are when a change fails', async t => {
    const path = join(await folderFor(t), 'T.config')
    await createSettingsFile(path)
    const before = await readFile(path, 'utf8')
    const change = storeAt(path).change(draft => {
      draft.set('a', 1)
      throw new Error('no')
    })
    await assert.rejects(change, /no/)
    assert.equal(await readFile(path, 'utf8'), before)
  })

  test('are changed where a symbolic link leads, and the link stays', async t => {
    const folder = await folderFor(t)
    await createSettingsFile(join(folder, 'real.config'))
    await symlink('real.config', join(folder, 'T.config'))
    await storeAt(join(folder, 'T.config')).change(draft => draft.set('a', 1))
    assert.match(await readFile(join(folder, 'real.config'), 'utf8'), /<set key="a">1<\/set>/)
  })

  test('keep every change of many processes at once', async t => {
    const path = join(await folderFor(t), 'T.config')
    await createSettingsFile(path)
    const keys = Array.from({ length: 3 }, (_, worker) => `worker${worker}`)
    await Promise.all(keys.map(key => changeInProcess(path, key, 10)))
    const text = await readFile(path, 'utf8')
    for (const key of keys)
      for (let n = 0; n < 10; n += 1) assert.ok(text.includes(`"${key}.${n}"`), `${key}.${n} is lost`)
  })

  test('are taken from a process that died while it changed them', async t => {
    const path = join(await folderFor(t), 'T.config')
    await createSettingsFile(path)
    await writeFile(`${path}.lock`, '999999999 gone')
    await storeAt(path).change(draft => draft.set('a', 1))
    await writeFile(`${path}.lock`, `${process.pid} a lock of half a minute ago`)
    const old = new Date(Date.now() - 60_000)
    await utimes(`${path}.lock`, old, old)
    await storeAt(path).change(draft => draft.set('a', 2))
    assert.equal((await storeAt(path).read()).text('a'), '2')
  })

  test('compare keys without case and keep their first spelling', async t => {
    const path = join(await folderFor(t), 'T.config')
    await writeFile(
      path,
      '<octopus-settings><set key="tentacle.services.PORTNUMBER">1</set></octopus-settings>',
    )
    await storeAt(path).change(draft => draft.set('Tentacle.Services.PortNumber', 2))
    const settings = await storeAt(path).read()
    assert.equal(settings.port, 2)
    assert.match(await readFile(path, 'utf8'), /tentacle\.services\.PORTNUMBER/)
  })

  test('have the original defaults where nothing is set', async t => {
    const folder = await folderFor(t)
    const path = join(folder, 'T.config')
    await createSettingsFile(path)
    const settings = await storeAt(path).read()
    assert.equal(settings.home, folder)
    assert.equal(settings.port, 10933)
    assert.equal(settings.noListen, false)
    assert.equal(settings.listenIp, undefined)
    assert.equal(settings.pollingConnectionCount, undefined)
    assert.deepEqual(settings.trustedServers, [])
    assert.equal(await settings.certificatePfx(), undefined)
    assert.deepEqual(await settings.agentProxy(), {
      useDefault: true,
      host: undefined,
      port: 80,
      username: undefined,
      password: undefined,
    })
  })

  test('name the key and the file of a value that makes no sense', async t => {
    const path = join(await folderFor(t), 'T.config')
    await createSettingsFile(path)
    await storeAt(path).change(draft => draft.set('Tentacle.Services.PortNumber', 'many'))
    const settings = await storeAt(path).read()
    assert.throws(
      () => settings.port,
      (error: unknown) =>
        error instanceof TentacleError &&
        error.code === 'ERR_SETTINGS_DAMAGED' &&
        error.message.includes(path) &&
        error.message.includes("'many'"),
    )
    assert.equal(settings.noListen, false)
  })

  test('never go into the file when they come from the environment', async t => {
    const path = join(await folderFor(t), 'T.config')
    await createSettingsFile(path)
    const store = storeAt(path, new Map([['tentacle.services.portnumber', '12']]))
    const settings = await store.change(draft => draft.set('a', 1))
    assert.equal(settings.port, 12)
    assert.doesNotMatch(await readFile(path, 'utf8'), /12/)
  })

  test('that are not there are missed by their path', async t => {
    const path = join(await folderFor(t), 'none.config')
    await assert.rejects(storeAt(path).read(), (error: unknown) => {
      assert.ok(error instanceof TentacleError)
      assert.equal(error.code, 'ERR_SETTINGS_MISSING')
      return error.message.includes(path)
    })
    await assert.rejects(
      storeAt(path).change(() => undefined),
      TentacleError,
    )
  })
})

/** Changes the file from a process of its own, as commands of an operator and the agent do. */
async function changeInProcess(path: string, key: string, times: number): Promise<void> {
  const script = `
    import { openSettings } from ${JSON.stringify(join(import.meta.dirname, 'settings-store.ts'))}
    const store = openSettings(${JSON.stringify(path)}, { contributed: new Map(), secrets: undefined, applications: '' })
    for (let n = 0; n < ${times}; n += 1) await store.change(draft => draft.set('${key}.' + n, n))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const code = await new Promise(resolve => child.once('close', resolve))
  assert.equal(code, 0)
}
