import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { levels, output } from './deployer-runs.ts'
import { features, marks, setup } from './deployments.ts'

test('deployment 7.24: the first deployment lands in its folder, the second beside it', async t => {
  const { machine, deploy, folder } = setup(t, [
    { name: 'index.html', content: 'hi' },
    { name: 'bin/run', content: '#!/bin/sh\n', mode: 0o755 },
  ])
  const first = await deploy()
  assert.equal(first.exitCode, 0, first.stderr)
  assert.equal(readFileSync(join(folder(), 'index.html'), 'utf8'), 'hi')
  assert.ok((statSync(join(folder(), 'bin/run')).mode & 0o100) !== 0)
  assert.equal(output(first, 'Package.InstallationDirectoryPath'), folder())
  assert.equal(output(first, 'Octopus.Action.Package.InstallationDirectoryPath'), folder())
  assert.equal(output(first, 'Package.ExtractedFileCount'), '2')
  const second = await deploy()
  assert.equal(output(second, 'Package.InstallationDirectoryPath'), folder(1))
  assert.deepEqual(readdirSync(join(machine.applications, 'Dev', 'Acme.Web')).sort(), ['1.2.3', '1.2.3_1'])
})

test('deployment 7.25: tenants and environments are folders, without the characters that would make others', async t => {
  const { machine, deploy } = setup(t, [{ name: 'a', content: 'x' }])
  await deploy({ 'Octopus.Deployment.Tenant.Name': 'ACME/Corp', 'Octopus.Environment.Name': '..' })
  assert.ok(existsSync(join(machine.applications, 'ACMECorp', '%2E%2E', 'Acme.Web', '1.2.3', 'a')))
})

test('deployment 7.28: everything happens in its order', async t => {
  const { machine, deploy } = setup(
    t,
    [
      { name: 'PreDeploy.sh', content: 'echo "* packaged pre $(cat conf.txt)"' },
      {
        name: 'Deploy.sh',
        content: 'echo "* packaged deploy $(cat conf.txt) $(cat app.json) in $(basename "$PWD")"',
      },
      { name: 'PostDeploy.sh', content: 'echo "* packaged post"' },
      { name: 'DeployFailed.sh', content: 'echo "* failed"' },
      { name: 'conf.txt', content: '#{Name}' },
      { name: 'app.json', content: '{"key":"old"}' },
    ],
    {
      ...features('CustomScripts', 'SubstituteInFiles', 'JsonConfigurationVariables', 'CustomDirectory'),
      'Octopus.Action.CustomScripts.PreDeploy.sh': 'echo "* inline pre #{Name}"',
      'Octopus.Action.CustomScripts.Deploy.sh': 'echo "* inline deploy"',
      'Octopus.Action.CustomScripts.PostDeploy.sh': 'echo "* inline post"',
      'Octopus.Action.CustomScripts.PostDeploy.py': 'print("* inline post in python")',
      'Octopus.Action.SubstituteInFiles.TargetFiles': 'conf.txt',
      'Octopus.Action.Package.JsonConfigurationVariablesTargets': '*.json',
      Name: 'ada',
      key: 'new',
    },
  )
  const target = join(machine.root, 'custom', 'site')
  const run = await deploy({ 'Octopus.Action.Package.CustomInstallationDirectory': target })
  assert.equal(run.exitCode, 0, run.stderr)
  assert.deepEqual(marks(run), [
    'inline pre ada',
    'packaged pre #{Name}',
    'packaged deploy ada {"key":"new"} in site',
    'inline deploy',
    'packaged post',
    'inline post',
    'inline post in python',
  ])
  assert.deepEqual(readdirSync(target).sort(), ['app.json', 'conf.txt'])
})

test('deployment 7.29: of several languages one runs, and the scripts of the stage are gone', async t => {
  const { deploy, folder } = setup(t, [
    { name: 'deploy.SH', content: 'echo "* sh"' },
    { name: 'Deploy.ps1', content: 'Write-Host "* ps1"' },
    { name: 'Deploy.py', content: 'print("* py")' },
    { name: 'sub/Deploy.sh', content: 'echo "* sub"' },
    { name: 'a', content: 'x' },
  ])
  const run = await deploy()
  assert.deepEqual(marks(run), ['sh'])
  assert.deepEqual(readdirSync(folder()).sort(), ['a', 'sub'])
  assert.ok(levels(run.stdout).some(([level, line]) => level === 'verbose' && /Deploy\.ps1/.test(line)))
})

test('packaged scripts stay when they are to be kept, and do not run when they are not to', async t => {
  const { deploy, folder } = setup(t, [{ name: 'Deploy.sh', content: 'echo "* ran"' }])
  assert.deepEqual(marks(await deploy({ OctopusDeleteScriptsOnCleanup: 'False' })), ['ran'])
  assert.deepEqual(readdirSync(folder()), ['Deploy.sh'])
  assert.deepEqual(marks(await deploy({ 'Octopus.Action.Package.RunScripts': 'False' })), [])
})

test('deployment 7.30: DeployFailed runs once where it failed, and is gone after a success', async t => {
  const { deploy, folder } = setup(t, [
    { name: 'Deploy.sh', content: 'echo "* deploy"; [ "$(get_octopusvariable Fail)" != yes ] || exit 7' },
    { name: 'PostDeploy.sh', content: 'echo "* post"' },
    {
      name: 'DeployFailed.sh',
      content: 'echo "* failed in $PWD: $(get_octopusvariable OctopusLastErrorMessage)"',
    },
  ])
  const failed = await deploy({ Fail: 'yes' })
  assert.equal(failed.exitCode, 1)
  assert.deepEqual(marks(failed), [
    'deploy',
    `failed in ${folder()}: The script Deploy.sh ended with exit code 7.`,
  ])
  assert.match(failed.stderr, /Deploy\.sh ended with exit code 7/)
  const good = await deploy()
  assert.deepEqual(marks(good), ['deploy', 'post'])
  assert.deepEqual(readdirSync(folder(1)), [])
})

test('deployment 7.31: a failing PreDeploy stops the rest and the journal says so', async t => {
  const { machine, deploy } = setup(
    t,
    [
      { name: 'PreDeploy.sh', content: 'exit 1' },
      { name: 'Deploy.sh', content: 'echo "* deploy"' },
      { name: 'DeployFailed.sh', content: 'echo "* rescue"; exit 9' },
    ],
    {
      'Octopus.Environment.Id': 'Environments-1',
      'Octopus.Project.Id': 'Projects-1',
      OctopusRetentionPolicySet: 'Environments-1/Projects-1/Step-"Web"&/Machines-3/<default>',
    },
  )
  const run = await deploy()
  assert.equal(run.exitCode, 1)
  assert.deepEqual(marks(run), ['rescue'])
  const journal = readFileSync(machine.journal, 'utf8')
  assert.match(journal, /WasSuccessful="False"/)
  assert.match(
    journal,
    /RetentionPolicySet="Environments-1\/Projects-1\/Step-&quot;Web&quot;&amp;\/Machines-3\/&lt;default(?:>|&gt;)"/,
  )
  assert.match(
    journal,
    /PackageId="Acme\.Web" PackageVersion="1\.2\.3" DeployedFrom="[^"]+Acme\.Web\.1\.2\.3\.zip"/,
  )
})

test('deployment 7.32: a script may skip what is left, which is a success', async t => {
  const { deploy } = setup(t, [
    {
      name: 'PreDeploy.sh',
      content: 'echo "* pre"; set_octopusvariable Octopus.Action.SkipRemainingConventions True',
    },
    { name: 'Deploy.sh', content: 'echo "* deploy"' },
  ])
  const run = await deploy()
  assert.equal(run.exitCode, 0)
  assert.deepEqual(marks(run), ['pre'])
})

test('deployment 7.33: what is installed is skipped, what failed is installed again', async t => {
  const fixed = { OctopusRetentionPolicySet: 'set', 'Octopus.Action.Package.SkipIfAlreadyInstalled': 'True' }
  const { deploy, folder } = setup(
    t,
    [{ name: 'Deploy.sh', content: 'echo "* deploy"; [ "$(get_octopusvariable Fail)" != yes ]' }],
    fixed,
  )
  assert.deepEqual(marks(await deploy({ Fail: 'yes' })), ['deploy'])
  assert.deepEqual(marks(await deploy()), ['deploy'])
  const skipped = await deploy()
  assert.equal(skipped.exitCode, 0)
  assert.deepEqual(marks(skipped), [])
  assert.equal(output(skipped, 'Package.InstallationDirectoryPath'), folder(1))
  assert.ok(!existsSync(folder(2)))
})

test('scripts know what was installed before by the same step', async t => {
  const script =
    'echo "* $(get_octopusvariable Octopus.Tentacle.PreviousInstallation.PackageVersion)|$(get_octopusvariable Octopus.Tentacle.PreviousSuccessfulInstallation.OriginalInstalledPath)"'
  const { deploy, folder } = setup(t, [{ name: 'Deploy.sh', content: script }], {
    OctopusRetentionPolicySet: 'Set/A',
  })
  assert.deepEqual(marks(await deploy()), ['|'])
  assert.deepEqual(marks(await deploy({ OctopusRetentionPolicySet: 'set/a' })), [`1.2.3|${folder()}`])
  assert.deepEqual(marks(await deploy({ OctopusRetentionPolicySet: 'other' })), ['|'])
})

test('a damaged journal is put aside and the deployment goes on', async t => {
  const { machine, deploy } = setup(t, [{ name: 'a', content: 'x' }], { OctopusRetentionPolicySet: 'set' })
  writeFileSync(machine.journal, '<Deployments><Deployment')
  const run = await deploy()
  assert.equal(run.exitCode, 0)
  assert.match(readFileSync(machine.journal, 'utf8'), /WasSuccessful="True"/)
  const aside = readdirSync(machine.root).filter(name => name.includes('.damaged-'))
  assert.equal(aside.length, 1)
  assert.equal(readFileSync(join(machine.root, aside[0] ?? ''), 'utf8'), '<Deployments><Deployment')
})

test('a journal of the original is read, added to, and otherwise left as it is', async t => {
  const { machine, deploy } = setup(
    t,
    [
      {
        name: 'Deploy.sh',
        content:
          'echo "* $(get_octopusvariable Octopus.Tentacle.PreviousInstallation.PackageVersion) $(get_octopusvariable Octopus.Tentacle.PreviousInstallation.OriginalInstalledPath)"',
      },
    ],
    { OctopusRetentionPolicySet: 'Set' },
  )
  const old =
    '\ufeff<?xml version="1.0" encoding="utf-8"?>\n<Deployments>\n  <!-- kept -->\n  <Deployment Id="1" Odd="yes" InstalledOn="2020-01-02 03:04:05" RetentionPolicySet="set" ExtractedTo="/old/place" PackageId="Acme.Web" PackageVersion="1.0.0" ExtractedFrom="/x.zip"/>\n</Deployments>'
  writeFileSync(machine.journal, old)
  assert.deepEqual(marks(await deploy()), ['1.0.0 /old/place'])
  const text = readFileSync(machine.journal, 'utf8')
  assert.match(text, /<!-- kept -->/)
  assert.match(text, /Odd="yes"/)
  assert.equal(text.match(/<Deployment /g)?.length, 2)
})

test('variables are printed on demand, but for the secret ones', async t => {
  const run = await setup(t, [{ name: 'a', content: 'x' }], {
    OctopusPrintEvaluatedVariables: 'True',
    OctopusPrintVariables: 'True',
    A: '#{B}',
    B: 'b',
    'My Secret': 'hunter2',
  }).deploy()
  assert.ok(run.lines.includes("[A] = '#{B}'"))
  assert.ok(run.lines.includes("[A] = 'b' (evaluated)"))
  assert.doesNotMatch(run.stdout, /hunter2/)
})
