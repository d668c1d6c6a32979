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
import { type TestContext, test } from 'node:test'
import { nupkgArchive, tarGzArchive, type ZipEntry, zipArchive } from '@tentacle/testkit'
import { levels, Machine, output, type Run } from './deployer-runs.ts'

const environment = {
  'Octopus.Environment.Name': 'Dev',
  'Octopus.Action.Script.SuppressEnvironmentLogging': 'True',
}

interface Setup {
  readonly machine: Machine
  readonly deploy: (variables?: Record<string, string>) => Promise<Run>
  /** The folder of the n-th installation. */
  readonly folder: (count?: number) => string
}

function setup(t: TestContext, entries: readonly ZipEntry[], fixed: Record<string, string> = {}): Setup {
  const machine = new Machine(t)
  const file = machine.file('Acme.Web.1.2.3.zip', zipArchive(entries))
  return {
    machine,
    deploy: (variables = {}) =>
      machine.run(['deploy-package', '--package', file], {
        variables: { ...environment, ...fixed, ...variables },
      }),
    folder: (count = 0) =>
      join(machine.applications, 'Dev', 'Acme.Web', count === 0 ? '1.2.3' : `1.2.3_${count}`),
  }
}

const features = (...names: string[]) => ({
  'Octopus.Action.EnabledFeatures': names.map(name => `Octopus.Features.${name}`).join(','),
})

/** What scripts of the tests said: lines that start with a mark. */
const marks = (run: Run) => run.lines.flatMap(line => (line.startsWith('* ') ? [line.slice(2)] : []))

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

test('deployment 7.35: values of JSON files keep their kinds, and what is not named stays', async t => {
  const settings =
    '{\n  // the database\n  "ConnectionStrings": { "Db": "old" },\n  "Port": 80,\n  "Other": 1.10,\n  "OctopusKey": "k"\n}\n'
  const { deploy, folder } = setup(
    t,
    [
      { name: 'appsettings.json', content: settings },
      { name: 'conf/app.yaml', content: '# top\na:\n  b: 1 # one\n' },
    ],
    {
      ...features('JsonConfigurationVariables'),
      'Octopus.Action.Package.JsonConfigurationVariablesTargets':
        'appsettings*.json\nconf/*.{yml,yaml}\nnothing*.json',
      'ConnectionStrings:Db': 'Server=#{Host}',
      Host: 'pg',
      port: '8080',
      OctopusKey: 'no',
      'a:b': '2',
    },
  )
  const run = await deploy()
  assert.equal(run.exitCode, 0, run.stderr)
  assert.equal(
    readFileSync(join(folder(), 'appsettings.json'), 'utf8'),
    settings.replace('"old"', '"Server=pg"').replace('80', '8080'),
  )
  assert.equal(readFileSync(join(folder(), 'conf/app.yaml'), 'utf8'), '# top\na:\n  b: 2 # one\n')
  assert.ok(levels(run.stdout).some(([level, line]) => level === 'warning' && line.includes('nothing*.json')))
})

test('a configuration file that cannot be read, or is XML, fails the deployment with the reason', async t => {
  const fixed = {
    ...features('JsonConfigurationVariables'),
    'Octopus.Action.Package.JsonConfigurationVariablesTargets': 'app.*',
    a: '1',
  }
  const broken = await setup(t, [{ name: 'app.json', content: '{"a": ' }], fixed).deploy()
  assert.equal(broken.exitCode, 1)
  assert.match(
    broken.stderr,
    /No values can be set in app\.json: it is no JSON \(The text ends too early at offset 6\)/,
  )
  const xml = await setup(t, [{ name: 'app.xml', content: '<a/>' }], fixed).deploy()
  assert.match(xml.stderr, /app\.xml: .*not supported yet/)
})

test('deployment 7.37: globs name the files; a missing variable is a verbose line, or a failure on demand', async t => {
  const { deploy, folder } = setup(
    t,
    [
      { name: 'a/one.config.txt', content: '#{Name} #{Gone} #{if Name}yes#{/if}' },
      { name: 'b/c/two.txt', content: '#{Name}' },
      { name: 'three.md', content: '#{Name}' },
    ],
    {
      ...features('SubstituteInFiles'),
      'Octopus.Action.SubstituteInFiles.TargetFiles': '**/*.txt\nnone/*.x',
      Name: 'ada',
    },
  )
  const run = await deploy()
  assert.equal(run.exitCode, 0)
  assert.equal(readFileSync(join(folder(), 'a/one.config.txt'), 'utf8'), 'ada #{Gone} yes')
  assert.equal(readFileSync(join(folder(), 'b/c/two.txt'), 'utf8'), 'ada')
  assert.equal(readFileSync(join(folder(), 'three.md'), 'utf8'), '#{Name}')
  const noted = levels(run.stdout)
  assert.ok(
    noted.some(
      ([level, line]) =>
        level === 'verbose' && /one\.config\.txt: no value was found for #\{Gone\}/.test(line),
    ),
  )
  assert.ok(noted.some(([level, line]) => level === 'warning' && line.includes('none/*.x')))
  const failing = await deploy({
    OctopusShouldFailDeploymentOnSubstitutionFails: 'True',
    'Octopus.Action.SubstituteInFiles.EnableNoMatchWarning': 'False',
  })
  assert.equal(failing.exitCode, 1)
  assert.match(failing.stderr, /could not be replaced.*#\{Gone\}/)
})

test('files keep their encoding, mark and mode when variables in them are replaced', async t => {
  const latin = Buffer.from([0xe9, 0x20, ...Buffer.from('#{Name}')])
  const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('é #{Name}')])
  const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('é #{Name}', 'utf16le')])
  const { deploy, folder } = setup(
    t,
    [
      { name: 'latin.txt', content: latin, mode: 0o755 },
      { name: 'marked.txt', content: marked },
      { name: 'wide.txt', content: wide },
      { name: 'same.txt', content: 'no tokens', mtime: new Date(2020, 1, 1) },
    ],
    { ...features('SubstituteInFiles'), 'Octopus.Action.SubstituteInFiles.TargetFiles': '*.txt' },
  )
  await deploy({ Name: 'ü' })
  assert.deepEqual([...readFileSync(join(folder(), 'latin.txt'))], [0xe9, 0x20, 0xfc])
  assert.equal(statSync(join(folder(), 'latin.txt')).mode & 0o111, 0o111)
  assert.deepEqual(
    readFileSync(join(folder(), 'marked.txt')),
    Buffer.concat([marked.subarray(0, 3), Buffer.from('é ü')]),
  )
  assert.deepEqual(
    readFileSync(join(folder(), 'wide.txt')),
    Buffer.concat([wide.subarray(0, 2), Buffer.from('é ü', 'utf16le')]),
  )
  assert.equal(statSync(join(folder(), 'same.txt')).mtime.getFullYear(), 2020)
  const run = await deploy({ Name: '日' })
  assert.equal(readFileSync(join(folder(1), 'latin.txt'), 'utf8'), 'é 日')
  assert.ok(levels(run.stdout).some(([level, line]) => level === 'warning' && /latin\.txt/.test(line)))
})

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

test('XML configuration that should be changed fails the deployment instead of being left out', async t => {
  const { deploy } = setup(t, [{ name: 'web.config', content: '<configuration/>' }], {
    ...features('ConfigurationVariables', 'IISWebSite'),
    'Octopus.Action.Package.AutomaticallyUpdateAppSettingsAndConnectionStrings': 'True',
  })
  const run = await deploy()
  assert.equal(run.exitCode, 1)
  assert.match(run.stderr, /should change web\.config.*not supported yet/)
  assert.ok(
    levels(run.stdout).some(
      ([level, line]) => level === 'warning' && /IISWebSite is not supported/.test(line),
    ),
  )
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

test('without a place for applications the deployment says what to set', async t => {
  const machine = new Machine(t)
  const file = machine.file('App.1.0.0.zip', zipArchive([{ name: 'a', content: 'x' }]))
  const run = await machine.run(['deploy-package', '--package', file], {
    env: { TentacleApplications: '', HOME: '' },
  })
  assert.equal(run.exitCode, 1)
  assert.match(run.stderr, /ApplicationDirectoryPath/)
})
