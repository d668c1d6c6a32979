import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type SupervisedProcess, stopLeftOver, supervise } from './supervised-process.ts'

function start(t: TestContext, script: string, onRestart: (reason: string) => void = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), 'supervised-'))
  const pidFile = join(folder, 'program.pid')
  const logFile = join(folder, 'program.log')
  const running: SupervisedProcess = supervise({
    name: 'The program',
    command: [process.execPath, '-e', script],
    env: process.env,
    logFile,
    pidFile,
    isReady: line => line.startsWith('ready'),
    onRestart,
  })
  t.after(async () => {
    await running.stop(1_000)
    rmSync(folder, { recursive: true, force: true })
  })
  return { running, pidFile, logFile }
}

const forever = 'console.log("ready " + process.pid); setInterval(() => {}, 1000)'

test('a program that dies is started again, until it is stopped', async t => {
  const restarted = Promise.withResolvers<string>()
  const { running, logFile } = start(t, forever, restarted.resolve)
  await running.ready()
  const first = running.pid
  assert.ok(first)
  process.kill(first, 'SIGKILL')
  assert.match(await restarted.promise, /SIGKILL/)
  const deadline = Date.now() + 10_000
  while (readFileSync(logFile, 'utf8').split('ready').length < 3 && Date.now() < deadline) {
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.notEqual(running.pid, first)
  await running.stop()
  assert.equal(running.pid, undefined)
})

test('a program that ends before it is ready says why', async t => {
  const { running } = start(t, 'console.error("port taken"); process.exitCode = 3')
  await assert.rejects(running.ready(), /exit code 3[\s\S]*port taken/)
})

test('what an earlier start left running is stopped, and only that', async t => {
  const { running, pidFile } = start(t, forever)
  await running.ready()
  const stopped = stopLeftOver(pidFile)
  assert.equal(await stopped, true)
  assert.equal(await stopLeftOver(join(pidFile, 'missing')), false)
  assert.equal(existsSync(pidFile) && running.pid === undefined, false)
})
