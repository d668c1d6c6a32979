import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { until } from '@tentacle/testkit'
import { isRunning } from './script-agent.ts'

const program = join(import.meta.dirname, '../bin/Tentacle')
const patience = { timeoutMs: 60_000 }

/** An instance of the real program that neither listens nor polls. */
async function place(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'tentacle-stopping-'))
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    TentacleMachineConfigurationHomeDirectory: join(folder, 'index'),
  }
  const run = promisify(execFile)
  const options = { cwd: folder, env }
  await run(program, ['create-instance', '--instance=T', `--config=${join(folder, 'T.config')}`], options)
  await run(program, ['configure', '--instance=T', '--noListen=true'], options)
  return options
}

function outputOf(child: ChildProcess): () => string {
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  return () => text
}

test('tentacle 12.13: with --monitorMutex the agent ends with the process that started it', async t => {
  const options = await place(t)
  const command = `'${program}' run --instance=T --monitorMutex=Parent </dev/null & echo "agent $!"; read -r _`
  const parent = spawn('/bin/bash', ['-c', command], { ...options, stdio: ['pipe', 'pipe', 'inherit'] })
  const output = outputOf(parent)
  await until('the agent runs', () => output().includes('LivenessHeartbeatTask.Start(): Starting'), patience)
  const agent = /agent (\d+)/.exec(output())?.[1]
  t.after(async () => {
    if (await isRunning(agent)) process.kill(Number(agent), 'SIGKILL')
  })
  assert.equal(await isRunning(agent), true)
  parent.stdin.end()
  await until('the agent has ended', async () => !(await isRunning(agent)), patience)
  assert.match(output(), /LivenessHeartbeatTask\.Stop\(\): Stopped\n/)
})

test('a second signal ends the process at once', async t => {
  const machine = new URL('../src/cli/machine.ts', import.meta.url)
  const source = `
    const { openMachine } = await import(process.argv[1])
    openMachine(process).onStopSignal(signal => console.log('asked by ' + signal))
    setInterval(() => {}, 1000)
    console.log('up')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source, machine.href], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const output = outputOf(child)
  await until('the process runs', () => output().includes('up'), patience)
  child.kill('SIGTERM')
  await until('the first signal was heard', () => output().includes('asked by SIGTERM'), patience)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [null, 'SIGTERM'])
})
