import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readdir, readFile, readlink, rm, statfs, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { until } from '@tentacle/testkit'
import { startAgent } from './agent-process.ts'
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

const execute = promisify(execFile)

/** A home on a small disk of its own; undefined where the account may not mount one. */
async function smallDisk(t: TestContext, megabytes: number): Promise<string | undefined> {
  const home = await mkdtemp(join(tmpdir(), 'tentacle-disk-'))
  try {
    await execute('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'none', home])
  } catch {
    await rm(home, { recursive: true })
    return undefined
  }
  t.after(async () => {
    await execute('umount', ['--lazy', home])
    await rm(home, { recursive: true, force: true })
  })
  return home
}

/** Leaves so much room on a small disk. */
async function fill(home: string, leaveBytes: number): Promise<string> {
  const { bavail, bsize } = await statfs(home)
  const path = join(home, 'filler')
  await writeFile(path, Buffer.alloc(bavail * bsize - leaveBytes))
  return path
}

const isFull = async (home: string) => (await statfs(home)).bavail === 0

test('a script waits while the disk is full, and goes on without a loss when there is room again', async t => {
  const home = await smallDisk(t, 32)
  if (home === undefined) return t.skip('this account cannot mount a file system')
  const agent = await openServices(t, { home })
  await run(agent, 'true') // the keeper has its files
  const filler = await fill(home, 2_000_000)
  const lines = 60_000
  const command = startCommand(
    `for ((i = 1; i <= ${lines}; i++)); do echo "line $i of a script that prints"; done; exit 3`,
  )
  await agent.scriptsV2.startScript(command, caller)
  await until('the disk is full', () => isFull(home))
  assert.equal((await status(agent, command)).state, 'Running')
  await rm(filler)
  const { exitCode, logs } = await follow(agent, command, 60_000)
  assert.equal(exitCode, 3)
  assert.deepEqual(
    printed(logs),
    Array.from({ length: lines }, (_, index) => `line ${index + 1} of a script that prints`),
  )
})

test('a script that ends while there is neither room on the disk nor an agent has its exit code for the next one', async t => {
  const home = await smallDisk(t, 16)
  if (home === undefined) return t.skip('this account cannot mount a file system')
  const first = await startAgent(t, home)
  const command = startCommand('trap "exit 5" USR1; echo up; while :; do sleep 0.05; done')
  await first.start(command)
  await until('the script runs', async () =>
    printed((await first.status(command.scriptTicket, 0)).logs).includes('up'),
  )
  await first.kill()
  const filler = await fill(home, 0)
  const run = join(home, 'Work', command.scriptTicket.taskId, '.tentacle/run')
  const pid = (await readFile(join(run, 'claim'), 'utf8')).split(' ')[3]
  process.kill(Number(pid), 'SIGUSR1')
  await until('the script has ended', async () => !(await isRunning(pid)))
  const second = await openServices(t, { home })
  assert.equal((await status(second, command)).state, 'Running')
  await rm(filler)
  const { exitCode, logs } = await follow(second, command)
  assert.equal(exitCode, 5)
  assert.deepEqual(printed(logs), ['up'])
})

test('a script whose folder is deleted under it by somebody goes on, and this agent knows its exit code', async t => {
  const agent = await openServices(t)
  const go = join(agent.home, 'go')
  const command = startCommand(`echo up; while [ ! -e ${go} ]; do sleep 0.02; done; echo late; exit 6`, {
    isolation: 'FullIsolation',
  })
  await agent.scriptsV2.startScript(command, caller)
  await until('the script runs', async () => printed((await status(agent, command)).logs).includes('up'))
  await rm(join(agent.home, 'Work', command.scriptTicket.taskId), { recursive: true })
  assert.equal((await status(agent, command)).state, 'Running')
  await writeFile(go, '')
  assert.equal((await follow(agent, command)).exitCode, 6)
  await agent.scriptsV2.completeScript({ ticket: command.scriptTicket }, caller)
  assert.equal((await run(agent, 'true', { isolation: 'FullIsolation' })).exitCode, 0, 'the mutex is free')
})

test('a script whose folder is deleted under it can be cancelled', async t => {
  const agent = await openServices(t)
  const command = startCommand('sleep 720 & echo $!; wait')
  await agent.scriptsV2.startScript(command, caller)
  const [child] = await until('the script runs', async () => {
    const lines = printed((await status(agent, command)).logs)
    return lines.length === 1 && lines
  })
  await rm(join(agent.home, 'Work', command.scriptTicket.taskId), { recursive: true })
  await agent.scriptsV2.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 }, caller)
  assert.equal((await follow(agent, command)).exitCode, -1)
  assert.equal(await isRunning(child), false)
})

test('tentacle 12.47: completing a script does not wait long for a process that still writes deep in its folder', async t => {
  const agent = await openServices(t)
  const writer = 'while echo x 2>/dev/null >f$((i++ % 50)); do :; done'
  const { logs, command } = await run(
    agent,
    `mkdir -p 1/2/3/4/5/6 && cd 1/2/3/4/5/6 || exit; bash -c '${writer}' >/dev/null 2>&1 & echo $!; until [ -e f9 ]; do sleep 0.02; done`,
  )
  const begin = performance.now()
  try {
    await agent.scriptsV2.completeScript({ ticket: command.scriptTicket }, caller)
  } finally {
    // It has ended by itself if its folder could be deleted.
    await execute('kill', ['-KILL', printed(logs)[0] ?? '']).catch(() => {})
  }
  assert.ok(performance.now() - begin < 5000)
})

test('a script that closes its output runs to its end, and what it printed before is there', async t => {
  const agent = await openServices(t)
  const command = startCommand('echo before; exec >&- 2>&-; while [ ! -e go ]; do sleep 0.02; done; exit 7')
  await agent.scriptsV2.startScript(command, caller)
  await until('its first line is there', async () =>
    printed((await status(agent, command)).logs).includes('before'),
  )
  assert.equal((await status(agent, command)).state, 'Running')
  await writeFile(join(agent.home, 'Work', command.scriptTicket.taskId, 'go'), '')
  const { exitCode, logs } = await follow(agent, command)
  assert.equal(exitCode, 7)
  assert.deepEqual(printed(logs), ['before'])
})

test('arguments that no program can be started with are the trouble of their script alone', async t => {
  const agent = await openServices(t)
  const other = startCommand('while [ ! -e go ]; do sleep 0.02; done; exit 7')
  await agent.scriptsV2.startScript(other, caller)
  for (const text of ['x'.repeat(128 * 1024), 'x '.repeat(2_000_000)]) {
    const { exitCode, logs } = await run(agent, 'true', { arguments: [text] })
    assert.equal(exitCode, -42)
    assert.match(textsOf(logs, 'StdErr').join(), /arguments are too long/)
  }
  const { exitCode, logs } = await run(agent, 'echo $#; printf %s "$1" | wc -c', {
    arguments: ['x'.repeat(128 * 1024 - 1), 'x '.repeat(150_000)],
  })
  assert.deepEqual([exitCode, printed(logs)], [0, ['150001', '131071']])
  await writeFile(join(agent.home, 'Work', other.scriptTicket.taskId, 'go'), '')
  assert.equal((await follow(agent, other)).exitCode, 7)
})

test('a script that leaves a daemon behind is over, its mutex is free, and the daemon lives on', async t => {
  const agent = await openServices(t)
  const { exitCode, logs, command } = await run(
    agent,
    'setsid bash -c "sleep 721" >/dev/null 2>&1 </dev/null & echo $!; disown',
    { isolation: 'FullIsolation' },
  )
  assert.equal(exitCode, 0)
  const next = await run(agent, 'echo next', { isolation: 'FullIsolation' })
  assert.deepEqual(printed(next.logs), ['next'])
  await agent.scriptsV2.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 }, caller)
  await agent.scriptsV2.completeScript({ ticket: command.scriptTicket }, caller)
  const [daemon] = printed(logs)
  assert.equal(await isRunning(daemon), true, 'a cancel after the end is none')
  process.kill(Number(daemon), 'SIGKILL')
})

test('tentacle 12.55: takes lines of 1 MB on both streams, all bytes there are, and last lines without an end', async t => {
  const agent = await openServices(t)
  const { exitCode, logs, command } = await run(
    agent,
    `head -c 1000000 /dev/zero | tr '\\0' a; echo; head -c 1000000 /dev/zero | tr '\\0' b >&2; echo >&2
     head -c 300000 /dev/urandom > bytes; cat bytes; printf tail >&2`,
  )
  assert.equal(exitCode, 0)
  const bytes = await readFile(join(agent.home, 'Work', command.scriptTicket.taskId, 'bytes'))
  const expected = bytes.toString('utf8').split(/\r\n|\n|\r/)
  if (expected.at(-1) === '') expected.pop()
  const [long, ...rest] = printed(logs)
  assert.equal(long, 'a'.repeat(1_000_000))
  assert.deepEqual(rest, expected)
  assert.deepEqual(textsOf(logs, 'StdErr'), ['b'.repeat(1_000_000), 'tail'])
})

test('runs five hundred scripts at the same time, each with its own output and exit code', async t => {
  const agent = await openServices(t)
  const go = join(agent.home, 'go')
  await execute('mkfifo', [go])
  // Each script takes one line of it; what stands in the line may be mixed up, as they read at once.
  const gate = await open(go, 'r+')
  const commands = Array.from({ length: 500 }, (_, i) =>
    startCommand(`echo "up ${i}"; read -r < ${go}; echo "down ${i}"; exit ${i % 200}`),
  )
  await Promise.all(commands.map(command => agent.scriptsV2.startScript(command, caller)))
  await until(
    'all run at once',
    async () => {
      const answers = await Promise.all(commands.map(command => status(agent, command)))
      return answers.every(({ state, logs }) => state === 'Running' && printed(logs).length === 1)
    },
    { timeoutMs: 240_000, everyMs: 500 },
  )
  await gate.write('\n'.repeat(commands.length))
  for (const [i, command] of commands.entries()) {
    const { exitCode, logs } = await follow(agent, command, 240_000)
    assert.equal(exitCode, i % 200)
    assert.deepEqual(printed(logs), [`up ${i}`, `down ${i}`])
  }
  await gate.close()
})

test('a script that comes after a restart waits for one that has held the mutex since before it', async t => {
  const home = await temporaryHome(t)
  const first = await startAgent(t, home)
  const holder = startCommand('echo up; while [ ! -e go ]; do sleep 0.02; done', {
    isolation: 'FullIsolation',
  })
  await first.start(holder)
  await until('the holder runs', async () =>
    printed((await first.status(holder.scriptTicket, 0)).logs).includes('up'),
  )
  await first.kill()
  const agent = await openServices(t, { home, waitNotice: { firstMs: 20, repeatMs: 60_000 } })
  const next = startCommand('[ -e ../../done ] && echo after || echo beside')
  await agent.scriptsV2.startScript(next, caller)
  const notice = await until('it says for whom it waits', async () => {
    const answer = await status(agent, next)
    assert.equal(answer.state, 'Pending')
    return textsOf(answer.logs).find(text => text.startsWith('Waiting'))
  })
  assert.match(notice, new RegExp(`${holder.scriptTicket.taskId} has it since 20`))
  await writeFile(join(home, 'done'), '')
  await writeFile(join(home, 'Work', holder.scriptTicket.taskId, 'go'), '')
  assert.equal((await follow(agent, holder)).exitCode, 0)
  assert.deepEqual(printed((await follow(agent, next)).logs), ['after'])
})

test('a script inherits no socket of the agent', async t => {
  const sockets = async (): Promise<readonly string[]> => {
    const names = await readdir('/proc/self/fd')
    const targets = await Promise.all(names.map(name => readlink(`/proc/self/fd/${name}`).catch(() => '')))
    return targets.filter(target => target.startsWith('socket:'))
  }
  const before = await sockets() // what started this process may have left some to it
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.after(() => listener.close())
  const own = (await sockets()).filter(socket => !before.includes(socket))
  assert.equal(own.length, 1)
  const agent = await openServices(t)
  const { logs } = await run(agent, 'for fd in /proc/$$/fd/*; do readlink "$fd"; done')
  assert.ok(printed(logs).includes('/dev/null'))
  assert.deepEqual(
    printed(logs).filter(target => own.includes(target)),
    [],
  )
})

test('the keeper is spared when memory is short, and scripts have the standing of the agent', async t => {
  const agent = await openServices(t)
  const { logs, command } = await run(agent, 'cat /proc/self/oom_score_adj')
  const own = (await readFile('/proc/self/oom_score_adj', 'latin1')).trim()
  assert.deepEqual(printed(logs), [own])
  const folder = join(agent.home, 'Work', command.scriptTicket.taskId)
  const [, keeper] = (await readFile(join(folder, '.tentacle/run/claim'), 'utf8')).split(' ')
  const score = (await readFile(`/proc/${keeper}/oom_score_adj`, 'latin1')).trim()
  assert.equal(score, process.getuid?.() === 0 && (await maySpare()) ? '-900' : own)
})

/** Root in a container may not. */
async function maySpare(): Promise<boolean> {
  const text = await readFile('/proc/self/status', 'latin1')
  const capabilities = BigInt(`0x${/CapEff:\s+([0-9a-f]+)/.exec(text)?.[1] ?? '0'}`)
  const sysResource = 24n
  return ((capabilities >> sysResource) & 1n) === 1n
}
