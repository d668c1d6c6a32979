import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runBash, said } from './bash-runs.ts'
import { levels, Machine, output } from './deployer-runs.ts'

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

test('the environment is described at the verbose level, unless that is switched off', async t => {
  const run = await runBash(t, 'true', { 'Octopus.Action.Script.SuppressEnvironmentLogging': null })
  assert.ok(levels(run.stdout).some(([level, line]) => level === 'verbose' && /bash \d/.test(line)))
})
