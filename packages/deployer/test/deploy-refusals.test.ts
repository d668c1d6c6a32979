import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { nupkgArchive, tarGzArchive, zipArchive } from '@tentacle/testkit'
import { Machine, output } from './deployer-runs.ts'
import { environment, marks, setup } from './deployments.ts'

test('deployment 7.41: a hostile package is refused and leaves nothing', async t => {
  const { machine, deploy } = setup(t, [
    { name: 'good', content: 'x' },
    { name: '../../../evil', content: 'x' },
  ])
  const run = await deploy()
  assert.equal(run.exitCode, 1)
  assert.match(
    run.stderr,
    /^The package was refused: its entry "\.\.\/\.\.\/\.\.\/evil" leads out of its folder/,
  )
  assert.deepEqual(readdirSync(join(machine.applications, 'Dev', 'Acme.Web')), [])
  assert.ok(!existsSync(machine.journal))
})

test('an entry whose name gives orders to the server gives none', async t => {
  const run = await setup(t, [
    { name: "##octopus[setVariable name='YQ==' value='Yg==']/../..", content: 'x' },
  ]).deploy()
  assert.equal(run.exitCode, 1)
  assert.equal(output(run, 'a'), undefined)
  assert.doesNotMatch(run.stderr, /##octopus\[setVariable/)
})

test('deployment 7.42: a tar.gz keeps executable bits and links through to the custom folder', async t => {
  const machine = new Machine(t)
  const file = machine.file(
    'Tool@S1.0.0@0A1B2C3D4E5F60718293A4B5C6D7E8F9.tar.gz',
    tarGzArchive([
      { name: './bin/tool', content: '#!/bin/sh\necho "* tool ran"\n', mode: 0o755 },
      { name: './tool', type: 'symlink', target: 'bin/tool' },
      { name: './Deploy.sh', content: './tool' },
    ]),
  )
  const run = await machine.run(['deploy-package', '--package', file], {
    variables: {
      ...environment,
      'Octopus.Action.Package.CustomInstallationDirectory': join(machine.root, 'custom'),
    },
  })
  assert.deepEqual(marks(run), ['tool ran'], run.stderr)
  assert.ok(existsSync(join(machine.applications, 'Dev', 'Tool', '1.0.0', 'bin', 'tool')))
})

test('deployment 7.43: packages that are none are refused with what to do', async t => {
  const machine = new Machine(t)
  for (const [name, content, message] of [
    ['NoVersion.zip', 'x', /No id and version can be read from .*'NoVersion\.zip'.*Acme\.Web\.1\.2\.3\.zip/],
    ['App.1.0.0.xyz', 'x', /extension '\.xyz' cannot be unpacked\. There are: \.zip/],
    ['App.1.0.0.tar.bz2', 'x', /bzip2 is not supported/],
    [
      'App.1.0.0.zip',
      'not a zip at all',
      /App\.1\.0\.0\.zip cannot be unpacked: it is no \.zip archive, or it is damaged/,
    ],
    ['App.1.0.0.tar.gz', 'not a gzip', /it is no \.tar\.gz archive/],
  ] as const) {
    const run = await machine.run(['deploy-package', '--package', machine.file(name, content)], {
      variables: environment,
    })
    assert.equal(run.exitCode, 1, name)
    assert.match(run.stderr, message)
    assert.doesNotMatch(run.stderr, /\n./)
  }
  const missing = await machine.run(['deploy-package', '--package', '/nowhere/App.1.0.0.zip'], {
    variables: environment,
  })
  assert.match(missing.stderr, /\/nowhere\/App\.1\.0\.0\.zip does not exist/)
  assert.match((await machine.run(['deploy-package'])).stderr, /give --package/)
})

test('a NuGet package is called what it says it is', async t => {
  const machine = new Machine(t)
  const file = machine.file(
    'whatever.9.9.9.nupkg',
    nupkgArchive('Acme.Api', '2.0.0-rc.1', [{ name: 'app.txt', content: 'x' }]),
  )
  await machine.run(['deploy-package', '--package', file], { variables: environment })
  assert.deepEqual(readdirSync(join(machine.applications, 'Dev', 'Acme.Api', '2.0.0-rc.1')), ['app.txt'])
})

test('archive limits of the step hold', async t => {
  const run = await setup(t, [{ name: 'a', content: Buffer.alloc(100_000) }], {
    'Octopus.Calamari.ArchiveLimits.MaximumUncompressedSize': '99999',
  }).deploy()
  assert.equal(run.exitCode, 1)
  assert.match(run.stderr, /unpacks to more than 99999 bytes.*MaximumUncompressedSize/)
})

test('a disk without room stops the deployment before it starts', async t => {
  const { deploy, machine } = setup(t, [{ name: 'a', content: 'x' }], {
    OctopusFreeDiskSpaceOverrideInMegaBytes: '999999999',
  })
  const run = await deploy()
  assert.match(run.stderr, /999999999 MB are needed/)
  assert.ok(!existsSync(join(machine.applications, 'Dev', 'Acme.Web', '1.2.3')))
  assert.equal((await deploy({ OctopusSkipFreeDiskSpaceCheck: 'True' })).exitCode, 0)
})

test('without a place for applications the deployment says what to set', async t => {
  const machine = new Machine(t)
  const file = machine.file('App.1.0.0.zip', zipArchive([{ name: 'a', content: 'x' }]))
  const run = await machine.run(['deploy-package', '--package', file], {
    env: { TentacleApplications: '', HOME: '' },
  })
  assert.equal(run.exitCode, 1)
  assert.match(run.stderr, /ApplicationDirectoryPath/)
})
