import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { access, appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ProcessOutput, ScriptTicket } from '@tentacle/contracts'
import { until } from '@tentacle/testkit'
import { type AgentProcess, followAt, startAgent } from './agent-process.ts'
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

/** A script that prints numbered lines on both streams, as fast as the shell can, and notes that it was run. */
function counting(lines: number, exitCode: number): string {
  return `echo "$$" >> runs; for ((i = 1; i <= ${lines}; i++)); do echo "out $i"; echo "err $i" >&2; done; exit ${exitCode}`
}

function assertCounted(logs: readonly ProcessOutput[], lines: number): void {
  const numbers = Array.from({ length: lines }, (_, index) => index + 1)
  assert.deepEqual(
    printed(logs),
    numbers.map(i => `out ${i}`),
  )
  assert.deepEqual(
    textsOf(logs, 'StdErr'),
    numbers.map(i => `err ${i}`),
  )
}

async function runsOf(home: string, { taskId }: ScriptTicket): Promise<number> {
  return (await readFile(join(home, 'Work', taskId, 'runs'), 'utf8')).trim().split('\n').length
}

/** Waits until a script has printed some lines more, so that the next kill hits it somewhere else. */
async function untilFurther(agent: AgentProcess, ticket: ScriptTicket, after: number): Promise<number> {
  const seen = await until('the script has printed more', async () => {
    const { state, nextLogSequence } = await agent.status(ticket, after)
    return (state === 'Complete' || nextLogSequence > after + randomInt(400)) && nextLogSequence
  })
  return seen
}

test('every line is there once, in order, when the agent is killed again and again while a script prints', async t => {
  const home = await temporaryHome(t)
  const lines = 12_000
  const command = startCommand(counting(lines, 7))
  let agent = await startAgent(t, home)
  await agent.start(command)
  let after = 0
  for (let kills = 0; kills < 6; kills++) {
    after = await untilFurther(agent, command.scriptTicket, after)
    await agent.kill()
    agent = await startAgent(t, home)
  }
  const { exitCode, logs } = await followAt(agent, command.scriptTicket)
  assert.equal(exitCode, 7)
  assertCounted(logs, lines)
  assert.equal(textsOf(logs, 'Debug').length, 4, 'the sentences of the agent are there once, too')
  assert.equal(await runsOf(home, command.scriptTicket), 1)
  await agent.complete(command.scriptTicket)
})

test('a script runs once when the agent is killed at any moment of its start', async t => {
  const home = await temporaryHome(t)
  for (let round = 0; round < 7; round++) {
    const command = startCommand(counting(20, 3))
    const first = await startAgent(t, home)
    const killed = first.start(command).catch(() => undefined)
    // Any moment: the n-th thing that happens in the workspace, from its creation to the first output.
    const folder = join(home, 'Work', command.scriptTicket.taskId)
    const moment = [
      '',
      'Bootstrap.sh',
      '.tentacle/start.json',
      'scriptstate.json',
      '.tentacle/run',
      '.tentacle/run/claim',
      'runs',
    ][round % 7]
    await until(
      'the moment has come',
      () =>
        access(join(folder, moment ?? '')).then(
          () => true,
          () => false,
        ),
      { everyMs: 1 },
    )
    await first.kill()
    await killed
    const second = await startAgent(t, home)
    await second.start(command)
    const { exitCode, logs } = await followAt(second, command.scriptTicket)
    assert.equal(exitCode, 3, moment)
    assertCounted(logs, 20)
    assert.equal(await runsOf(home, command.scriptTicket), 1, moment)
    await second.kill()
  }
})

test('a script that ended while there was no agent is complete for the next one', async t => {
  const home = await temporaryHome(t)
  const command = startCommand('echo before; while [ ! -e go ]; do sleep 0.02; done; echo after; exit 9')
  const first = await startAgent(t, home)
  await first.start(command)
  await until('the script runs', async () =>
    printed((await first.status(command.scriptTicket, 0)).logs).includes('before'),
  )
  await first.kill()
  const folder = join(home, 'Work', command.scriptTicket.taskId)
  await writeFile(join(folder, 'go'), '')
  await until('its result is there', () =>
    access(join(folder, '.tentacle/run/result')).then(
      () => true,
      () => false,
    ),
  )
  const agent = await openServices(t, { home })
  const { exitCode, logs } = await follow(agent, command)
  assert.equal(exitCode, 9)
  assert.deepEqual(printed(logs), ['before', 'after'])
})

test('an agent that was restarted can cancel a script of the one before it', async t => {
  const home = await temporaryHome(t)
  const command = startCommand('sleep 987 & echo "$!"; sleep 987')
  const first = await startAgent(t, home)
  await first.start(command)
  const [child] = await until('the script runs', async () => {
    const lines = printed((await first.status(command.scriptTicket, 0)).logs)
    return lines.length > 0 && lines
  })
  await first.kill()
  const second = await startAgent(t, home)
  assert.equal((await second.status(command.scriptTicket, 0)).state, 'Running')
  await second.cancel(command.scriptTicket)
  assert.equal((await followAt(second, command.scriptTicket)).exitCode, -1)
  assert.equal(await isRunning(child), false, 'the child is gone')
})

test('a cancel that the agent did not live to carry out is carried out by the next one', async t => {
  const home = await temporaryHome(t)
  const command = startCommand('echo up; sleep 986')
  const first = await startAgent(t, home)
  await first.start(command)
  await until('the script runs', async () =>
    printed((await first.status(command.scriptTicket, 0)).logs).includes('up'),
  )
  await first.kill()
  await writeFile(join(home, 'Work', command.scriptTicket.taskId, '.tentacle', 'cancel'), '')
  const agent = await openServices(t, { home })
  assert.equal((await follow(agent, command)).exitCode, -1)
})

test('tentacle 12.45: a script whose keeper was killed is complete with -46 as soon as it is gone itself', async t => {
  const agent = await openServices(t)
  const command = startCommand('echo up; while [ ! -e go ]; do sleep 0.02; done')
  await agent.scriptsV2.startScript(command, caller)
  await until('the script runs', async () => printed((await status(agent, command)).logs).includes('up'))
  const folder = join(agent.home, 'Work', command.scriptTicket.taskId)
  const [, keeper] = (await readFile(join(folder, '.tentacle/run/claim'), 'utf8')).split(' ')
  process.kill(Number(keeper), 'SIGKILL')
  assert.equal((await status(agent, command)).state, 'Running', 'the script itself goes on')
  await writeFile(join(folder, 'go'), '')
  const { exitCode, logs } = await follow(agent, command)
  assert.equal(exitCode, -46)
  assert.deepEqual(printed(logs), ['up'])
  assert.equal((await run(agent, 'exit 3')).exitCode, 3, 'the next script gets a new keeper')
})

test('the mutex of a running script is held over a restart, and who waited goes on waiting in order', async t => {
  const home = await temporaryHome(t)
  const first = await startAgent(t, home)
  const holder = startCommand(
    'echo up; while [ ! -e go ]; do sleep 0.02; done; echo "holder" >> ../../order',
    {
      isolation: 'FullIsolation',
    },
  )
  await first.start(holder)
  await until('the holder runs', async () =>
    printed((await first.status(holder.scriptTicket, 0)).logs).includes('up'),
  )
  const names = ['one', 'two', 'three']
  const waiters = names.map(name =>
    startCommand(`echo "$1" >> ../../order; sleep 0.1`, {
      isolation: 'FullIsolation',
      arguments: [name],
      taskId: `ServerTasks-${name}`,
    }),
  )
  for (const waiter of waiters) await first.start(waiter)
  await first.kill()
  const agent = await openServices(t, { home })
  for (const waiter of waiters) assert.equal((await status(agent, waiter)).state, 'Pending')
  assert.equal((await status(agent, holder)).state, 'Running')
  await writeFile(join(home, 'Work', holder.scriptTicket.taskId, 'go'), '')
  for (const script of [holder, ...waiters]) assert.equal((await follow(agent, script)).exitCode, 0)
  assert.deepEqual((await readFile(join(home, 'order'), 'utf8')).trim().split('\n'), ['holder', ...names])
})

test('scripts that the original left behind are answered from their files', async t => {
  const home = await temporaryHome(t)
  const leave = async (ticket: string, state: string, log: string) => {
    const folder = join(home, 'Work', ticket)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'Bootstrap.sh'), 'echo hi\n')
    await writeFile(join(folder, 'Output.log'), log)
    await writeFile(join(folder, 'scriptstate.json'), state)
    return { scriptTicket: { taskId: ticket } }
  }
  const line = '["stdout","hi","2026-11-24T01:03:54.7915948+00:00"]'
  const ended = await leave(
    'endedScript',
    '{"Created":"2026-11-24T01:03:54.7295502+00:00","Started":"2026-11-24T01:03:54.7802776+00:00","Completed":"2026-11-24T01:03:54.7974279+00:00","State":2,"ExitCode":4,"RanToCompletion":true}',
    `\uFEFF${line}`,
  )
  const lost = await leave(
    'lostScript',
    '{"Created":"2026-11-24T01:03:54.7295502+00:00","Started":"2026-11-24T01:03:54.7802776+00:00","Completed":null,"State":1,"ExitCode":null,"RanToCompletion":null}',
    `\uFEFF${line}${line}`,
  )
  const agent = await openServices(t, { home })
  assert.deepEqual(await status(agent, ended), {
    ticket: ended.scriptTicket,
    state: 'Complete',
    exitCode: 4,
    nextLogSequence: 1,
    logs: [{ source: 'StdOut', text: 'hi', occurred: new Date('2026-11-24T01:03:54.791Z') }],
  })
  const answer = await status(agent, lost)
  assert.equal(answer.exitCode, -46)
  assert.equal(answer.logs.length, 2)
  assert.match(
    await readFile(join(home, 'Work', 'lostScript', 'scriptstate.json'), 'utf8'),
    /"State":2,"ExitCode":-46,"RanToCompletion":false/,
  )
})

test('tentacle 12.49: a log that is damaged is told up to there, and the damage once', async t => {
  const home = await temporaryHome(t)
  const first = await startAgent(t, home)
  const command = startCommand('echo one')
  await first.start(command)
  await followAt(first, command.scriptTicket)
  await first.kill()
  const folder = join(home, 'Work', command.scriptTicket.taskId)
  // Without the agent's own progress the whole file counts, as for a log of the original.
  const log = await readFile(join(folder, 'Output.log'))
  await writeFile(join(folder, '.tentacle', 'progress'), '')
  await writeFile(join(folder, 'Output.log'), log.subarray(0, log.length - 10))
  await appendFile(join(folder, 'Output.log'), '')
  const agent = await openServices(t, { home })
  const { logs, nextLogSequence } = await status(agent, command)
  assert.match(logs.at(-1)?.text ?? '', /damaged at entry 8/)
  assert.equal(logs.at(-1)?.source, 'StdErr')
  assert.deepEqual((await status(agent, command, nextLogSequence)).logs, [])
})
