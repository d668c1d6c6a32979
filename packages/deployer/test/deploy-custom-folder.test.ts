import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { output } from './deployer-runs.ts'
import { marks, setup } from './deployments.ts'

test('deployment 7.34: the custom folder is purged but for exclusions, filled, and used from then on', async t => {
  const { machine, deploy, folder } = setup(t, [
    { name: 'a.txt', content: 'new' },
    { name: 'sub/b.txt', content: 'b' },
    { name: 'link', type: 'symlink', target: 'a.txt' },
    { name: 'run', content: '#!/bin/sh', mode: 0o755 },
    {
      name: 'Deploy.sh',
      content: 'echo "* $PWD $(get_octopusvariable Octopus.Action.Package.CustomInstallationDirectory)"',
    },
  ])
  const target = join(machine.root, 'custom')
  const outside = mkdtempSync(join(machine.root, 'outside-'))
  writeFileSync(join(outside, 'precious'), 'x')
  for (const path of ['logs/deep', 'old/x', 'data']) mkdirSync(join(target, path), { recursive: true })
  for (const file of ['logs/deep/app.log', 'logs/other.txt', 'old/x/y', 'stranger', 'a.txt', 'data/keep.db'])
    writeFileSync(join(target, file), 'old')
  symlinkSync(outside, join(target, 'escape'))
  const run = await deploy({
    'Octopus.Action.Package.CustomInstallationDirectory': `#{Base}/custom`,
    Base: machine.root,
    'Octopus.Action.Package.CustomInstallationDirectoryShouldBePurgedBeforeDeployment': 'True',
    'Octopus.Action.Package.CustomInstallationDirectoryPurgeExclusions': 'logs/**/*.log\ndata',
  })
  assert.equal(run.exitCode, 0, run.stderr)
  assert.deepEqual(marks(run), [`${target} ${target}`])
  assert.deepEqual(readdirSync(target, { recursive: true }).sort(), [
    'a.txt',
    'data',
    'data/keep.db',
    'link',
    'logs',
    'logs/deep',
    'logs/deep/app.log',
    'run',
    'sub',
    'sub/b.txt',
  ])
  assert.equal(readFileSync(join(target, 'a.txt'), 'utf8'), 'new')
  assert.equal(readlinkSync(join(target, 'link')), 'a.txt')
  assert.ok((statSync(join(target, 'run')).mode & 0o100) !== 0)
  assert.equal(readFileSync(join(outside, 'precious'), 'utf8'), 'x')
  assert.ok(existsSync(join(folder(), 'a.txt')))
  assert.equal(output(run, 'Package.InstallationDirectoryPath'), target)
  assert.equal(output(run, 'Package.CopiedFileCount'), '5')
  assert.match(readFileSync(machine.journal, 'utf8'), new RegExp(`CustomInstallationDirectory="${target}"`))
})

test('a file in the custom folder that is a link is replaced, not written through', async t => {
  const { machine, deploy } = setup(t, [{ name: 'a.txt', content: 'new' }])
  const target = join(machine.root, 'custom')
  mkdirSync(target)
  const precious = machine.file('precious', 'old')
  symlinkSync(precious, join(target, 'a.txt'))
  await deploy({ 'Octopus.Action.Package.CustomInstallationDirectory': target })
  assert.equal(readFileSync(precious, 'utf8'), 'old')
  assert.ok(lstatSync(join(target, 'a.txt')).isFile())
})

test('custom folders that cannot be meant are refused', async t => {
  const { deploy, folder } = setup(t, [{ name: 'a.txt', content: 'new' }])
  for (const [wanted, message] of [
    ['relative/path', /not a full path/],
    [`${folder()}_1/inside`, /lies within/],
    ['/tmp/#{Nope}', /cannot be worked out.*#\{Nope\}/],
    ['/proc/nothing/here', /could not be copied/],
  ] as const) {
    const run = await deploy({ 'Octopus.Action.Package.CustomInstallationDirectory': wanted })
    assert.equal(run.exitCode, 1, wanted)
    assert.match(run.stderr, message)
  }
})
