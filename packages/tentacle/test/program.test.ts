import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { until } from '@tentacle/testkit'

const program = join(import.meta.dirname, '../bin/Tentacle')

/** A folder with an instance index and a home of its own, in which the real program runs. */
async function place(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'tentacle-program-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    TentacleMachineConfigurationHomeDirectory: join(folder, 'index'),
    DefaultLogDirectory: join(folder, 'logs'),
  }
  const run = (args: readonly string[], file = program) =>
    new Promise<{ code: unknown; stdout: string; stderr: string }>(resolve => {
      execFile(file, [...args], { cwd: folder, env }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      )
    })
  return { folder, env, run }
}

describe('the program', () => {
  test('runs from any folder and through symbolic links', async t => {
    const { folder, run } = await place(t)
    await symlink(program, join(folder, 'first'))
    await symlink('first', join(folder, 'tentacle'))
    const { code, stdout, stderr } = await run(['version'], join(folder, 'tentacle'))
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^\d+\.\d+\.\d+\+/)
    assert.deepEqual((await readdir(folder)).toSorted(), ['first', 'tentacle'])
  })

  for (const [args, code, onStdout, onStderr] of [
    [[], 2, /^Usage: /, /^$/],
    [['help'], 0, /^Usage: /, /^$/],
    [['nonsense'], 2, /^See 'Tentacle help'\n$/, /^Command 'nonsense' is not supported\n$/],
    [['version', '--nope'], 1, /^$/, /^Unrecognized command line arguments: --nope\n$/],
    [['configure', '--port'], 100, /^$/, /'--port'[\s\S]*exit code 100/],
  ] as const) {
    test(`ends with ${code} for: ${args.join(' ')}`, async t => {
      const outcome = await (await place(t)).run(args)
      assert.equal(outcome.code, code)
      assert.match(outcome.stdout, onStdout)
      assert.match(outcome.stderr, onStderr)
    })
  }

  test('does not mind a reader that has seen enough', async t => {
    const { folder, env } = await place(t)
    const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>(resolve => {
      execFile('/bin/sh', ['-c', `'${program}' help | head -1`], { cwd: folder, env }, (_, stdout, stderr) =>
        resolve({ stdout, stderr }),
      )
    })
    assert.deepEqual([stdout, stderr], ['Usage: Tentacle <command> [<options>]\n', ''])
  })

  test('commands of scripts do not mind it either, and end with their own code', async t => {
    const { folder, env } = await place(t)
    // The reader is gone long before there is anything to read.
    const script = `exec 3>&1; { '${program}' deploy-package; echo "code $?" >&3; } | true`
    const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>(resolve => {
      execFile('/bin/sh', ['-c', script], { cwd: folder, env }, (_, stdout, stderr) =>
        resolve({ stdout, stderr }),
      )
    })
    assert.deepEqual([stdout, stderr], ['code 1\n', 'There is no package to deploy: give --package.\n'])
  })

  test('hands scripts their own commands', async t => {
    const { code, stdout } = await (await place(t)).run(['find-package'])
    assert.notEqual(code, 2)
    assert.doesNotMatch(stdout, /Usage: Tentacle </)
  })

  test('tentacle 12.14: sets up and runs an agent from an index in its own folder, stops in order on SIGTERM, and keeps secrets out of its log', async t => {
    const { folder, env, run } = await place(t)
    const instance = ['--instance', 'Real']
    for (const args of [
      ['create-instance', ...instance, '--config', join(folder, 'Real.config'), '--home', folder],
      ['new-certificate', ...instance, '--if-blank'],
      ['configure', ...instance, '--port=0', '--listenIpAddress=127.0.0.1', '--app', join(folder, 'apps')],
      ['proxy', ...instance, '--proxyEnable=true', '--proxyHost=proxy', '--proxyPassword', 'hunter2!'],
    ]) {
      const { code, stderr } = await run(args)
      assert.equal(code, 0, stderr)
    }
    const agent = spawn(program, ['run', ...instance, '--noninteractive'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.after(() => agent.kill('SIGKILL'))
    const output = collect(agent)
    await until('the agent runs', () => output().includes('LivenessHeartbeatTask.Start(): Starting'))
    assert.equal((await run(['livez', ...instance])).code, 0)
    const ended = new Promise(resolve => agent.once('close', (code, signal) => resolve({ code, signal })))
    agent.kill('SIGTERM')
    assert.deepEqual(await ended, { code: 0, signal: null })
    assert.match(output(), /Listener stopped\n$/)
    const log = await readFile(join(folder, 'Logs/OctopusTentacle.txt'), 'utf8')
    assert.match(log, /==== agent ====/)
    assert.match(log, /CommandLine: proxy --instance Real .* --proxyPassword \*{8}/)
    assert.doesNotMatch(log, /hunter2/)
  })
})

function collect(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', chunk => {
      text += chunk
    })
  }
  return () => text
}
