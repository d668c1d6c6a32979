import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { startTestAgent, type TestAgent } from '@tentacle/testkit'
import type { LiveEvent } from '../src/live/event-hub.ts'
import type { Environment } from '../src/model/environment.ts'
import type { Machine } from '../src/model/machine.ts'
import type { MachinePolicy } from '../src/model/machine-policy.ts'
import type { JsonObject, ServerTask } from '../src/model/task.ts'
import {
  addMachine,
  addSpace,
  logOf,
  newServerHome,
  runTask,
  startTestServer,
  type TestServer,
  treeOf,
} from './task-server.ts'

interface Setting {
  readonly server: TestServer
  readonly environment: Environment
  agent(): Promise<TestAgent>
  /** Changes the default machine policy. */
  setPolicy(change: (policy: MachinePolicy) => MachinePolicy): Promise<void>
  check(given?: JsonObject): Promise<ServerTask>
  machine(name: string): Promise<Machine>
}

async function setUp(t: TestContext): Promise<Setting> {
  const folder = await mkdtemp(join(tmpdir(), 'server-'))
  const home = await newServerHome(folder)
  const server = await startTestServer(home)
  const closing = [() => rm(folder, { recursive: true }), () => server.stop()]
  t.after(async () => {
    for (const close of closing.reverse()) await close()
    assert.deepEqual(server.errors, [])
  })
  const { space, environment } = await addSpace(server.store)
  return {
    server,
    environment,
    async agent() {
      const agent = await startTestAgent({ trust: home.certificate.thumbprint })
      closing.push(() => agent.stop())
      return agent
    },
    async setPolicy(change) {
      const policy = await server.store.machinePolicies.default(space.id)
      assert.ok(policy)
      await server.store.machinePolicies.update(change(policy))
    },
    check: (given = {}) =>
      runTask(server, { spaceId: space.id, name: 'Health', description: 'Look', arguments: given }),
    async machine(name) {
      const machine = await server.store.machines.byName(space.id, name)
      assert.ok(machine)
      return machine
    },
  }
}

/** A policy whose bash script is this. */
function withScript(scriptBody: string): (policy: MachinePolicy) => MachinePolicy {
  return policy => ({
    ...policy,
    healthCheck: { ...policy.healthCheck, bash: { runType: 'Inline', scriptBody } },
  })
}

/** A policy that gives up soon. */
function impatient(policy: MachinePolicy): MachinePolicy {
  return { ...policy, connectionRetryCountLimit: 1, rpcCallRetry: { ...policy.rpcCallRetry, enabled: false } }
}

describe('a health check', () => {
  test('deployment 7.56: finds a machine healthy, and keeps what it told about itself', async t => {
    const { server, environment, agent, check, machine } = await setUp(t)
    const { id } = await addMachine(server.store, await agent(), { name: 'web01', environment })
    const events: LiveEvent[] = []
    server.hub.subscribe(event => events.push(event))
    const task = await check({ MachineIds: [id], Timeout: '00:05:00', MachineTimeout: '00:01:00' })
    assert.equal(task.state, 'Success', task.errorMessage)
    const { health, endpoint } = await machine('web01')
    assert.equal(health.status, 'Healthy')
    assert.equal(endpoint.tentacleVersion, '9.2.123')
    assert.equal(health.shellName, 'Bash')
    assert.match(health.shellVersion ?? '', /^\d+\.\d+/)
    assert.ok(health.operatingSystem)
    assert.ok(health.architecture)
    assert.ok(health.checkedAt)
    assert.ok(health.log.some(line => line.messageText.includes('version is 9.2.123')))
    assert.ok(events.some(event => event.kind === 'machine' && event.machineId === id))
    assert.deepEqual(await treeOf(server.store, task.id), ['Look: Success', '  Check web01: Success'])
  })

  test('deployment 7.56: warnings make it HasWarnings', async t => {
    const { server, environment, agent, check, machine, setPolicy } = await setUp(t)
    await addMachine(server.store, await agent(), { name: 'web01', environment })
    await setPolicy(withScript('echo_warning "disk is  nearly full"'))
    const task = await check()
    assert.equal(task.state, 'Success')
    assert.equal(task.hasWarningsOrErrors, true)
    assert.equal((await machine('web01')).health.status, 'HasWarnings')
    assert.ok((await logOf(server.store, task.id)).includes('Check web01 | Warning | disk is  nearly full'))
  })

  test('deployment 7.56: an exit code, an error line or fail_healthcheck make it Unhealthy', async t => {
    const { server, environment, agent, check, machine, setPolicy } = await setUp(t)
    await addMachine(server.store, await agent(), { name: 'web01', environment })
    for (const [script, reason] of [
      ['exit 5', /exit code 5/],
      ['echo broken >&2', /printed errors/],
      ['fail_healthcheck "the lights are off"', /the lights are off/],
    ] as const) {
      await setPolicy(withScript(script))
      const task = await check()
      assert.equal(task.state, 'Failed')
      const { health } = await machine('web01')
      assert.equal(health.status, 'Unhealthy')
      assert.match(health.summary, reason)
    }
  })

  test('deployment 7.56: a machine that is off is Unavailable; what was known of it stays', async t => {
    const { server, environment, agent, check, machine, setPolicy } = await setUp(t)
    const target = await agent()
    await addMachine(server.store, target, { name: 'web01', environment })
    await check()
    await setPolicy(impatient)
    await target.goOffline()
    const task = await check()
    assert.equal(task.state, 'Failed')
    const { health, endpoint } = await machine('web01')
    assert.equal(health.status, 'Unavailable')
    assert.equal(health.shellName, 'Bash')
    assert.equal(endpoint.tentacleVersion, '9.2.123')
    await setPolicy(policy => ({ ...policy, connectivity: 'MayBeOfflineAndCanBeSkipped' }))
    assert.equal((await check()).state, 'Success')
  })

  test('a polling machine that does not fetch its work is Unavailable when its time is over', async t => {
    const { server, environment, agent, check, machine } = await setUp(t)
    await addMachine(server.store, await agent(), { name: 'poll01', environment, subscription: 'nobody' })
    const started = performance.now()
    const task = await check({ MachineTimeout: '00:00:01' })
    assert.ok(performance.now() - started < 20_000)
    assert.equal(task.state, 'Failed')
    const { health } = await machine('poll01')
    assert.equal(health.status, 'Unavailable')
    assert.match(health.summary, /did not fetch its work within 1 seconds\. It is not connected/)
  })

  test('a script that does not end is ended at the limit of the machine', async t => {
    const { server, environment, agent, check, machine, setPolicy } = await setUp(t)
    const target = await agent()
    await addMachine(server.store, target, { name: 'web01', environment })
    await setPolicy(withScript('sleep 600'))
    const task = await check({ MachineTimeout: '00:00:02' })
    assert.equal(task.state, 'Failed')
    assert.equal((await machine('web01')).health.status, 'Unhealthy')
    assert.match((await machine('web01')).health.summary, /did not end within 2 seconds/)
    assert.ok((target.scripts.calls.get('cancelScript') ?? 0) > 0)
  })

  test('of the connection only runs no script', async t => {
    const { server, environment, agent, check, machine } = await setUp(t)
    const target = await agent()
    await addMachine(server.store, target, { name: 'web01', environment })
    await check({ OnlyTestConnection: true })
    assert.equal((await machine('web01')).health.status, 'Healthy')
    assert.equal(target.scripts.started.length, 0)
  })

  test('looks at the machines of an environment, but not at disabled ones', async t => {
    const { server, environment, agent, check } = await setUp(t)
    const target = await agent()
    await addMachine(server.store, target, { name: 'web01', environment })
    await addMachine(server.store, target, { name: 'other', environment, environmentIds: ['Environments-9'] })
    await addMachine(server.store, target, { name: 'off', environment, isDisabled: true })
    const task = await check({
      EnvironmentId: environment.id,
      WorkerpoolId: null,
      RestrictedTo: 'DeploymentTargets',
    })
    assert.deepEqual(await treeOf(server.store, task.id), ['Look: Success', '  Check web01: Success'])
    assert.equal((await check({ EnvironmentId: 'Environments-77' })).state, 'Success')
  })
})
