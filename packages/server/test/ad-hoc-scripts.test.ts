import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { startTestAgent, type TestAgent, type TestAgentOptions, until } from '@tentacle/testkit'
import { sql } from 'kysely'
import { isServerError } from '../src/errors.ts'
import type { Environment } from '../src/model/environment.ts'
import type { JsonObject, ServerTask } from '../src/model/task.ts'
import {
  addMachine,
  addSpace,
  finished,
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
  /** Starts an agent; everything ends after the test, the last one first. */
  agent(options?: Partial<TestAgentOptions>): Promise<TestAgent>
  run(given: JsonObject): Promise<ServerTask>
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
    async agent(options = {}) {
      const agent = await startTestAgent({ trust: home.certificate.thumbprint, ...options })
      closing.push(() => agent.stop())
      return agent
    },
    run: given =>
      runTask(server, {
        spaceId: space.id,
        name: 'AdHocScript',
        description: 'Try it',
        arguments: { Syntax: 'Bash', ...given },
      }),
  }
}

describe('an ad-hoc script', () => {
  test('runs on several machines, and their lines are in their nodes', async t => {
    const { server, environment, agent, run } = await setUp(t)
    const ids: string[] = []
    for (const name of ['web01', 'web02']) {
      ids.push((await addMachine(server.store, await agent(), { name, environment })).id)
    }
    const task = await run({
      MachineIds: ids,
      ScriptBody: 'echo "I am #{Octopus.Machine.Name}"; echo oops >&2',
    })
    assert.equal(task.state, 'Success')
    assert.equal(task.hasWarningsOrErrors, true)
    assert.deepEqual(await treeOf(server.store, task.id), [
      'Try it: Success',
      '  Run script on: web01: Success',
      '  Run script on: web02: Success',
    ])
    const log = await logOf(server.store, task.id)
    for (const name of ['web01', 'web02']) {
      assert.ok(log.includes(`Run script on: ${name} | Info | I am ${name}`), log.join('\n'))
      assert.ok(log.includes(`Run script on: ${name} | Error | oops`), log.join('\n'))
    }
    assert.deepEqual(await server.store.tasks.machines(task.id), ids)
  })

  test('runs on a polling machine', async t => {
    const { server, environment, agent, run } = await setUp(t)
    const { commsPort } = server
    const subscription = 'abc123'
    const polling = await agent({
      polls: { server: `https://127.0.0.1:${commsPort}/`, subscription: `poll://${subscription}/` },
    })
    const machine = await addMachine(server.store, polling, { name: 'poll01', environment, subscription })
    await server.agents.refreshTrust()
    const task = await run({ MachineIds: [machine.id], ScriptBody: 'echo polled' })
    assert.equal(task.state, 'Success', task.errorMessage)
    assert.ok((await logOf(server.store, task.id)).includes('Run script on: poll01 | Info | polled'))
    assert.equal(server.agents.isPolling(machine), true)
    assert.match(server.agents.connectionLog(machine.id)[0]?.messageText ?? '', /connected/)
  })

  test('tentacle 12.60: runs on a Tentacle that knows only the first script service, or no capabilities at all', async t => {
    const { server, environment, agent, run } = await setUp(t)
    const old = await agent({ capabilities: ['IScriptService', 'IFileTransferService'] })
    const oldest = await agent({ capabilities: 'none' })
    const ids = [
      (await addMachine(server.store, old, { name: 'old', environment })).id,
      (await addMachine(server.store, oldest, { name: 'oldest', environment })).id,
    ]
    const task = await run({ MachineIds: ids, ScriptBody: 'for i in $(seq 300); do echo $i; done; exit 0' })
    assert.equal(task.state, 'Success', task.errorMessage)
    const numbers = Array.from({ length: 300 }, (_, index) => `Run script on: old | Info | ${index + 1}`)
    assert.deepEqual(
      (await logOf(server.store, task.id)).filter(line => line.startsWith('Run script on: old |')),
      numbers,
    )
    assert.equal(old.scripts.completed.length, 1)
  })

  test('deployment 7.9: fails with the exit code; the others still finish', async t => {
    const { server, environment, agent, run } = await setUp(t)
    const good = await agent()
    const bad = await agent({ env: { FAIL: '3' } })
    const ids = [
      (await addMachine(server.store, bad, { name: 'bad', environment })).id,
      (await addMachine(server.store, good, { name: 'good', environment })).id,
    ]
    const task = await run({ MachineIds: ids, ScriptBody: 'echo done; exit $((FAIL))' })
    assert.equal(task.state, 'Failed')
    assert.match(task.errorMessage, /1 of 2 machines. bad: .*exit code 3/)
    assert.deepEqual(await treeOf(server.store, task.id), [
      'Try it: Failed',
      '  Run script on: bad: Failed',
      '  Run script on: good: Success',
    ])
  })

  test('deployment 7.8: shows the message of fail_step instead of the exit code', async t => {
    const { server, environment, agent, run } = await setUp(t)
    const machine = await addMachine(server.store, await agent(), { name: 'web01', environment })
    const task = await run({ MachineIds: [machine.id], ScriptBody: 'fail_step "the cellar is flooded"' })
    assert.equal(task.errorMessage, 'web01: the cellar is flooded')
  })

  test('deployment 7.5: a value that it declares sensitive is stored nowhere in clear', async t => {
    const { server, environment, agent, run } = await setUp(t)
    const machine = await addMachine(server.store, await agent(), { name: 'web01', environment })
    const script = [
      'secret="$(echo c3dvcmRmaXNo | base64 -d)"',
      'set_octopusvariable Password "$secret" -sensitive',
      'echo "it is $secret"',
      'echo "$secret" >&2',
      'fail_step "wrong: $secret"',
    ].join('\n')
    const task = await run({ MachineIds: [machine.id], ScriptBody: script })
    const log = await logOf(server.store, task.id)
    assert.ok(log.includes('Run script on: web01 | Info | it is ********'), log.join('\n'))
    assert.equal(task.errorMessage, 'web01: wrong: ********')
    const stored = await everythingStored(server)
    assert.ok(stored.length > 5)
    assert.deepEqual(
      stored.filter(row => row.includes('swordfish')),
      [],
    )
  })

  test('shows lines while it runs', async t => {
    const { server, environment, agent, run } = await setUp(t)
    const runner = await agent()
    const machine = await addMachine(server.store, runner, { name: 'web01', environment })
    const running = run({
      MachineIds: [machine.id],
      ScriptBody: `echo first; until [ -e "${runner.home}/go" ]; do sleep 0.02; done; echo last`,
    })
    await until('the first line is stored', async () =>
      (await logOf(server.store, 'ServerTasks-1')).some(line => line.endsWith('| first')),
    )
    assert.equal((await server.store.tasks.require('ServerTasks-1')).state, 'Executing')
    await writeFile(join(runner.home, 'go'), '')
    assert.equal((await running).state, 'Success')
  })

  test('deployment 7.52: cancel ends it and the machine is free again', async t => {
    const { server, environment, agent, run } = await setUp(t)
    const runner = await agent()
    const machine = await addMachine(server.store, runner, { name: 'web01', environment })
    const running = run({ MachineIds: [machine.id], ScriptBody: 'echo started; sleep 600; echo never' })
    await until('the script runs', async () =>
      (await logOf(server.store, 'ServerTasks-1')).some(line => line.endsWith('| started')),
    )
    assert.equal((await server.tasks.cancel('ServerTasks-1')).state, 'Cancelling')
    const task = await running
    assert.equal(task.state, 'Canceled')
    assert.deepEqual(await treeOf(server.store, task.id), [
      'Try it: Canceled',
      '  Run script on: web01: Canceled',
    ])
    assert.ok(!(await logOf(server.store, task.id)).some(line => line.includes('never')))
    assert.equal(existsSync(join(runner.home, 'Work', runner.scripts.started[0]?.ticket ?? '')), false)
  })

  test('is not lost when the Tentacle goes away and comes back: it ran once, and every line is there once', async t => {
    const { server, environment, agent, run } = await setUp(t)
    const runner = await agent()
    const machine = await addMachine(server.store, runner, { name: 'web01', environment })
    const running = run({
      MachineIds: [machine.id],
      ScriptBody: `for i in 1 2 3; do echo $i; done; until [ -e "${runner.home}/go" ]; do sleep 0.02; done; echo 4`,
    })
    await until('three lines are stored', async () =>
      (await logOf(server.store, 'ServerTasks-1')).some(line => line.endsWith('| 3')),
    )
    await runner.goOffline()
    await until('the server noticed', async () =>
      (await logOf(server.store, 'ServerTasks-1')).some(line =>
        line.includes('A call to the Tentacle failed'),
      ),
    )
    await writeFile(join(runner.home, 'go'), '')
    await runner.goOnline()
    const task = await running
    assert.equal(task.state, 'Success', task.errorMessage)
    const numbers = (await logOf(server.store, task.id)).filter(line => /\| Info \| \d$/.test(line))
    assert.deepEqual(
      numbers.map(line => line.at(-1)),
      ['1', '2', '3', '4'],
    )
    assert.equal(runner.scripts.started.length, 1)
  })

  test('fails with a clear sentence when the Tentacle lost it', async t => {
    const { server, environment, agent, run } = await setUp(t)
    const runner = await agent()
    const machine = await addMachine(server.store, runner, { name: 'web01', environment })
    const running = run({ MachineIds: [machine.id], ScriptBody: 'echo started; sleep 600' })
    await until('the script runs', async () =>
      (await logOf(server.store, 'ServerTasks-1')).some(line => line.endsWith('| started')),
    )
    await runner.goOffline()
    await runner.goOnline({ forgets: true })
    assert.match((await running).errorMessage, /-46.*restarted/)
  })

  test('fails on a machine that is off once the retries are over', async t => {
    const { server, environment, agent, run } = await setUp(t)
    const runner = await agent()
    const { store } = server
    const policy = await store.machinePolicies.default(environment.spaceId)
    assert.ok(policy)
    await store.machinePolicies.update({
      ...policy,
      connectionRetryCountLimit: 1,
      rpcCallRetry: { ...policy.rpcCallRetry, durationMs: 2_500 },
    })
    const machine = await addMachine(store, runner, { name: 'web01', environment })
    await runner.goOffline()
    const task = await run({ MachineIds: [machine.id], ScriptBody: 'echo hi' })
    assert.equal(task.state, 'Failed')
    const log = await logOf(store, task.id)
    assert.ok(
      log.some(line => /Attempt 2 follows in 1 second/.test(line)),
      log.join('\n'),
    )
    assert.ok(
      log.some(line => /No more attempts are made/.test(line)),
      log.join('\n'),
    )
  })

  test('leaves disabled machines out, and fails when none is left', async t => {
    const { server, environment, agent, run } = await setUp(t)
    await addMachine(server.store, await agent(), { name: 'off', environment, isDisabled: true })
    const task = await run({ EnvironmentIds: [environment.id], TargetRoles: ['WEB'], ScriptBody: 'echo hi' })
    assert.equal(task.state, 'Failed')
    assert.match(task.errorMessage, /disabled/)
  })

  test('chooses machines by environment and role', async t => {
    const { server, environment, agent, run } = await setUp(t)
    const runner = await agent()
    await addMachine(server.store, runner, { name: 'web01', environment, roles: ['web', 'linux'] })
    await addMachine(server.store, await agent(), { name: 'db01', environment, roles: ['db'] })
    await addMachine(server.store, await agent(), {
      name: 'other',
      environment,
      environmentIds: ['Environments-9'],
    })
    const task = await run({
      EnvironmentIds: [environment.id],
      TargetRoles: ['web', 'cache'],
      ScriptBody: 'echo hi',
    })
    assert.deepEqual(await treeOf(server.store, task.id), [
      'Try it: Success',
      '  Run script on: web01: Success',
    ])
  })

  test('is refused when it names no script, no targets, or things that are not there', async t => {
    const { server, environment } = await setUp(t)
    const refused = async (
      given: JsonObject,
      pattern: RegExp,
      spaceId: string | null = environment.spaceId,
    ) => {
      const draft = { spaceId, name: 'adhocscript', description: '', arguments: given }
      const isRight = (error: unknown): boolean =>
        isServerError(error, 'ERR_INVALID_INPUT') && error.problems.some(problem => pattern.test(problem))
      await assert.rejects(server.tasks.create(draft), isRight)
    }
    await refused({ MachineIds: ['Machines-1'] }, /ScriptBody is missing/)
    await refused({ ScriptBody: 'x' }, /No targets/)
    await refused({ ScriptBody: 'x', MachineIds: [], EnvironmentIds: null }, /No targets/)
    await refused({ ScriptBody: 'x', MachineIds: ['Machines-9'] }, /no machine 'Machines-9'/)
    await refused({ ScriptBody: 'x', EnvironmentIds: ['Environments-9'] }, /no environment/)
    await refused({ ScriptBody: 'x', Syntax: 'Cobol', EnvironmentIds: [environment.id] }, /Cobol/)
    await refused({ ScriptBody: 'x', TargetType: 'OctopusServer' }, /own machine/)
    await refused({ ScriptBody: 'x', EnvironmentIds: [environment.id] }, /SpaceId/, null)
    await refused({ ScriptBody: 7, EnvironmentIds: [environment.id] }, /must be a text/)
  })

  test('can be run again', async t => {
    const { server, environment, agent, run } = await setUp(t)
    const runner = await agent()
    const machine = await addMachine(server.store, runner, { name: 'web01', environment })
    const first = await run({ MachineIds: [machine.id], ScriptBody: 'echo hi' })
    const again = await server.tasks.rerun(first.id, 'Users-1')
    assert.notEqual(again.id, first.id)
    assert.equal((await finished(server.store, again.id)).state, 'Success')
    assert.equal(runner.scripts.started.length, 2)
  })
})

/** Every text in the tables of tasks. */
async function everythingStored({ store }: TestServer): Promise<readonly string[]> {
  const tables = [
    'tasks',
    'task_log_lines',
    'task_activities',
    'task_outputs',
    'task_masks',
    'task_operations',
    'script_runs',
  ]
  const texts: string[] = []
  for (const table of tables) {
    const { rows } = await sql`select * from ${sql.table(table)}`.execute(store.db)
    texts.push(...rows.map(row => JSON.stringify(row)))
  }
  return texts
}
