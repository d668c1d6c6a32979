import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { isServerError } from '../errors.ts'
import { createScriptOutputReader } from '../scripts/script-output.ts'
import { plainVariables } from '../variables/variable-list.ts'
import { ownDeployer } from './own-deployer.ts'
import { plainDeployer } from './plain-deployer.ts'
import { quoteBash } from './quoting.ts'

/** Runs a body as a Tentacle on Linux does. */
async function run(t: TestContext, script: string, values: Record<string, string> = {}, syntax = 'Bash') {
  const folder = mkdtempSync(join(tmpdir(), 'plain-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const body = await plainDeployer.runScript(
    plainVariables({
      ...values,
      'Octopus.Action.Script.ScriptBody': script,
      'Octopus.Action.Script.Syntax': syntax,
      'Octopus.Action.Script.ScriptSource': 'Inline',
    }),
  )
  writeFileSync(join(folder, 'Bootstrap.sh'), body.bash)
  for (const file of body.files) writeFileSync(join(folder, file.name), file.contents)
  const { status, stdout, stderr } = spawnSync('/bin/bash', ['Bootstrap.sh'], {
    cwd: folder,
    encoding: 'utf8',
  })
  const reader = createScriptOutputReader()
  const occurred = new Date()
  const entries = stdout
    .split('\n')
    .slice(0, -1)
    .map(text => ({ source: 'StdOut' as const, occurred, text }))
  const { lines, effects } = reader.read(entries)
  return { status, stderr, lines: lines.map(({ category, text }) => `${category}: ${text}`), effects }
}

describe('a script on a Tentacle without a deployer', () => {
  test('deployment 7.1: reads variables; an unknown one is an empty line', async t => {
    const result = await run(t, 'get_octopusvariable "A.B"\nget_octopusvariable "Nope"\n', {
      'A.B': 'it\'s "x" $HOME `id`',
    })
    assert.deepEqual(result.lines, ['Info: it\'s "x" $HOME `id`', 'Info: '])
    assert.equal(result.status, 0)
  })

  test('deployment 7.2: has its tokens replaced; an unknown one stays', async t => {
    const { lines } = await run(t, "echo '#{Greeting}, #{Nobody}'", { Greeting: 'hello #{Who}', Who: 'you' })
    assert.deepEqual(lines, ['Info: hello you, #{Nobody}'])
  })

  test('deployment 7.3: sets variables, also sensitive and multi-line ones', async t => {
    const { effects } = await run(t, 'set_octopusvariable A "b  *\nc"\nset_octopusvariable S t -sensitive')
    assert.deepEqual(effects, [
      { kind: 'setVariable', name: 'A', value: 'b  *\nc', isSensitive: false },
      { kind: 'setVariable', name: 'S', value: 't', isSensitive: true },
    ])
  })

  test('deployment 7.8: fail_step ends it with a message', async t => {
    const { status, effects, lines } = await run(t, 'fail_step "why"; echo not here')
    assert.equal(status, 1)
    assert.deepEqual(effects, [{ kind: 'resultMessage', message: 'why' }])
    assert.deepEqual(lines, [])
  })

  test('deployment 7.15: tells its progress, and writes lines of other levels', async t => {
    const { effects, lines } = await run(
      t,
      'update_progress 40 msg; write_verbose "a  b"; write_warning c; echo d',
    )
    assert.deepEqual(effects, [{ kind: 'progress', percentage: 40, message: 'msg' }])
    assert.deepEqual(lines, ['Verbose: a  b', 'Warning: c', 'Info: d'])
  })

  test('deployment 7.17: may have Windows line ends', async t => {
    const { status, lines } = await run(t, 'if true; then\r\n  echo ok\r\nfi\r\n')
    assert.deepEqual([status, lines], [0, ['Info: ok']])
  })

  test('ends with the exit code of its last command', async t => {
    assert.equal((await run(t, 'exit 3')).status, 3)
    assert.equal((await run(t, 'true; false')).status, 1)
  })

  test('says what is missing when its language is', async t => {
    const result = await run(t, 'Write-Host hi', {}, 'PowerShell')
    if (result.status === 0) return t.skip('pwsh is installed here')
    assert.match(result.stderr, /PowerShell \(pwsh\) is not installed/)
  })

  test('is refused when its language is not known, or when it comes from a package', async () => {
    const body = { 'Octopus.Action.Script.ScriptBody': 'x' }
    const refused = (values: Record<string, string>) =>
      assert.rejects(
        async () => plainDeployer.runScript(plainVariables({ ...body, ...values })),
        error => isServerError(error, 'ERR_INVALID_INPUT'),
      )
    await refused({ 'Octopus.Action.Script.Syntax': 'Cobol' })
    await refused({ 'Octopus.Action.Script.ScriptSource': 'Package' })
  })
})

describe('a script on our own Tentacle', () => {
  test('hands over to the deployer with the options quoted and the variables beside it', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'own-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const executable = join(folder, 'Tentacle with blanks')
    writeFileSync(executable, '#!/bin/bash\nprintf "<%s>" "$@"; exit 7\n', { mode: 0o755 })
    const { deployPackage } = ownDeployer
    assert.ok(deployPackage)
    const body = await deployPackage("/home/it's here/Files/a b.zip", [])
    assert.deepEqual(
      body.files.map(({ name }) => name),
      ['Variables.secret'],
    )
    const { status, stdout } = spawnSync('/bin/bash', ['-c', body.bash], {
      encoding: 'utf8',
      env: { TentacleExecutablePath: executable, PATH: process.env.PATH },
    })
    assert.equal(status, 7)
    assert.match(
      stdout,
      /^<deploy-package><--package><\/home\/it's here\/Files\/a b\.zip><--variables><Variables\.secret><--variablesPassword><[0-9a-f]{32}>$/,
    )
  })

  test('says so when the Tentacle did not tell where it is', async () => {
    const { status, stderr } = spawnSync('/bin/bash', ['-c', (await ownDeployer.runScript([])).bash], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    })
    assert.equal(status, 1)
    assert.match(stderr, /TentacleExecutablePath/)
  })
})

test('any text is one word of a bash command', () => {
  for (const text of ["it's", '$(id)', '`id`', '"', '\\', 'a\nb', "''"]) {
    const { stdout } = spawnSync('/bin/bash', ['-c', `printf %s ${quoteBash(text)}`], { encoding: 'utf8' })
    assert.equal(stdout, text)
  }
})
