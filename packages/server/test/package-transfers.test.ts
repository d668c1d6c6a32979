import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { type FaultPlan, openFaultProxy, startTestAgent } from '@tentacle/testkit'
import type { MachinePolicy } from '../src/model/machine-policy.ts'
import type { ServerTask } from '../src/model/task.ts'
import { addMachine, addSpace, finished, logOf, newServerHome, startTestServer } from './task-server.ts'
import {
  addPackage,
  addProject,
  deployerExecutable,
  deployPackage,
  deployProject,
  ownCapabilities,
  step,
} from './test-project.ts'

const mib = 1024 * 1024
const packageBytes = 6 * mib

/** An agent of ours from before it could go on with an upload. */
const olderCapabilities = ownCapabilities.filter(name => name !== 'IResumableFileTransferService')

/** A server with a package of 6 MiB, and an agent behind a proxy that damages its connections. */
async function setUp(
  t: TestContext,
  plan: (index: number) => FaultPlan,
  { capabilities = ownCapabilities, policy = {} as Partial<MachinePolicy> } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'server-'))
  const home = await newServerHome(folder)
  const server = await startTestServer(home)
  const executable = await deployerExecutable(folder)
  const agent = await startTestAgent({ trust: home.certificate.thumbprint, capabilities, executable })
  let sentBytes = 0
  const proxy = await openFaultProxy({
    to: { port: agent.port },
    plan,
    onChunk: (_connection, direction, chunk) => {
      if (direction === 'up') sentBytes += chunk.length
    },
  })
  t.after(async () => {
    await server.stop()
    await proxy.close()
    await agent.stop()
    await rm(folder, { recursive: true })
    assert.deepEqual(server.errors, [])
  })
  const { store } = server
  const { environment } = await addSpace(store)
  const known = await store.machinePolicies.default(environment.spaceId)
  assert.ok(known)
  await store.machinePolicies.update({ ...known, connectionRetryCountLimit: 1, ...policy })
  const { thumbprint } = agent
  await addMachine(store, { thumbprint, port: proxy.port }, { name: 'web01', environment })
  await addPackage(server.packages, environment.spaceId, 'Acme.Web.1.2.3.zip', [
    { name: 'large.bin', content: randomBytes(packageBytes), stored: true },
  ])
  const project = await addProject(server, environment, [step([deployPackage('Web', 'Acme.Web')])])
  return {
    agent,
    sentBytes: () => sentBytes,
    async deploy(): Promise<{ readonly task: ServerTask; readonly log: string }> {
      const { taskId } = await deployProject(server, project, environment)
      const task = await finished(store, taskId, 60_000)
      return { task, log: (await logOf(store, taskId)).join('\n') }
    },
  }
}

function cutFirst(connections: number, afterBytes: number): (index: number) => FaultPlan {
  return index => (index < connections ? { up: { kind: 'cut', afterBytes } } : {})
}

describe('a package on its way to a machine', () => {
  test('tentacle 12.57: goes on where the connection broke, each time', async t => {
    const { agent, sentBytes, deploy } = await setUp(t, cutFirst(2, 2 * mib))
    const { task, log } = await deploy()
    assert.equal(task.state, 'Success', log)
    assert.equal(agent.uploads.length, 1)
    assert.equal(log.match(/Sending was interrupted\. It goes on in 1 s\./g)?.length, 2, log)
    assert.match(log, /\d+ % are there: .* of 6\.0 MiB\. The rest is sent\./)
    // The rest of what was under way when it broke, and what else is said.
    assert.ok(sentBytes() < packageBytes + 2 * mib, `${sentBytes()} bytes`)
  })

  test('tentacle 12.57: begins again at an agent that cannot go on', async t => {
    const { agent, sentBytes, deploy } = await setUp(t, cutFirst(1, 4 * mib), {
      capabilities: olderCapabilities,
    })
    const { task, log } = await deploy()
    assert.equal(task.state, 'Success', log)
    assert.equal(agent.uploads.length, 1)
    assert.match(log, /A call to the Tentacle failed\. Attempt 2 follows/)
    assert.ok(sentBytes() > packageBytes + 4 * mib, `${sentBytes()} bytes`)
  })

  test('tentacle 12.57: is given up at once where the policy allows no repetition, and the next deployment goes on', async t => {
    const rpcCallRetry = { enabled: false, durationMs: 150_000, healthCheckDurationMs: 150_000 }
    const { sentBytes, deploy } = await setUp(t, cutFirst(1, 4 * mib), { policy: { rpcCallRetry } })
    const first = await deploy()
    assert.equal(first.task.state, 'Failed', first.log)
    assert.ok(!first.log.includes('Sending was interrupted'), first.log)
    const second = await deploy()
    assert.equal(second.task.state, 'Success', second.log)
    assert.match(second.log, /\d+ % are there: .* of 6\.0 MiB\. The rest is sent\./)
    assert.ok(sentBytes() < packageBytes + mib, `${sentBytes()} bytes`)
  })

  for (const [kind, capabilities] of [
    ['one of ours', ownCapabilities],
    ['an older one', olderCapabilities],
  ] as const) {
    test(`tentacle 12.57: is given up in time when ${kind} cannot be reached any more`, async t => {
      const rpcCallRetry = { enabled: true, durationMs: 2_500, healthCheckDurationMs: 2_500 }
      const plan = (index: number): FaultPlan => ({
        up: { kind: 'cut', afterBytes: index === 0 ? 4 * mib : 0 },
      })
      const { agent, deploy } = await setUp(t, plan, { capabilities, policy: { rpcCallRetry } })
      const { task, log } = await deploy()
      assert.equal(task.state, 'Failed', log)
      assert.match(log, /The Tentacle could not be reached for \d seconds?\. No more attempts are made\./)
      assert.deepEqual(agent.uploads, [])
      assert.deepEqual(await readdir(join(agent.home, 'Files')).catch(() => []), [])
    })
  }
})
