import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { access, chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '@tentacle/testkit'
import { followAt, startAgent } from './agent-process.ts'
import {
  caller,
  follow,
  isRunning,
  openServices,
  printed,
  run,
  startCommand,
  status,
  temporaryHome,
  textsOf,
} from './script-agent.ts'

const node = process.execPath

test('a script runs with the interpreter of its first line: arguments, folder, environment, exit code', async t => {
  const agent = await openServices(t)
  const { exitCode, logs, command } = await run(
    agent,
    `\uFEFF#!${node}\r
    console.log(JSON.stringify(process.argv.slice(2)), process.cwd(), process.env.TentacleVersion)\r
    console.error('é')\r
    process.exit(7)`,
    { arguments: ['one', '"two words"'] },
  )
  const folder = join(agent.home, 'Work', command.scriptTicket.taskId)
  assert.equal(exitCode, 7)
  assert.deepEqual(printed(logs), [`["one","two words"] ${folder} 9.9.9`])
  assert.deepEqual(textsOf(logs, 'StdErr'), ['é'])
  const [first, second] = textsOf(logs, 'Debug')
  assert.match(first ?? '', /folder of the shell is \//)
  assert.ok(second?.includes(node))
  assert.ok((await readdir(folder)).includes('Bootstrap.sh'))
})

test('the first line means what it means to the system', async t => {
  const home = await temporaryHome(t)
  const show = join(home, 'show')
  await writeFile(show, '#!/bin/bash\nfor word in "$@"; do printf "[%s]" "$(basename "$word")"; done; echo\n')
  await chmod(show, 0o755)
  const agent = await openServices(t, { home })
  for (const line of [
    show,
    ` \t${show}  `,
    `${show} one`,
    `${show}\tone  two\t`,
    `/usr/bin/env -S ${show} one two`,
    `/usr/bin/env -S A=1  ${show} one`,
    `/usr/bin/env ${show}`,
    `/usr/bin/env -iS ${show} one`,
  ]) {
    const body = `#!${line}\nnever read\n`
    const file = join(home, 'Bootstrap.sh')
    await writeFile(file, body)
    await chmod(file, 0o755)
    const ofSystem = execFileSync(file, ['x', 'y z'], { cwd: home, encoding: 'utf8' }).trimEnd()
    const { logs } = await run(agent, body, { arguments: ['x', '"y z"'] })
    assert.deepEqual(printed(logs), [ofSystem], line)
  }
})

test('shells of the family of bash stay with bash, and so does what has no first line of that kind', async t => {
  const agent = await openServices(t)
  for (const line of [
    '#!/bin/sh',
    '#!/bin/dash -e',
    '#!/usr/bin/env bash',
    '#!/bin/zsh',
    '# !/usr/bin/perl',
    '#!',
  ]) {
    const { logs, exitCode } = await run(agent, `${line}\nfalse; [[ -n $BASH ]] && echo "$BASH"`)
    assert.deepEqual(printed(logs), ['/bin/bash'], line)
    assert.equal(exitCode, 0)
  }
})

test('an interpreter that is not there is -42, and is named', async t => {
  const agent = await openServices(t)
  for (const [line, name] of [
    ['#!/opt/nowhere/ruby', '/opt/nowhere/ruby'],
    ['#!/usr/bin/env no-such-language', 'no-such-language'],
    ['#!/usr/bin/env -S no-such-language -x', 'no-such-language'],
    ['#!/usr/bin/env no-such-pwsh', 'no-such-pwsh'],
    ['#!perl', 'perl'],
  ] as const) {
    const { exitCode, logs } = await run(agent, `${line}\nwhatever`)
    assert.equal(exitCode, -42, line)
    assert.match(textsOf(logs, 'StdErr').join('\n'), new RegExp(`could not be started: .* by ${name}, but`))
  }
})

test('cancelling a script of another language ends what it has started', async t => {
  const agent = await openServices(t, { cancelGraceMs: 200 })
  const command = startCommand(`#!${node}
    process.on('SIGTERM', () => {})
    console.log(require('node:child_process').spawn('/bin/sleep', ['720']).pid)`)
  await agent.scriptsV2.startScript(command, caller)
  const [child] = await until('it runs', async () => {
    const lines = printed((await status(agent, command)).logs)
    return lines.length === 1 && lines
  })
  await agent.scriptsV2.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 }, caller)
  assert.equal((await follow(agent, command)).exitCode, -1)
  assert.equal(await isRunning(child), false)
})

test('a script of another language survives its agent, and one that waits keeps its shell', async t => {
  const home = await temporaryHome(t)
  const go = join(home, 'go')
  const body = (text: string) => `#!${node}
    const { existsSync } = require('node:fs')
    console.log('${text} begins')
    setInterval(() => { if (existsSync('${go}')) { console.log('${text} ends'); process.exit(6) } }, 20)`
  const runs = startCommand(body('first'), { isolation: 'FullIsolation' })
  const waits = startCommand(body('second'), { isolation: 'FullIsolation', arguments: ['x'] })
  const first = await startAgent(t, home)
  await first.start(runs)
  await until('it runs', async () =>
    printed((await first.status(runs.scriptTicket, 0)).logs).includes('first begins'),
  )
  await first.start(waits)
  await first.kill()
  const second = await startAgent(t, home)
  await writeFile(go, '')
  const ended = await followAt(second, runs.scriptTicket)
  assert.deepEqual(printed(ended.logs), ['first begins', 'first ends'])
  assert.equal(ended.exitCode, 6)
  const later = await followAt(second, waits.scriptTicket)
  assert.deepEqual(printed(later.logs), ['second begins', 'second ends'])
  assert.equal(later.exitCode, 6)
})

test('files of a caller may have the name that another shell would use', async t => {
  const agent = await openServices(t)
  const { command } = await run(agent, 'exit 0')
  const folder = join(agent.home, 'Work', command.scriptTicket.taskId)
  await assert.rejects(access(join(folder, 'Bootstrap.ps1')))
  assert.equal(await readFile(join(folder, 'Bootstrap.sh'), 'utf8'), 'exit 0')
})
