import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { levels } from './deployer-runs.ts'
import { features, setup } from './deployments.ts'

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
