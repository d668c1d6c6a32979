import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { TentacleError } from '../errors.ts'
import { checkName, InstanceIndex } from './instance-index.ts'
import { selectInstance } from './select-instance.ts'

async function machine(t: TestContext, names: readonly string[]) {
  const root = await mkdtemp(join(tmpdir(), 'tentacle-index-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const index = new InstanceIndex(root)
  const cwd = join(root, 'cwd')
  await mkdir(cwd)
  for (const name of names) {
    const configPath = join(root, `${name}.xml`)
    await writeFile(configPath, '<octopus-settings/>')
    await index.register({ name, configPath })
  }
  const select = async (choice: { instance?: string; config?: string } = {}) =>
    (await selectInstance(index, { ...choice, cwd })).name
  return { root, index, cwd, select, folder: join(root, 'Tentacle/Instances') }
}

const refusedWith = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof TentacleError)
  assert.equal(error.code, code)
  assert.match(error.message, words)
  return true
}

describe('choosing an instance', () => {
  test('tentacle 12.15: by name ignores case', async t => {
    const { select } = await machine(t, ['First', 'Second One'])
    assert.equal(await select({ instance: 'SECOND one' }), 'Second One')
  })

  test('tentacle 12.15: by name needs the exact case if names differ by nothing else', async t => {
    const { select, folder } = await machine(t, ['First'])
    const config = join(folder, '../../First.xml')
    await writeFile(
      join(folder, 'other.config'),
      JSON.stringify({ Name: 'FIRST', ConfigurationFilePath: config }),
    )
    assert.equal(await select({ instance: 'First' }), 'First')
    assert.equal(await select({ instance: 'FIRST' }), 'FIRST')
    await assert.rejects(select({ instance: 'first' }), refusedWith('ERR_INSTANCE', /Available instances: /))
  })

  test('tentacle 12.16: takes the file in the current folder, then Tentacle, then the only one', async t => {
    const { select, cwd, index } = await machine(t, ['Only'])
    assert.equal(await select(), 'Only')
    await index.register({ name: 'Tentacle', configPath: join(cwd, '../Only.xml') })
    assert.equal(await select(), 'Tentacle')
    await writeFile(join(cwd, 'Tentacle.config'), '<octopus-settings/>')
    assert.equal(await select(), undefined)
  })

  test('tentacle 12.16: of none or several is refused with the names', async t => {
    const none = await machine(t, [])
    await assert.rejects(none.select(), refusedWith('ERR_INSTANCE', /No instance is registered here yet\.$/))
    const two = await machine(t, ['B', 'A'])
    await assert.rejects(two.select(), refusedWith('ERR_INSTANCE', /Available instances: A, B\.$/))
    await assert.rejects(
      two.select({ instance: 'C' }),
      refusedWith('ERR_INSTANCE', /C.*Available instances: A, B\.$/),
    )
  })

  test('works beside a damaged record, but does not hide it', async t => {
    const { select, folder } = await machine(t, ['Good'])
    await writeFile(join(folder, 'bad.config'), '{ not json')
    assert.equal(await select({ instance: 'good' }), 'Good')
    await assert.rejects(select({ instance: 'bad' }), refusedWith('ERR_SETTINGS_DAMAGED', /bad\.config/))
    await assert.rejects(select(), refusedWith('ERR_SETTINGS_DAMAGED', /bad\.config/))
  })
})

describe('the instance index', () => {
  test('tentacle 12.17: names files in lower case with dashes, and their content without a last newline', async t => {
    const { folder, root } = await machine(t, ['My Big Instance'])
    assert.equal(
      await readFile(join(folder, 'my-big-instance.config'), 'utf8'),
      `{\n  "Name": "My Big Instance",\n  "ConfigurationFilePath": "${join(root, 'My Big Instance.xml')}"\n}`,
    )
  })

  test('does not let one name overwrite another that has the same file', async t => {
    const { index } = await machine(t, ['a b'])
    await assert.rejects(
      index.register({ name: 'a-b', configPath: '/x' }),
      refusedWith('ERR_INSTANCE', /'a b'/),
    )
  })

  for (const name of ['', ' ', 'a/b', 'a\\b', 'a\nb', 'x'.repeat(201)]) {
    test(`refuses the name ${JSON.stringify(name.slice(0, 10))}`, async t => {
      const { index } = await machine(t, [])
      await assert.rejects(
        index.register({ name, configPath: '/x' }),
        refusedWith('ERR_INSTANCE', /cannot be called/),
      )
    })
  }
})

test('an instance has a name that the system has for files', () => {
  checkName('a:b', 'linux')
  for (const name of ['a:b', 'what?', '"T"', 'T.', 'a|b'])
    assert.throws(() => checkName(name, 'win32'), refusedWith('ERR_INSTANCE', /Windows also allows none of/))
  for (const platform of ['linux', 'win32'] as const)
    assert.throws(() => checkName('a\\b', platform), refusedWith('ERR_INSTANCE', /cannot be called 'a\\b'/))
})
