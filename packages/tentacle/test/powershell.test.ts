import assert from 'node:assert/strict'
import { access, chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { StartScriptCommandV2 } from '@tentacle/contracts'
import { until } from '@tentacle/testkit'
import type { ScriptServices, ScriptServicesOptions } from '../src/services/create-script-services.ts'
import { createRig } from './rig.ts'
import {
  caller,
  type Finished,
  follow,
  openServices,
  printed,
  run,
  startCommand,
  status,
  temporaryHome,
  textsOf,
} from './script-agent.ts'

const marker = '# TENTACLE-POWERSHELL-STARTUP-DETECTION-AND-GUARD-MUST-BE-AT-THE-START-OF-THE-SCRIPT'

/**
 * Stands in for PowerShell: it knows as much of the language as the agent's own lines have, prints what `Write-Output`
 * and `Write-Error` are told to, and notes what it was called with. With `hold` beside it, it does not come up before
 * there is `go`, as under a virus scanner, and takes no notice of SIGTERM.
 */
const standIn = `#!${process.execPath}
const fs = require('node:fs')
const beside = name => __dirname + '/' + name
function waitFor(path) {
  while (!fs.existsSync(path)) {
    if (!fs.existsSync(__dirname)) process.exit()
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
  }
}
fs.appendFileSync(beside('calls'), JSON.stringify(process.argv.slice(2)) + '\\n')
if (fs.existsSync(beside('hold'))) {
  process.on('SIGTERM', () => {})
  fs.writeFileSync(beside('held'), '')
  waitFor(beside('go'))
}
const text = quoted => quoted.slice(1, -1).replaceAll("''", "'")
const run = (code, parameters) => {
  for (const line of code.replace(/^\\uFEFF/, '').split(/\\r?\\n|; (?=try|if|\\.|\\$)/)) {
    let match
    if ((match = /^try \\{ \\$null = New-Item -ItemType File -Path ('.*?') -ErrorAction Stop \\} catch \\{ (if \\(Test-Path.*?\\) \\{ )?exit (-?\\d+)/.exec(line))) {
      try {
        if (match[2] && fs.existsSync(beside('no-sign'))) continue
        fs.closeSync(fs.openSync(text(match[1]), 'wx'))
      } catch (error) {
        if (!match[2] || error.code === 'EEXIST') process.exit(Number(match[3]) & 255)
      }
    } else if ((match = /^if \\(-not \\(Test-Path -LiteralPath ('.*?')\\)\\) \\{ exit (-?\\d+) \\}/.exec(line))) {
      if (!fs.existsSync(text(match[1]))) process.exit(Number(match[2]) & 255)
    } else if ((match = /^\\. ('.*?')( .*)?$/.exec(line))) run(fs.readFileSync(text(match[1]), 'utf8'), match[2] ?? '')
    else if ((match = /^Write-Output ('.*')$/.exec(line))) fs.writeSync(1, text(match[1]) + '\\n')
    else if ((match = /^Write-Error ('.*')$/.exec(line))) fs.writeSync(2, text(match[1]) + '\\n')
    else if (line === 'Wait-File go') waitFor('go')
    else if (line === 'Write-Output $args') fs.writeSync(1, parameters.trim() + '\\n')
    else if ((match = /^exit (\\d+)$/.exec(line))) process.exit(Number(match[1]))
  }
}
run(process.argv.at(-1))
`

interface Machine {
  readonly home: string
  /** Where the stand-in is; scripts find it by its name. */
  readonly folder: string
  at(command: StartScriptCommandV2, ...path: string[]): string
  /** An agent under which PowerShell may take so long to come up. */
  open(timeout?: string, more?: Partial<ScriptServicesOptions>): Promise<ScriptServices>
  /** Resolves when the stand-in does not come up. */
  held(): Promise<void>
  letGo(): Promise<void>
}

/** A machine with a stand-in that is called `pwsh`. */
async function withPwsh(t: TestContext, { isHeld = false } = {}): Promise<Machine> {
  const home = await temporaryHome(t)
  const folder = join(home, "it's here")
  await mkdir(folder)
  await writeFile(join(folder, 'pwsh'), standIn)
  await chmod(join(folder, 'pwsh'), 0o755)
  if (isHeld) await writeFile(join(folder, 'hold'), '')
  const letGo = () => writeFile(join(folder, 'go'), '')
  const inherited = { ...process.env, PATH: `${folder}:${process.env.PATH}` }
  return {
    home,
    folder,
    letGo,
    at: ({ scriptTicket }, ...path) => join(home, 'Work', scriptTicket.taskId, ...path),
    open(TentaclePowerShellStartupTimeout = '01:00:00', more = {}) {
      const variables = { ...inherited, TentaclePowerShellStartupTimeout }
      const executablePath = '/opt/tentacle/Tentacle'
      const environment = { inherited: variables, executablePath, version: '9.9.9' }
      return openServices(t, { home, environment, ...more })
    },
    held: () => thereIs(join(folder, 'held')),
  }
}

/**
 * Runs a script that prints `up` and waits for the file `go`, and lets an agent follow it for which the time that PowerShell
 * has to come up is over.
 */
async function followPastLimit(machine: Machine, command: StartScriptCommandV2): Promise<Finished> {
  const before = await machine.open()
  await before.scriptsV2.startScript(command, caller)
  await until('it runs', async () => printed((await status(before, command)).logs).includes('up'))
  await before.stop()
  const agent = await machine.open(passed)
  assert.equal((await status(agent, command)).state, 'Running')
  await writeFile(machine.at(command, 'go'), '')
  return await follow(agent, command)
}

async function thereIs(path: string): Promise<void> {
  const look = () =>
    access(path).then(
      () => true,
      () => false,
    )
  await until(`there is ${path}`, look)
}

/** A limit that is over by the time when an agent takes a script up again. */
const passed = '00:00:00.001'

const first = '#!/usr/bin/env pwsh'

test('a script that asks for pwsh gets it: command line, file, arguments, output, exit code', async t => {
  const machine = await withPwsh(t)
  const agent = await machine.open()
  const { exitCode, logs, command } = await run(
    agent,
    `${first}\r\nWrite-Output 'grüße'\r\nWrite-Error 'no'\r\nWrite-Output $args\r\nexit 9`,
    { arguments: ['-Name', '"two words"', '$x'] },
  )
  assert.equal(exitCode, 9)
  assert.deepEqual(printed(logs), ['grüße', '-Name "two words" $x'])
  assert.deepEqual(textsOf(logs, 'StdErr'), ['no'])
  assert.equal(textsOf(logs, 'Debug').length, 4)
  const body = await readFile(machine.at(command, 'Bootstrap.ps1'), 'utf8')
  assert.ok(body.startsWith(`\uFEFF${first}\r\n`), 'with a byte order mark and its own line ends')
  const call: unknown = JSON.parse(await readFile(join(machine.folder, 'calls'), 'utf8'))
  assert.ok(Array.isArray(call))
  const switches = '-NonInteractive -NoProfile -NoLogo -ExecutionPolicy Unrestricted -Command'
  assert.equal(call.slice(0, -1).join(' '), switches)
  const text = String(call.at(-1))
  assert.match(text, /\$ErrorActionPreference = 'Stop'; \. '/)
  assert.ok(text.endsWith('{ exit $global:LastExitCode }'))
})

test('tentacle 12.68: PowerShell that starts in time is waited for, however long the script takes', async t => {
  const machine = await withPwsh(t)
  const command = startCommand(`${first}\n${marker}\nWrite-Output 'up'\nWait-File go\nexit 3`)
  const { exitCode, logs } = await followPastLimit(machine, command)
  assert.equal(exitCode, 3)
  assert.deepEqual(printed(logs), ['up'])
  for (const name of ['started', 'should_run'])
    await access(machine.at(command, `.octopus_powershell_${name}`))
  assert.ok(!(await readFile(machine.at(command, 'Bootstrap.ps1'), 'utf8')).includes(marker))
})

test('tentacle 12.68: PowerShell that never starts is -47, and its mutex is free at once', async t => {
  const machine = await withPwsh(t, { isHeld: true })
  const agent = await machine.open('00:00:00.3', { cancelGraceMs: 600_000 })
  const isolation = 'FullIsolation'
  const command = startCommand(`${first}\n${marker}\nWrite-Output 'never'`, { isolation })
  const next = startCommand('echo next', { isolation })
  await agent.scriptsV2.startScript(command, caller)
  await agent.scriptsV2.startScript(next, caller)
  const { exitCode, logs } = await follow(agent, command)
  assert.equal(exitCode, -47)
  assert.deepEqual(printed(logs), [])
  assert.match(textsOf(logs, 'StdErr').join(), /pwsh was started, but has not begun .* within 0 s/)
  assert.deepEqual(printed((await follow(agent, next)).logs), ['next'])
  await access(machine.at(command, '.octopus_powershell_started'))
  await assert.rejects(access(machine.at(command, '.octopus_powershell_should_run')))
  const state = JSON.parse(await readFile(machine.at(command, 'scriptstate.json'), 'utf8'))
  assert.deepEqual([state.State, state.ExitCode], [2, -47])
})

test('tentacle 12.68: PowerShell that starts late, when it was given up, ends by itself', async t => {
  const machine = await withPwsh(t, { isHeld: true })
  const command = startCommand(`${first}\n${marker}\nWrite-Output 'late'\nexit 0`)
  const before = await machine.open()
  await before.scriptsV2.startScript(command, caller)
  await machine.held()
  await before.stop()
  const agent = await machine.open(passed, { cancelGraceMs: 600_000 })
  assert.equal((await follow(agent, command)).exitCode, -47)
  await machine.letGo()
  const result = machine.at(command, '.tentacle/run/result')
  await thereIs(result)
  assert.deepEqual(JSON.parse(await readFile(result, 'utf8')), { t: 'exited', exitCode: -47 & 255 })
  assert.equal(await readFile(machine.at(command, '.tentacle/run/stdout'), 'utf8'), '')
})

test('tentacle 12.68: without the marker there is no guard, but that PowerShell comes up at all is watched', async t => {
  const machine = await withPwsh(t, { isHeld: true })
  const agent = await machine.open('00:00:00.3')
  const { exitCode, logs, command } = await run(agent, `${first}\nWrite-Output 'never'`)
  assert.equal(exitCode, -47)
  assert.match(textsOf(logs, 'StdErr').join(), /was given up/)
  for (const name of ['started', 'should_run'])
    await assert.rejects(access(machine.at(command, `.octopus_powershell_${name}`)))
})

test('PowerShell that cannot make its sign, but prints, is up', async t => {
  const machine = await withPwsh(t)
  await writeFile(join(machine.folder, 'no-sign'), '')
  const command = startCommand(`${first}\nWrite-Output 'up'\nWait-File go\nexit 3`)
  assert.equal((await followPastLimit(machine, command)).exitCode, 3)
})

test('an agent that has given PowerShell up and not lived to tell is followed by one that tells', async t => {
  for (const body of [`${first}\n${marker}`, first]) {
    const machine = await withPwsh(t, { isHeld: true })
    const command = startCommand(body)
    const before = await machine.open()
    await before.scriptsV2.startScript(command, caller)
    await machine.held()
    await before.stop()
    const isGuarded = body.includes(marker)
    const sign = isGuarded ? '.octopus_powershell_started' : '.tentacle/run/powershell'
    await writeFile(machine.at(command, sign), 'given up\n')
    const agent = await machine.open(passed, { cancelGraceMs: 0 })
    assert.equal((await follow(agent, command)).exitCode, -47)
  }
})

test('the marker means nothing to other shells', async t => {
  const agent = await openServices(t)
  const { exitCode, logs } = await run(agent, `${marker}\necho up`)
  assert.equal(exitCode, 0)
  assert.deepEqual(printed(logs), ['up'])
})

test('a script that is cancelled while PowerShell does not come up is over when its processes are gone', async t => {
  const machine = await withPwsh(t, { isHeld: true })
  const agent = await machine.open('01:00:00', { cancelGraceMs: 100 })
  const command = startCommand(`${first}\n${marker}\nWrite-Output 'never'`)
  await agent.scriptsV2.startScript(command, caller)
  await machine.held()
  await agent.scriptsV2.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 }, caller)
  assert.equal((await follow(agent, command)).exitCode, -1)
})

test('configure --powerShellPath chooses the PowerShell of Windows, and gives it back', async t => {
  const rig = await createRig(t)
  const configured = async (value: string) =>
    (await rig.run(['configure', '--instance=T', `--powerShellPath=${value}`])).exitCode
  const shown = async (): Promise<unknown> =>
    JSON.parse((await rig.run(['show-configuration', '--instance=T'])).stdout).Tentacle.Scripts
  await rig.run([
    'create-instance',
    '--instance=T',
    `--config=${rig.at('T.config')}`,
    `--home=${rig.at('home')}`,
  ])
  await rig.run(['new-certificate', '--instance=T'])
  assert.equal(await shown(), undefined)
  assert.equal(await configured('pwsh'), 0)
  assert.deepEqual(await shown(), { PowerShellPath: 'pwsh' })
  assert.equal(await configured('tools/pwsh'), 0)
  assert.deepEqual(await shown(), { PowerShellPath: rig.at('tools/pwsh') })
  assert.equal(await configured('default'), 0)
  assert.equal(await shown(), undefined)
})
