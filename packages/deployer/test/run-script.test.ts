import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tarGzArchive, zipArchive } from '@tentacle/testkit'
import { runBash, said } from './bash-runs.ts'
import { Machine, output } from './deployer-runs.ts'

test('deployment 7.22: referenced packages are unpacked or copied beside the script', async t => {
  const machine = new Machine(t)
  const tools = machine.file(
    'Tools.1.0.0.tar.gz',
    tarGzArchive([{ name: 'bin/tool', content: '#!/bin/sh\necho tooled\n', mode: 0o755 }]),
  )
  const data = machine.file('Data.2.0.0.zip', zipArchive([{ name: 'x', content: 'y' }]))
  const run = await runBash(
    t,
    './Tools/bin/tool; ls Data.zip; get_octopusvariable "Octopus.Action.Package[Data].PackageFileName"; get_octopusvariable "Octopus.Action.Package[Tools].ExtractedPath"',
    {
      'Octopus.Action.Package[Tools].OriginalPath': tools,
      'Octopus.Action.Package[Tools].Extract': 'True',
      'Octopus.Action.Package[Data].OriginalPath': data,
      'Octopus.Action.Package[../Image].PackageId': 'docker',
    },
    machine,
  )
  assert.deepEqual(said(run), ['tooled', 'Data.zip', 'Data.zip', join(machine.work, 'Tools')])
})

test('a script in a package runs from there, with its variables and those in the named files replaced', async t => {
  const machine = new Machine(t)
  const file = machine.file(
    'Job.1.0.0.zip',
    zipArchive([
      { name: 'scripts/job.sh', content: 'pwd\r\ncat ../conf.txt\r\necho "#{Name}"\r\n' },
      { name: 'conf.txt', content: 'name=#{Name}\n' },
      { name: 'settings.json', content: '{"a":{"b":1}}' },
    ]),
  )
  const run = await machine.run(['run-script', '--package', file], {
    variables: {
      'Octopus.Action.Script.ScriptFileName': 'scripts/job.sh',
      'Octopus.Action.Script.SuppressEnvironmentLogging': 'True',
      'Octopus.Action.EnabledFeatures':
        'Octopus.Features.SubstituteInFiles,Octopus.Features.JsonConfigurationVariables',
      'Octopus.Action.SubstituteInFiles.TargetFiles': '*.txt',
      'Octopus.Action.Package.JsonConfigurationVariablesTargets': '**/*.json',
      Name: 'ada',
      'a:b': '2',
    },
  })
  assert.equal(run.exitCode, 0, run.stderr)
  assert.deepEqual(
    said(run).filter(line => !line.startsWith('Set ')),
    [join(machine.work, 'scripts'), 'name=ada', 'ada'],
  )
  assert.equal(readFileSync(join(machine.work, 'settings.json'), 'utf8'), '{"a":{"b":2}}')
  assert.match(readFileSync(machine.journal, 'utf8'), /PackageId="Job"/)
})

test('secrets are on no command line and in no file while the script runs, and no file is left', async t => {
  const machine = new Machine(t)
  const secret = randomUUID()
  const pattern = "<(get_octopusvariable 'My Secret')"
  const run = await runBash(
    t,
    `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -c -f ${pattern} || true
    grep -rlsa -f ${pattern} "$(dirname "$0")" . || echo none
    dirname "$0"; ls "$(dirname "$0")"; stat -c %a "$(dirname "$0")"`,
    { 'My Secret': secret },
    machine,
  )
  const [count, found, folder = '', ...rest] = said(run)
  assert.deepEqual([count, found, rest], ['0', 'none', ['bootstrap.sh', '700']])
  assert.ok(!existsSync(folder))
  assert.deepEqual(readdirSync(machine.work), [])
})

test('an unfinished service message does not swallow what comes after the script', async t => {
  const run = await runBash(t, 'printf "##octopus[setVariable"')
  assert.equal(output(run, 'Octopus.Action.Script.ExitCode'), '0')
})

test('a child that keeps the output open does not hold the step', async t => {
  const started = performance.now()
  const machine = new Machine(t)
  const run = await runBash(t, 'sleep 600 & echo $! > pid; echo done', {}, machine)
  process.kill(Number(readFileSync(join(machine.work, 'pid'), 'utf8')))
  assert.equal(run.exitCode, 0)
  assert.ok(performance.now() - started < 60_000)
  assert.ok(said(run).includes('done'))
})

test('output comes as it is written, not at the end', async t => {
  const machine = new Machine(t)
  const release = join(machine.root, 'release')
  const run = await machine.run(['run-script'], {
    variables: {
      'Octopus.Action.Script.ScriptBody': `printf 'first part'; while [ ! -e ${release} ]; do sleep 0.05; done; echo ' and last'`,
      'Octopus.Action.Script.Syntax': 'Bash',
    },
    onOutput: text => {
      if (text.includes('first part')) writeFileSync(release, '')
    },
  })
  assert.match(run.stdout, /first part and last/)
})

test('a line of megabytes and a last line without an end pass through', async t => {
  const run = await runBash(t, 'head -c 5000000 /dev/zero | tr "\\0" x; echo; printf "no end"')
  assert.ok(run.stdout.includes('x'.repeat(5_000_000)))
  assert.match(run.stdout, /^no end$/m)
})

test('python scripts find their functions and variables', async t => {
  const machine = new Machine(t)
  const run = await machine.run(['run-script'], {
    variables: {
      'Octopus.Action.Script.ScriptBody': `
import sys, os
print(get_octopusvariable("My Var"), repr(get_octopusvariable("nope")), octopusvariables["My Var"], sys.argv[1:])
set_octopusvariable("Out", "é")
set_octopusvariable("Hidden", "x", True)
createartifact("a.txt")
updateprogress(50, "half")
printverbose("quiet")
printhighlight("high")
import MyLib
MyLib.greet()
sys.exit(4)
`,
      'Octopus.Action.Script.Syntax': 'Python',
      'Octopus.Action.Script.ScriptParameters': `one "two three"`,
      'Octopus.Script.Module[My Lib]': 'def greet():\n  print("from the library")\n',
      'Octopus.Script.Module.Language[My Lib]': 'Python',
      'My Var': 'it\'s "日本"',
    },
  })
  assert.equal(run.stderr, '')
  assert.equal(run.exitCode, 4)
  assert.ok(run.lines.includes(`it's "日本" '' it's "日本" ['one', 'two three']`), run.stdout)
  assert.ok(run.lines.includes('from the library'))
  assert.equal(output(run, 'Out'), 'é')
  assert.equal(
    run.messages.find(({ attributes }) => attributes.get('name') === 'Hidden')?.attributes.get('sensitive'),
    'True',
  )
})

test('what cannot be run is said clearly', async t => {
  const machine = new Machine(t)
  const attempts: [Record<string, string>, RegExp][] = [
    [{}, /no script to run/],
    [
      { 'Octopus.Action.Script.ScriptBody': 'x', 'Octopus.Action.Script.Syntax': 'Cobol' },
      /'Cobol' cannot be run/,
    ],
    [
      { 'Octopus.Action.Script.ScriptBody': 'x', 'Octopus.Action.Script.Syntax': 'CSharp' },
      /C# scripts are not supported/,
    ],
    [{ 'Octopus.Action.Script.ScriptFileName': 'missing.sh' }, /missing\.sh does not exist/],
    [{ 'Octopus.Action.Script.ScriptFileName': 'odd.txt' }, /language of odd\.txt is not known/],
  ]
  writeFileSync(join(machine.work, 'odd.txt'), 'x')
  for (const [variables, message] of attempts) {
    const run = await machine.run(['run-script'], { variables })
    assert.equal(run.exitCode, 1)
    assert.match(run.stderr, message)
    assert.doesNotMatch(run.stderr, /at .*\.ts:/)
  }
})

test('PowerShell without PowerShell on the machine is named as what is missing', async t => {
  const machine = new Machine(t)
  mkdirSync(join(machine.root, 'bin'))
  const run = await machine.run(['run-script'], {
    variables: { 'Octopus.Action.Script.ScriptBody': 'x', 'Octopus.Action.Script.Syntax': 'PowerShell' },
    env: { PATH: join(machine.root, 'bin') },
  })
  assert.equal(run.exitCode, 1)
  assert.match(run.stderr, /pwsh could not be started: it is not installed/)
})

test('PowerShell is started with the script, the variables and the parameters, and with nothing secret', async t => {
  const machine = new Machine(t)
  mkdirSync(join(machine.root, 'bin'))
  const stand =
    '#!/bin/bash\nprintf "%s\\n" "$@"; head -c 3 "$6" | od -An -tx1; cat "$8" "$9"; grep -c "Set-OctopusVariable" "$6"\n'
  writeFileSync(join(machine.root, 'bin', 'pwsh'), stand, { mode: 0o755 })
  const run = await machine.run(['run-script'], {
    variables: {
      'Octopus.Action.Script.ScriptBody': 'Write-Host 1',
      'Octopus.Action.Script.Syntax': 'PowerShell',
      'Octopus.Action.Script.ScriptParameters': '-A 1',
      'My Secret': 'hunter2',
    },
    env: { PATH: `${join(machine.root, 'bin')}:${process.env.PATH}` },
  })
  assert.equal(run.exitCode, 0, run.stderr)
  assert.match(
    run.stdout,
    /-NoLogo\n-NonInteractive\n-ExecutionPolicy\nUnrestricted\n-File\n.*bootstrap\.ps1\n.*Script\.ps1\n.*variables\.json\n.*parameters\.txt\n.*modules\.txt\n/,
  )
  assert.match(run.stdout, /"k":"My Secret","v":"hunter2"/)
  assert.ok(!existsSync(join(machine.work, 'Script.ps1')))
})

test('the variables file may be plain, and bad ones end the command with one line', async t => {
  const machine = new Machine(t)
  const plain = machine.file(
    'plain.json',
    '\ufeff[{"k":"Octopus.Action.Script.ScriptBody","v":"echo plain","s":false},{"k":"Octopus.Action.Script.Syntax","v":"Bash"}]',
  )
  const out = await new Machine(t).run(['run-script', '--variables', 'missing.json'])
  assert.equal(out.exitCode, 1)
  assert.match(out.stderr, /^The variables file .*missing\.json does not exist\.\n$/)
  const started = machine.start(['run-script', `-VARIABLES:${plain}`, '/variablespassword', ''])
  assert.equal((await started.ended).exitCode, 1)
})

test('a recursive variable in the script ends with 101', async t => {
  const run = await runBash(t, 'echo #{A}', { A: '#{B}', B: '#{A}' })
  assert.equal(run.exitCode, 101)
  assert.match(run.stderr, /A -> B -> A/)
})

test('a recursive variable that the script does not use is no failure', async t => {
  const run = await runBash(t, 'echo fine', { A: '#{A}' })
  assert.equal(run.exitCode, 0)
  assert.ok(said(run).includes('fine'))
})

test('version, help and unknown commands', async t => {
  const machine = new Machine(t)
  assert.match((await machine.run(['version'])).stdout, /^\d+\.\d+\.\d+\n$/)
  assert.match((await machine.run(['help'])).stdout, /deploy-package .*\n.*run-script/)
  assert.match((await machine.run(['help', 'deploy-package'])).stdout, /--package=VALUE/)
  const unknown = await machine.run(['explode'])
  assert.equal(unknown.exitCode, 1)
  assert.match(unknown.stderr, /no command 'explode'/)
  assert.equal((await machine.run(['deploy-package', '--package'])).exitCode, 1)
})
