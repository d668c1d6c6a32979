/**
 * What the agent costs: start of commands, start to listening, idle memory, and a trivial script through the V2 script
 * service, beside the bare runtime and a bare bash in the same run. One JSON line per measurement, medians.
 *
 *   npm run bench -- agent [--runs=20] [--scripts=100]
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { maximumMutexTimeoutMs, newScriptTicket, ScriptServiceV2 } from '@tentacle/contracts'
import { createCertificate, createHalibut, parseThumbprint, type ServiceClient } from '@tentacle/halibut'
import { tentacleProgram } from '@tentacle/quickstart'

function numberOption(name: string, fallback: number): number {
  const given = process.argv.find(word => word.startsWith(`--${name}=`))
  return given === undefined ? fallback : Number(given.split('=')[1])
}

const runs = numberOption('runs', 20)
const scripts = numberOption('scripts', 100)

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function print(what: string, figures: Readonly<Record<string, number>>): void {
  const rounded = Object.entries(figures).map(([name, value]) => [name, Math.round(value * 10) / 10])
  process.stdout.write(`${JSON.stringify({ what, ...Object.fromEntries(rounded) })}\n`)
}

const home = mkdtempSync(join(tmpdir(), 'tentacle-bench-'))
const env = { ...process.env, TentacleMachineConfigurationHomeDirectory: join(home, 'index') }

function command(program: string, args: readonly string[]): number {
  const start = performance.now()
  const { status, stderr } = spawnSync(program, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
  return performance.now() - start
}

function repeated(program: string, args: readonly string[]): Record<string, number> {
  const times = Array.from({ length: runs }, () => command(program, args))
  return { p50_ms: percentile(times, 0.5), p95_ms: percentile(times, 0.95) }
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.listen(0, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** Starts the agent and answers it with the time until it listened. */
function startAgent(): Promise<{ agent: ChildProcess; ms: number }> {
  const start = performance.now()
  const agent = spawn(tentacleProgram, ['run', '--instance', 'Bench', '--noninteractive'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    agent.once('exit', code => reject(new Error(`The agent ended with exit code ${code}.`)))
    createInterface({ input: agent.stdout }).on('line', line => {
      if (line.includes('Agent listening on')) resolve({ agent, ms: performance.now() - start })
    })
  })
}

async function stopAgent(agent: ChildProcess): Promise<void> {
  agent.removeAllListeners('exit')
  const ended = new Promise(resolve => agent.once('exit', resolve))
  agent.kill('SIGTERM')
  await ended
}

function memoryMib(pid: number | undefined, field: 'Rss' | 'Pss'): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Number(rollup.match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'))?.[1] ?? 0) / 1024
}

/** One script from start to its result, as a server drives it. */
async function runScript(client: ServiceClient<typeof ScriptServiceV2>): Promise<number> {
  const start = performance.now()
  const scriptTicket = newScriptTicket()
  let status = await client.startScript({
    scriptTicket,
    scriptBody: 'echo hello',
    taskId: 'ServerTasks-1',
    durationToWaitForScriptToFinish: 5_000,
    isolation: 'NoIsolation',
    scriptIsolationMutexTimeout: maximumMutexTimeoutMs,
    isolationMutexName: 'RunningScript',
    scripts: new Map(),
    files: [],
    arguments: [],
  })
  while (status.state !== 'Complete') {
    status = await client.getStatus({ ticket: scriptTicket, lastLogSequence: status.nextLogSequence })
  }
  const ms = performance.now() - start
  if (status.exitCode !== 0) throw new Error(`The script ended with exit code ${status.exitCode}.`)
  await client.completeScript({ ticket: scriptTicket })
  return ms
}

const certificate = await createCertificate({ commonName: 'Bench server' })
const port = await freePort()
try {
  print('bare node', repeated(process.execPath, ['-e', '0']))
  print('Tentacle version', repeated(tentacleProgram, ['version']))
  print('Tentacle help', repeated(tentacleProgram, ['help']))

  command(tentacleProgram, [
    'create-instance',
    '--instance',
    'Bench',
    '--config',
    join(home, 'Tentacle.config'),
  ])
  command(tentacleProgram, ['new-certificate', '--instance', 'Bench'])
  command(tentacleProgram, [
    'configure',
    '--instance',
    'Bench',
    '--port',
    String(port),
    '--trust',
    certificate.thumbprint,
  ])
  print('Tentacle show-thumbprint', repeated(tentacleProgram, ['show-thumbprint', '--instance', 'Bench']))
  const shown = spawnSync(tentacleProgram, ['show-thumbprint', '--instance', 'Bench'], {
    env,
    encoding: 'utf8',
  }).stdout

  const starts: number[] = []
  for (let n = 0; n < Math.min(runs, 10); n++) {
    const { agent, ms } = await startAgent()
    starts.push(ms)
    await stopAgent(agent)
  }
  print('start to listening', { p50_ms: percentile(starts, 0.5), p95_ms: percentile(starts, 0.95) })

  const { agent } = await startAgent()
  print('idle agent', { rss_mib: memoryMib(agent.pid, 'Rss'), pss_mib: memoryMib(agent.pid, 'Pss') })
  const halibut = createHalibut({ certificate })
  const endpoint = { baseUri: `https://localhost:${port}/`, thumbprint: parseThumbprint(shown) }
  const client = halibut.client(ScriptServiceV2, endpoint)
  await runScript(client)
  const bash = Array.from({ length: scripts }, () => command('/bin/bash', ['-c', 'echo hello']))
  print('bare bash', { p50_ms: percentile(bash, 0.5), p95_ms: percentile(bash, 0.95) })
  const times: number[] = []
  for (let n = 0; n < scripts; n++) times.push(await runScript(client))
  print('trivial script', { p50_ms: percentile(times, 0.5), p95_ms: percentile(times, 0.95) })
  const together = performance.now()
  await Promise.all(Array.from({ length: 20 }, () => runScript(client)))
  print('20 scripts in parallel', { total_ms: performance.now() - together })
  print('agent after scripts', { rss_mib: memoryMib(agent.pid, 'Rss'), pss_mib: memoryMib(agent.pid, 'Pss') })
  await halibut.close()
  await stopAgent(agent)
} finally {
  rmSync(home, { recursive: true, force: true })
}
