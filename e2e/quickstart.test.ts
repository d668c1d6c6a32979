import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { projectFolder } from '@tentacle/quickstart'
import { until } from '@tentacle/testkit'
import { freePorts } from './system.ts'

interface Quickstart {
  readonly process: ChildProcess
  printed(): string
  /** The exit code, once the program has ended. */
  readonly ended: Promise<number | null>
}

/** Runs what `npm start` runs, with ports and a home of its own. */
function quickstart(t: TestContext, args: readonly string[]): Quickstart {
  const child = spawn(process.execPath, [join(projectFolder, 'scripts', 'start.mjs'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  t.after(async () => {
    child.kill('SIGINT')
    await ended
  })
  return { process: child, printed: () => text, ended }
}

async function homeAndPorts(t: TestContext): Promise<{ home: string; args: readonly string[] }> {
  const home = mkdtempSync(join(tmpdir(), 'tentacle-start-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const [port, comms, agent] = await freePorts(3)
  return {
    home,
    args: [`--home=${home}`, `--port=${port}`, `--comms-port=${comms}`, `--agent-port=${agent}`],
  }
}

/** Waits until everything is up; a program that ended instead is told with what it printed. */
async function up(run: Quickstart): Promise<void> {
  const over = new AbortController()
  const early = run.ended.then(code => {
    throw new Error(`It ended with exit code ${code}:\n${run.printed()}`)
  })
  const options = { timeoutMs: 180_000, everyMs: 50, signal: over.signal }
  const ready = until('everything is up', () => run.printed().includes('Press Ctrl+C'), options)
  await Promise.race([ready, early]).finally(() => {
    over.abort()
    for (const part of [ready, early]) part.catch(() => {})
  })
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('npm start deploys the sample to both agents, stops cleanly, and goes on from the same data', async t => {
  const { home, args } = await homeAndPorts(t)
  const first = quickstart(t, args)
  await up(first)
  const applications = (agent: string): string =>
    join(home, 'agents', agent, 'Applications', 'Development', 'Sample.Website')
  for (const agent of ['listening-agent', 'polling-agent']) {
    const config = JSON.parse(
      readFileSync(join(applications(agent), '1.0.0', 'public', 'config.json'), 'utf8'),
    )
    assert.deepEqual(config, {
      title: 'Hello from Tentacle',
      environment: 'Development',
      machine: agent,
      release: '1.0.0',
      database: 'Host=db.example.org;Database=site',
    })
    assert.match(first.printed(), new RegExp(`${agent} +published index.html`))
    assert.match(first.printed(), new RegExp(`${agent}: Healthy`))
  }
  assert.match(first.printed(), /sign in +admin \/ \S+/)

  const pids = [...first.printed().matchAll(/process +(\d+) /g)].map(match => Number(match[1]))
  assert.equal(pids.length, 3)
  first.process.kill('SIGINT')
  assert.equal(await first.ended, 0)
  assert.deepEqual(pids.filter(isAlive), [], 'the server and the agents have ended')

  const second = quickstart(t, args)
  await up(second)
  assert.match(second.printed(), /is registered as before/)
  for (const agent of ['listening-agent', 'polling-agent']) {
    assert.ok(existsSync(join(applications(agent), '1.0.0')), 'the first release is still there')
    assert.ok(existsSync(join(applications(agent), '1.0.1', 'public', 'index.html')))
  }
})

test('a taken port is named together with the option that helps', async t => {
  const { args } = await homeAndPorts(t)
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(Number(args[1]?.split('=')[1]), resolve))
  t.after(() => taken.close())
  const run = quickstart(t, args)
  assert.equal(await run.ended, 1)
  assert.match(run.printed(), /Port \d+ is used by another program.*--port=/)
})

test('a home that cannot be written is named together with the option that helps', async t => {
  const { args } = await homeAndPorts(t)
  const run = quickstart(t, [...args, '--home=/sys/tentacle'])
  assert.equal(await run.ended, 1)
  assert.match(run.printed(), /\/sys\/tentacle cannot be written.*--home=/)
})
