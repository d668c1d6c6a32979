import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { createRig } from './rig.ts'
import { standInWindows } from './stand-in-windows.ts'

test('tentacle 12.17: an instance in the registry is listed, gets a file when it is used, and is forgotten in both', async t => {
  const rig = await createRig(t)
  const windows = standInWindows()
  const configPath = rig.at('Old One/Tentacle.config')
  await rig.write('Old One/Tentacle.config', '<octopus-settings></octopus-settings>')
  windows.registered.push({ name: 'Old One', configPath })
  const record = rig.at('machine/Tentacle/Instances/old-one.config')
  const run = async (...argv: readonly string[]) => {
    const { exitCode, stdout, stderr } = await rig.run(argv, { windows })
    assert.equal(exitCode, 0, stderr)
    return stdout
  }

  assert.equal(await run('list-instances'), `Instance 'Old One' uses configuration '${configPath}'.\n`)
  assert.equal(existsSync(record), false)

  await run('configure', '--instance=old one', '--port=10944')
  assert.deepEqual(JSON.parse(await rig.read('machine/Tentacle/Instances/old-one.config')), {
    Name: 'Old One',
    ConfigurationFilePath: configPath,
  })
  // The file counts from now on; the record in the registry is left for a program of old.
  await run('create-instance', '--instance=Old One', `--config=${rig.at('New.config')}`)
  assert.match(await run('list-instances'), /New\.config'\.\n$/)
  assert.equal(windows.registered.length, 1)

  await run('delete-instance', '--instance=Old One')
  assert.equal(existsSync(record), false)
  assert.deepEqual(windows.registered, [])
  assert.equal(await run('list-instances'), 'No instances installed')
})
