import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { DataStream, parseThumbprint } from '@tentacle/halibut'
import { startTestAgent, type TestAgent, until } from '@tentacle/testkit'
import type { CallMetrics, CallObserver, OperationMetrics } from '../src/agents/call-metrics.ts'
import type { Tentacle } from '../src/agents/tentacle.ts'
import { isServerError } from '../src/errors.ts'
import { defaultMachinePolicy } from '../src/model/machine-policy.ts'
import { startServer } from '../src/start-server.ts'
import { textOf } from './client.ts'
import { addMachine, addSpace, newServerHome, startTestServer as startTaskServer } from './task-server.ts'
import { startTestServer } from './test-server.ts'

interface Setting {
  readonly agent: TestAgent
  readonly tentacle: Tentacle
  readonly calls: readonly CallMetrics[]
  readonly operations: readonly OperationMetrics[]
  readonly errors: readonly string[]
}

/** A server's client of an agent, with everything that is measured. */
async function setUp(t: TestContext, more: CallObserver = {}): Promise<Setting> {
  const folder = await mkdtemp(join(tmpdir(), 'server-'))
  const home = await newServerHome(folder)
  const calls: CallMetrics[] = []
  const operations: OperationMetrics[] = []
  const errors: string[] = []
  const server = await startTaskServer(home, {
    observer: {
      callCompleted(call) {
        calls.push(call)
        more.callCompleted?.(call)
      },
      operationCompleted: operation => void operations.push(operation),
    },
    logger: { debug() {}, info() {}, warn() {}, error: (_facts, message) => errors.push(message) },
  })
  const agent = await startTestAgent({ trust: home.certificate.thumbprint })
  t.after(async () => {
    await agent.stop()
    await server.stop()
    await rm(folder, { recursive: true })
  })
  const { environment } = await addSpace(server.store)
  const policy = await server.store.machinePolicies.insert({
    ...defaultMachinePolicy,
    spaceId: environment.spaceId,
    name: 'Impatient',
    slug: 'impatient',
    connectionRetryCountLimit: 1,
  })
  const machine = await addMachine(server.store, agent, {
    name: 'web01',
    environment,
    machinePolicyId: policy.id,
  })
  return { agent, tentacle: await server.agents.tentacle(machine), calls, operations, errors }
}

const report = async () => undefined
const call = { signal: new AbortController().signal, report, retries: { enabled: false, durationMs: 0 } }

test('tentacle 12.62: every call is measured, with each of its tries, also one that fails', async t => {
  const { agent, tentacle, calls } = await setUp(t)
  const before = new Date()
  await tentacle.checkConnection({ ...call, retries: { enabled: true, durationMs: 60_000 } })
  const [answered] = calls
  assert.equal(`${answered?.service}.${answered?.method}`, 'ICapabilitiesServiceV2.GetCapabilities')
  assert.equal(answered?.machineId, tentacle.machine.id)
  assert.equal(answered?.error, undefined)
  assert.equal(answered?.wasCanceled, false)
  assert.equal(answered?.retryDurationMs, 60_000)
  assert.equal(answered?.attempts.length, 1)
  assert.ok((answered?.startedAt ?? 0) >= before && (answered?.durationMs ?? 0) > 0)

  await agent.goOffline()
  const patient = { ...call, retries: { enabled: true, durationMs: 2_500 } }
  const thrown: unknown = await tentacle.checkConnection(patient).then(
    () => assert.fail('it cannot be reached'),
    error => error,
  )
  const failed = calls[1]
  assert.equal(failed?.error, thrown)
  assert.equal(failed?.attempts.length, 2)
  assert.ok(failed?.attempts.every(({ error }) => error !== undefined))
  assert.ok((failed?.durationMs ?? 0) >= 1000, 'the pause between the tries counts')

  await assert.rejects(tentacle.completeScript('unknown', call))
  assert.equal(calls[2]?.method, 'CompleteScript')
  assert.equal(calls[2]?.retryDurationMs, undefined, 'it is not repeated')
})

test('a call that is given up says so', async t => {
  const { agent, tentacle, calls } = await setUp(t)
  await agent.goOffline()
  const givingUp = new AbortController()
  const asked = tentacle.getStatus('some', 0, {
    signal: givingUp.signal,
    report: async () => givingUp.abort(),
    retries: { enabled: true, durationMs: 60_000 },
  })
  await assert.rejects(asked)
  assert.equal(calls[0]?.wasCanceled, true)
})

test('tentacle 12.62: files that are sent are measured with their calls, also those that fail', async t => {
  const { agent, tentacle, operations } = await setUp(t)
  await tentacle.uploadFile('Files/a.txt', DataStream.fromText('a'), call)
  await agent.goOffline()
  await assert.rejects(tentacle.uploadFile('Files/b.txt', DataStream.fromText('b'), call))
  assert.deepEqual(
    operations.map(({ kind, callCount, failedCallCount, error }) => [
      kind,
      callCount,
      failedCallCount,
      error !== undefined,
    ]),
    [
      ['UploadFile', 1, 0, false],
      ['UploadFile', 1, 1, true],
    ],
  )
})

test('an observer that throws is logged and changes nothing', async t => {
  const { tentacle, errors } = await setUp(t, {
    callCompleted() {
      throw new Error('the observer is broken')
    },
  })
  assert.equal((await tentacle.checkConnection(call)).scripts, 'V2')
  assert.deepEqual(errors, ['A call could not be measured'])
})

/** The samples of a page by their names and labels. */
async function scrape(port: number): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  assert.equal(response.status, 200)
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  const lines = (await response.text()).split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map(line => {
      const end = line.lastIndexOf(' ')
      return [line.slice(0, end), Number(line.slice(end + 1))]
    }),
  )
}

test('the server shows its numbers on a port of this machine, when it is told to', async t => {
  assert.equal((await startTestServer(t)).metricsPort, undefined)
  const server = await startTestServer(t, { metricsPort: 0 })
  const port = server.metricsPort ?? assert.fail('there is a port')
  const agent = await startTestAgent({ trust: parseThumbprint(server.thumbprint) })
  t.after(() => agent.stop())
  const environment = await server.client.post('/api/environments', { Name: 'Dev' })
  await server.client.post('/api/machines', {
    Name: 'web01',
    Roles: ['web'],
    EnvironmentIds: [textOf(environment, 'Id')],
    Endpoint: {
      CommunicationStyle: 'TentaclePassive',
      Uri: `https://127.0.0.1:${agent.port}/`,
      Thumbprint: agent.thumbprint,
    },
  })
  const script = 'tentacle_server_operations_total{operation="ExecuteScript",outcome="result"}'
  await until('the first health check is counted', async () => (await scrape(port)).get(script) === 1, {
    timeoutMs: 30_000,
  })
  const samples = await scrape(port)
  const started = 'service="IScriptServiceV2",method="StartScript"'
  assert.equal(samples.get(`tentacle_server_rpc_calls_total{${started},outcome="result"}`), 1)
  assert.equal(samples.get(`tentacle_server_rpc_attempts_total{${started},outcome="result"}`), 1)
  assert.equal(samples.get(`tentacle_server_rpc_call_duration_seconds_count{${started}}`), 1)
  assert.equal(samples.get('tentacle_server_polling_connections'), 0)
  assert.ok(samples.has('tentacle_server_tasks{state="Queued"}'))
  assert.ok((samples.get('process_resident_memory_bytes') ?? 0) > 0)
  assert.equal((await fetch(`http://127.0.0.1:${port}/api`)).status, 404)
})

test('a port for numbers that is taken is named together with its option', async t => {
  const other = createServer().listen(0, '127.0.0.1')
  t.after(() => other.close())
  await once(other, 'listening')
  const address = other.address()
  const metricsPort = typeof address === 'object' && address !== null ? address.port : 0
  const { home, stop } = await startTestServer(t)
  await stop()
  await assert.rejects(
    startServer({ home, port: 0, commsPort: 0, metricsPort }),
    error => isServerError(error, 'ERR_PORT_TAKEN') && /--metrics-port/.test(error.message),
  )
})
