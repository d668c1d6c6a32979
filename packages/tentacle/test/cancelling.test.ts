import assert from 'node:assert/strict'
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { DataStream } from '@tentacle/halibut'
import { until } from '@tentacle/testkit'
import {
  caller,
  follow,
  isRunning,
  openServices,
  printed,
  run,
  startCommand,
  status,
  textsOf,
} from './script-agent.ts'

test('tentacle 12.46, 12.54: cancelling ends children, grandchildren, and those in sessions of their own', async t => {
  const agent = await openServices(t, { cancelGraceMs: 300 })
  const command = startCommand(
    `trap '' TERM INT HUP
     sleep 701 & echo $!
     (sleep 702 & echo $!; sleep 703) &
     setsid sleep 704 & echo $!
     bash -c 'bash -c "echo \\$\\$; sleep 705; true"; true' &
     sleep 706
     echo never`,
  )
  await agent.scriptsV2.startScript(command, caller)
  const children = await until('all children have told their numbers', async () => {
    const lines = printed((await status(agent, command)).logs)
    return lines.length === 4 && lines
  })
  const answer = await agent.scriptsV2.cancelScript(
    { ticket: command.scriptTicket, lastLogSequence: 0 },
    caller,
  )
  assert.equal(answer.state, 'Running', 'the answer does not wait for the end')
  const { exitCode, logs } = await follow(agent, command)
  assert.equal(exitCode, -1)
  assert.deepEqual(printed(logs), children)
  assert.deepEqual(textsOf(logs, 'StdErr'), [])
  for (const child of children) assert.equal(await isRunning(child), false, child)
})

test('tentacle 12.54: a process that has left the family of the script does not hold up a cancel', async t => {
  const agent = await openServices(t)
  // Its parent ends at once, and it has a session of its own: nothing but the open output tells where it belongs.
  const command = startCommand('bash -c "setsid sleep 707 & echo \\$!"; echo up; sleep 708')
  await agent.scriptsV2.startScript(command, caller)
  const [stray] = await until('the script runs', async () => {
    const lines = printed((await status(agent, command)).logs)
    return lines.includes('up') && lines
  })
  await agent.scriptsV2.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 }, caller)
  assert.equal((await follow(agent, command)).exitCode, -1)
  if (await isRunning(stray)) process.kill(Number(stray), 'SIGKILL')
})

test('tentacle 12.54: a cancelled script may tidy up, and what it prints then is in its log', async t => {
  const agent = await openServices(t, { cancelGraceMs: 60_000 })
  const command = startCommand(`trap 'echo tidied; exit 0' TERM; echo up; sleep 711`)
  await agent.scriptsV2.startScript(command, caller)
  await until('the script runs', async () => printed((await status(agent, command)).logs).includes('up'))
  await agent.scriptsV2.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 }, caller)
  const { exitCode, logs } = await follow(agent, command)
  assert.equal(exitCode, -1)
  assert.deepEqual(printed(logs), ['up', 'tidied'])
})

test('tentacle 12.54: a script without a trap is gone at once, whatever the time it would have', async t => {
  const agent = await openServices(t, { cancelGraceMs: 600_000 })
  const command = startCommand('trap "echo bye" EXIT; echo up; sleep 712; echo never')
  await agent.scriptsV2.startScript(command, caller)
  await until('the script runs', async () => printed((await status(agent, command)).logs).includes('up'))
  await agent.scriptsV2.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 }, caller)
  const { exitCode, logs } = await follow(agent, command)
  assert.equal(exitCode, -1)
  assert.ok(!printed(logs).includes('never'))
})

test('tentacle 12.54: a script that was stopped may tidy up as well', async t => {
  const agent = await openServices(t)
  const command = startCommand('trap "echo tidy; exit 3" TERM; echo $$; kill -STOP $$; sleep 713 & wait')
  await agent.scriptsV2.startScript(command, caller)
  await until('the script is stopped', async () => {
    const [pid] = printed((await status(agent, command)).logs)
    return pid !== undefined && /\) T /.test(await readFile(`/proc/${pid}/stat`, 'latin1'))
  })
  await agent.scriptsV2.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 }, caller)
  const { exitCode, logs } = await follow(agent, command)
  assert.equal(exitCode, -1)
  assert.equal(printed(logs).at(-1), 'tidy')
})

test('tentacle 12.54: the mutex of a cancelled script is free only when its last process is gone', async t => {
  const agent = await openServices(t, { cancelGraceMs: 500 })
  // The script ends at once and nobody holds its output, but a child in a session of its own takes no notice.
  const command = startCommand(
    `bash -c 'setsid bash -c "trap : TERM; echo \\$\\$ > stubborn; while :; do sleep 0.05; done" >/dev/null 2>&1; true' >/dev/null 2>&1 &
     echo up; wait`,
    { isolation: 'FullIsolation' },
  )
  await agent.scriptsV2.startScript(command, caller)
  const folder = join(agent.home, 'Work', command.scriptTicket.taskId)
  const stubborn = await until('the stubborn one is there', () =>
    readFile(join(folder, 'stubborn'), 'utf8').then(
      text => (text.endsWith('\n') ? text.trim() : undefined),
      () => undefined,
    ),
  )
  const next = startCommand(
    `[ -e /proc/${stubborn} ] && ! grep -q ') [ZX] ' /proc/${stubborn}/stat && echo meets || echo alone`,
    { isolation: 'FullIsolation' },
  )
  await agent.scriptsV2.startScript(next, caller)
  await agent.scriptsV2.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 }, caller)
  assert.equal((await follow(agent, command)).exitCode, -1)
  assert.equal(await isRunning(stubborn), false)
  assert.deepEqual(printed((await follow(agent, next)).logs), ['alone'])
})

test('a script that is cancelled the moment it starts does not run on', async t => {
  const agent = await openServices(t)
  for (let round = 0; round < 5; round++) {
    const command = startCommand('sleep 709')
    await agent.scriptsV2.startScript(command, caller)
    await agent.scriptsV2.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 }, caller)
    const { exitCode } = await follow(agent, command)
    assert.ok(exitCode === -1 || exitCode === -43, `${exitCode}`)
    // All that it has started works in its folder, also when the folder was deleted.
    assert.deepEqual(await processesIn(join(agent.home, 'Work', command.scriptTicket.taskId)), [])
  }
})

/** What runs in a folder, by its number and command line. */
async function processesIn(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    const current = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    if (!current.startsWith(folder) || !(await isRunning(pid))) continue
    found.push(`${pid} ${await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')}`)
  }
  return found
}

test('tentacle 12.46: a script that is cancelled or completed while its files are still written is not lost sight of', async t => {
  const agent = await openServices(t)
  const written = Promise.withResolvers<void>()
  const slowly = () =>
    DataStream.from(1, async function* () {
      await written.promise
      yield Buffer.from('x')
    })
  const slow = () =>
    startCommand('sleep 711', { files: [{ name: 'f', contents: slowly(), encryptionPassword: null }] })
  const [cancelled, completed] = [slow(), slow()]
  const { scriptsV2 } = agent
  const starting = [cancelled, completed].map(command => scriptsV2.startScript(command, caller))
  const ending = [
    scriptsV2.cancelScript({ ticket: cancelled.scriptTicket, lastLogSequence: 0 }, caller),
    scriptsV2.completeScript({ ticket: completed.scriptTicket }, caller),
  ]
  written.resolve()
  await Promise.all([...starting, ...ending])
  const { exitCode } = await follow(agent, cancelled)
  assert.ok(exitCode === -1 || exitCode === -43, `${exitCode}`)
  assert.equal((await status(agent, completed)).exitCode, -45)
  assert.deepEqual(
    await readdir(join(agent.home, 'Work')),
    ['.keepers', cancelled.scriptTicket.taskId].sort(),
  )
})

test('tentacle 12.46: cancelling a script that has ended changes nothing', async t => {
  const agent = await openServices(t)
  const { command, logs } = await run(agent, 'echo x; exit 3')
  for (let round = 0; round < 2; round++) {
    const answer = await agent.scriptsV2.cancelScript(
      { ticket: command.scriptTicket, lastLogSequence: 0 },
      caller,
    )
    assert.equal(answer.exitCode, 3)
    assert.deepEqual(answer.logs, logs)
  }
})

test('completing a running script lets it run, and keeps its mutex', async t => {
  const agent = await openServices(t)
  const command = startCommand('echo $$; exec sleep 710', { isolation: 'FullIsolation' })
  await agent.scriptsV2.startScript(command, caller)
  const [pid] = await until('the script runs', async () => {
    const lines = printed((await status(agent, command)).logs)
    return lines.length === 1 && lines
  })
  await agent.scriptsV2.completeScript({ ticket: command.scriptTicket }, caller)
  assert.equal((await status(agent, command)).exitCode, -45)
  assert.equal(await isRunning(pid), true)
  const next = startCommand('echo mine')
  await agent.scriptsV2.startScript(next, caller)
  assert.equal((await status(agent, next)).state, 'Pending')
  process.kill(Number(pid), 'SIGKILL')
  assert.equal((await follow(agent, next)).exitCode, 0)
})

test('a script that is started anew while the completed one of its ticket still runs has its own result', async t => {
  const agent = await openServices(t)
  const { scriptsV2 } = agent
  const old = startCommand('echo $$; exec sleep 712', { isolationMutexName: 'old' })
  await scriptsV2.startScript(old, caller)
  const [pid] = await until('the script runs', async () => {
    const lines = printed((await status(agent, old)).logs)
    return lines.length === 1 && lines
  })
  await scriptsV2.completeScript({ ticket: old.scriptTicket }, caller)
  const { scriptTicket } = old
  await scriptsV2.startScript(
    startCommand('until [ -e go ]; do sleep 0.02; done; exit 6', { scriptTicket }),
    caller,
  )
  const alone = startCommand('true', { isolation: 'FullIsolation', isolationMutexName: 'old' })
  await scriptsV2.startScript(alone, caller)
  process.kill(Number(pid), 'SIGKILL')
  await follow(agent, alone) // it had to wait for the end of the old one
  assert.equal((await status(agent, old)).state, 'Running')
  const folder = join(agent.home, 'Work', scriptTicket.taskId)
  assert.match(await readFile(join(folder, 'scriptstate.json'), 'utf8'), /"State":1/)
  await writeFile(join(folder, 'go'), '')
  assert.equal((await follow(agent, old)).exitCode, 6)
})
