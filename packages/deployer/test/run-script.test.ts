import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { tarGzArchive, zipArchive } from '@tentacle/testkit'
import { levels, Machine, output, type Run } from './deployer-runs.ts'

/** Runs the text as the script of a step. */
async function runBash(
  t: TestContext,
  body: string,
  variables: Record<string, string | null> = {},
  machine = new Machine(t),
): Promise<Run> {
  return await machine.run(['run-script'], {
    variables: {
      'Octopus.Action.Script.ScriptBody': body,
      'Octopus.Action.Script.Syntax': 'Bash',
      'Octopus.Action.Script.SuppressEnvironmentLogging': 'True',
      ...variables,
    },
  })
}

/** What the script itself wrote at the default level. */
function said(run: Run): string[] {
  return levels(run.stdout).flatMap(([level, line]) => (level === 'default' ? [line] : []))
}

test('deployment 7.1: bash reads variables, and an unknown one is an empty line', async t => {
  const run = await runBash(
    t,
    'get_octopusvariable "A.B"; get_octopusvariable Nope; get_octopusvariable a.b; echo end',
    { 'A.B': 'x  *  y' },
  )
  assert.equal(run.exitCode, 0)
  assert.match(run.stdout, /^x {2}\* {2}y\n\n\nend$/m)
})

test('deployment 7.2: variables in the script are replaced before it runs, unknown ones stay', async t => {
  const run = await runBash(t, "echo '#{Greeting} #{Unknown}' '#{Name | ToUpper}'", {
    Greeting: 'hello #{Name}',
    Name: 'ada',
  })
  assert.deepEqual(said(run), ['hello ada #{Unknown} ADA'])
})

test('values with every awkward character arrive as they are', async t => {
  const value = `it's "q" \`id\` $(id) \\ \${x} %s\ttab\n second line é 日本 \u{1f600} ##`
  const run = await runBash(
    t,
    'v="$(get_octopusvariable V)"; printf "<%s>" "$v"; set_octopusvariable Copy "$v"',
    { V: value },
  )
  assert.ok(run.stdout.includes(`<${value}>`))
  assert.equal(output(run, 'Copy'), value)
})

test('deployment 7.8: fail_step ends the step with its message', async t => {
  const run = await runBash(t, 'fail_step "no good  at all"; echo unreachable')
  assert.equal(run.exitCode, 1)
  assert.equal(
    run.messages.find(({ name }) => name === 'resultMessage')?.attributes.get('message'),
    'no good  at all',
  )
  assert.doesNotMatch(run.stdout, /unreachable/)
})

test('deployment 7.9: the exit code of the script is the exit code of the command', async t => {
  const run = await runBash(t, 'exit 3')
  assert.equal(run.exitCode, 3)
  assert.equal(output(run, 'Octopus.Action.Script.ExitCode'), '3')
  assert.equal((await runBash(t, 'false')).exitCode, 1)
  assert.equal((await runBash(t, 'kill -TERM $$')).exitCode, 143)
})

test('deployment 7.10: error output alone is no failure', async t => {
  const run = await runBash(t, 'echo oops >&2')
  assert.equal(run.exitCode, 0)
  assert.equal(run.stderr, 'oops\n')
})

test('deployment 7.11: error output fails the step that says so, but service messages do not count', async t => {
  const failing = { 'Octopus.Action.FailScriptOnErrorOutput': 'True' }
  assert.equal((await runBash(t, 'echo oops >&2', failing)).exitCode, 255)
  assert.equal((await runBash(t, 'echo "##octopus[mask value=\'YQ==\']" >&2', failing)).exitCode, 0)
})

test('deployment 7.12: levels change only the lines between, and the next script starts at the default', async t => {
  const run = await runBash(
    t,
    'write_verbose "quiet  one"; echo plain; write_highlight high; write_wait wait; write_warning warn; echo "##octopus[stdout-verbose]"; echo left',
    {},
  )
  const own = levels(run.stdout).filter(([, line]) => /^(quiet|plain|high|wait|warn|left)/.test(line))
  assert.deepEqual(own, [
    ['verbose', 'quiet  one'],
    ['default', 'plain'],
    ['highlight', 'high'],
    ['wait', 'wait'],
    ['warning', 'warn'],
    ['verbose', 'left'],
  ])
})

test('deployment 7.14: an artifact has its full path, name and length, with blanks in them', async t => {
  const machine = new Machine(t)
  const run = await runBash(
    t,
    'printf hello > "my file.txt"; new_octopusartifact "my file.txt"; new_octopusartifact "$PWD/my file.txt" "other  name"',
    {},
    machine,
  )
  const [first, second] = run.messages
    .filter(({ name }) => name === 'createArtifact')
    .map(({ attributes }) => Object.fromEntries(attributes))
  assert.deepEqual(first, { path: join(machine.work, 'my file.txt'), name: 'my file.txt', length: '5' })
  assert.equal(second?.name, 'other  name')
})

test('every helper of bash sends its message', async t => {
  const run = await runBash(
    t,
    `
    update_progress 40 "half  way"
    set_octopusvariable Plain value; set_octopusvariable Empty ""; set_octopusvariable Token s3cret -sensitive
    set_environmentstate Colour blue; set_environmentstate Key k -sensitive; set_environmenturl Site http://x
    new_octopustarget -n "My Target" --target-id T1 --inputs '{"a":1}' --roles web,db --worker-pool pool --update-if-existing
    remove-octopustarget old
    report_kubernetes_manifest $'a: 1\\n---\\nb: 2\\n' ns1
    printf 'c: 3\\n' > m.yaml; report_kubernetes_manifest_file m.yaml
    [ "$(decode_servicemessagevalue "$(encode_servicemessagevalue 'é  x')")" = 'é  x' ] && echo encoded
  `,
  )
  assert.equal(run.stderr, '')
  const messages = run.messages
    .filter(({ name }) => !name.startsWith('stdout-'))
    .map(({ name, attributes }) => [name, Object.fromEntries(attributes)])
  assert.deepEqual(messages.slice(0, -1), [
    ['progress', { percentage: '40', message: 'half  way' }],
    ['setVariable', { name: 'Plain', value: 'value' }],
    ['setVariable', { name: 'Empty' }],
    ['setVariable', { name: 'Token', value: 's3cret', sensitive: 'True' }],
    ['set-environmentstate', { key: 'Colour', value: 'blue', type: 'State' }],
    ['set-environmentstate', { key: 'Key', value: 'k', sensitive: 'True', type: 'State' }],
    ['set-environmentstate', { key: 'Site', value: 'http://x', type: 'Url' }],
    [
      'createStepPackageTarget',
      {
        name: 'My Target',
        targetid: 'T1',
        inputs: '{"a":1}',
        octopusroles: 'web,db',
        octopusdefaultworkerpoolidorname: 'pool',
        updateifexisting: 'true',
      },
    ],
    ['delete-target', { machine: 'old' }],
    ['k8s-manifest-applied', { manifest: 'a: 1\n', ns: 'ns1' }],
    ['k8s-manifest-applied', { manifest: 'b: 2\n', ns: 'ns1' }],
    ['k8s-manifest-applied', { manifest: 'c: 3\n', ns: '' }],
  ])
  assert.ok(said(run).includes('encoded'))
})

test('the helpers work in strict scripts and leave no variables behind', async t => {
  const run = await runBash(
    t,
    `
    set -euo pipefail
    before="$(compgen -v | sort)"
    get_octopusvariable X; set_octopusvariable A b; write_verbose hello; update_progress 1; new_octopusartifact none
    set_environmentstate k v; new_octopustarget -n x; report_kubernetes_manifest "a: 1"
    after="$(compgen -v | sort)"
    diff <(printf '%s' "$before" | grep -v '^before$') <(printf '%s' "$after" | grep -vE '^(before|after)$') | grep -vE '^[0-9,]+[acd]|PIPESTATUS|[<>] (_|BASH_[A-Z]+|FUNCNAME)$' || echo same
    env | grep -c octopus || true
  `,
    { X: 'x' },
  )
  assert.equal(run.stderr, '')
  assert.equal(run.exitCode, 0)
  assert.ok(said(run).includes('same'), run.stdout)
  assert.equal(said(run).at(-1), '0')
})

// biome-ignore lint/suspicious/noTemplateCurlyInString: an array of bash
const arrayScript = 'echo "${octopus_parameters[\'My Var\']}"; echo "${octopus_parameters[A.B]}"'

test('octopus_parameters is there for scripts that use it', async t => {
  const run = await runBash(t, arrayScript, { 'My Var': "it's", 'A.B': 'x y' })
  assert.deepEqual(said(run), ["it's", 'x y'])
})

test('deployment 7.16: a broken service message changes nothing', async t => {
  const run = await runBash(t, "echo \"##octopus[setVariable name='%%%' value='x']\"; echo ok")
  assert.equal(run.exitCode, 0)
  assert.ok(said(run).includes('ok'))
})

test('deployment 7.17: a script with Windows line ends and a byte order mark runs', async t => {
  const run = await runBash(t, '\ufeffif true\r\nthen\r\n  echo fine\r\nfi\r\n')
  assert.deepEqual(said(run), ['fine'])
  assert.equal(run.stderr, '')
})

test('deployment 7.18: UTF-8 survives in every piece of output', async t => {
  const run = await runBash(
    t,
    'for part in "\\xe6" "\\x97" "\\xa5" "\\n"; do printf "$part"; done; echo "é 日本 $(get_octopusvariable Ü)"',
    { Ü: 'ß' },
  )
  assert.deepEqual(said(run), ['日', 'é 日本 ß'])
})

test('deployment 7.20: a library module can be sourced and is gone afterwards', async t => {
  const machine = new Machine(t)
  const run = await runBash(
    t,
    'source MyLib.sh; greet',
    {
      'Octopus.Script.Module[My Lib]': 'greet() { echo "hello from the library"; }\r\n',
      'Octopus.Script.Module.Language[My Lib]': 'Bash',
      'Octopus.Script.Module[Other]': 'Write-Host x',
    },
    machine,
  )
  assert.deepEqual(said(run), ['hello from the library'])
  assert.deepEqual(readdirSync(machine.work), [])
})

test('deployment 7.21: parameters with quotes reach the script', async t => {
  const run = await runBash(t, 'printf "<%s>" "$@"', {
    'Octopus.Action.Script.ScriptParameters': `one "two  three" 'it is' "#{P}"`,
    P: '4',
  })
  assert.ok(run.stdout.includes('<one><two  three><it is><4>'))
})

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
  const before = new Set(readdirSync(tmpdir()))
  const run = await runBash(
    t,
    `
    get_octopusvariable "My Secret" >/dev/null
    cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -v grep | grep -c hunter'2' || true
    grep -rlsa hunter'2' "\${TMPDIR:-/tmp}"/deployer-* . || echo none
  `,
    { 'My Secret': 'hunter2hunter2' },
    machine,
  )
  assert.deepEqual(said(run), ['0', 'none'])
  assert.deepEqual(
    readdirSync(tmpdir()).filter(name => name.startsWith('deployer-') && !before.has(name)),
    [],
  )
  assert.deepEqual(readdirSync(machine.work), [])
})

test('three thousand variables cost no time to speak of', async t => {
  const many = Object.fromEntries(
    Array.from({ length: 3000 }, (_, index) => [`Var.${index}`, `value ${index}`]),
  )
  const started = performance.now()
  const run = await runBash(t, 'for i in $(seq 0 100 2999); do get_octopusvariable "Var.$i"; done', many)
  assert.equal(said(run).length, 30)
  // The limit is far above what it takes, and far below what a process per variable takes.
  assert.ok(performance.now() - started < 20_000)
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

test('the environment is described at the verbose level, unless that is switched off', async t => {
  const run = await runBash(t, 'true', { 'Octopus.Action.Script.SuppressEnvironmentLogging': null })
  assert.ok(levels(run.stdout).some(([level, line]) => level === 'verbose' && /bash \d/.test(line)))
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
    '#!/bin/bash\nprintf "%s\\n" "$@"; head -c 3 "$6" | od -An -tx1; cat "$8"; grep -c "Set-OctopusVariable" "$6"\n'
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
    /-NoLogo\n-NonInteractive\n-ExecutionPolicy\nUnrestricted\n-File\n.*bootstrap\.ps1\n.*Script\.ps1\n.*variables\.json\n-A 1\n/,
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
