import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { writePfx } from '@tentacle/halibut'
import {
  openFaultProxy,
  type ProxiedConnection,
  startTestAgent,
  type TestAgent,
  type TestAgentOptions,
  until,
} from '@tentacle/testkit'
import { createAgents } from '../src/agents/agents.ts'
import { createVault } from '../src/config/master-key.ts'
import type { Store } from '../src/db/store.ts'
import { createEventHub } from '../src/live/event-hub.ts'
import type { Environment } from '../src/model/environment.ts'
import { createTaskService, type TaskService } from '../src/orchestration/task-service.ts'
import { createPackageStore, type PackageStore } from '../src/packages/package-store.ts'
import {
  addMachine,
  addSpace,
  finished,
  logOf,
  newServerHome,
  openServerStore,
  quietLogger,
  type ServerHome,
  treeOf,
} from './task-server.ts'
import {
  addPackage,
  addProject,
  deployerExecutable,
  deployPackage,
  deployProject,
  ownCapabilities,
  script,
  step,
} from './test-project.ts'

interface Setting {
  readonly home: ServerHome
  /** The database of the server; also open while a server process works on it. */
  readonly store: Store
  readonly environment: Environment
  readonly packages: PackageStore
  readonly vault: ReturnType<typeof createVault>
  /** Makes tasks, but does not carry them out: the server process does. */
  readonly tasks: TaskService
  agent(options?: Partial<TestAgentOptions>): Promise<TestAgent>
  startServer(): Promise<ChildProcess>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function setUp(t: TestContext): Promise<Setting> {
  const folder = await mkdtemp(join(tmpdir(), 'server-'))
  const home = await newServerHome(folder, await freePort())
  const executable = await deployerExecutable(folder)
  const certificate = Buffer.from(writePfx(home.certificate)).toString('base64')
  const identity = { masterKey: home.masterKey.toString('base64'), certificate, commsPort: home.commsPort }
  await writeFile(join(folder, 'home.json'), JSON.stringify(identity))
  const store = await openServerStore(home)
  const vault = createVault(home.masterKey)
  const hub = createEventHub()
  const agents = await createAgents({ certificate: home.certificate, store, vault, hub, logger: quietLogger })
  const packages = createPackageStore(store, join(folder, 'packages'))
  const node = 'maker'
  const tasks = createTaskService({
    store,
    vault,
    hub,
    agents,
    packages,
    serverUri: '',
    node,
    onError: assert.fail,
  })
  const closing = [() => rm(folder, { recursive: true }), () => store.db.destroy(), () => agents.close()]
  t.after(async () => {
    for (const close of closing.reverse()) await close()
  })
  const { environment } = await addSpace(store)
  return {
    home,
    store,
    environment,
    packages,
    vault,
    tasks,
    async agent(options = {}) {
      const { thumbprint: trust } = home.certificate
      const agent = await startTestAgent({ trust, capabilities: ownCapabilities, executable, ...options })
      closing.push(() => agent.stop())
      return agent
    },
    async startServer() {
      const program = fileURLToPath(new URL('./server-process.ts', import.meta.url))
      const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
      closing.push(() => kill(child))
      const [line] = await once(createInterface({ input: child.stdout }), 'line')
      assert.equal(line, 'READY')
      return child
    },
  }
}

/** The hard way: the process has no time for anything. */
async function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

function hasLine(store: Store, taskId: string, text: string): () => Promise<boolean> {
  return async () => (await logOf(store, taskId)).some(line => line.endsWith(`| ${text}`))
}

/** The plain lines of a script, without what the server and the agent say. */
async function numbersOf(store: Store, taskId: string): Promise<readonly number[]> {
  return (await logOf(store, taskId)).flatMap(line => {
    const number = /\| Info \| (\d+)$/.exec(line)?.[1]
    return number === undefined ? [] : [Number(number)]
  })
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

describe('a server that is killed', () => {
  test('in the middle of a script, twice: goes on with it; it ran once, and every line is there once', async t => {
    const { store, environment, tasks, agent, startServer } = await setUp(t)
    const runner = await agent({
      capabilities: ['IScriptService', 'IFileTransferService', 'IScriptServiceV2'],
    })
    const machine = await addMachine(store, runner, { name: 'web01', environment })
    const ScriptBody = [
      'for i in $(seq 100); do echo $i; done',
      `until [ -e "${runner.home}/go" ]; do sleep 0.02; done`,
      'for i in $(seq 101 200); do echo $i; sleep 0.005; done',
    ].join('\n')
    const { id } = await tasks.create({
      spaceId: environment.spaceId,
      name: 'AdHocScript',
      description: 'Try it',
      arguments: { Syntax: 'Bash', MachineIds: [machine.id], ScriptBody },
    })
    const first = await startServer()
    await until('half of it was printed', hasLine(store, id, '100'))
    await kill(first)
    assert.equal((await store.tasks.require(id)).state, 'Executing')
    const second = await startServer()
    await writeFile(join(runner.home, 'go'), '')
    await until('some more was printed', hasLine(store, id, '110'))
    await kill(second)
    await startServer()
    const task = await finished(store, id)
    assert.equal(task.state, 'Success', task.errorMessage)
    assert.equal(task.attempts, 3)
    assert.deepEqual(await numbersOf(store, id), upTo(200))
    assert.equal(runner.scripts.started.length, 1)
    assert.deepEqual(await treeOf(store, id), ['Try it: Success', '  Run script on: web01: Success'])
  })

  test('while it starts a script: the script is started again under the same ticket and runs once', async t => {
    const { store, environment, tasks, agent, startServer } = await setUp(t)
    const runner = await agent({
      capabilities: ['IScriptService', 'IFileTransferService', 'IScriptServiceV2'],
    })
    const machine = await addMachine(store, runner, { name: 'web01', environment })
    await runner.goOffline()
    const { id } = await tasks.create({
      spaceId: environment.spaceId,
      name: 'AdHocScript',
      description: 'Try it',
      arguments: { Syntax: 'Bash', MachineIds: [machine.id], ScriptBody: 'echo 1' },
    })
    const first = await startServer()
    await until(
      'it tries to reach the agent',
      async () => (await store.tasks.require(id)).state === 'Executing',
    )
    await kill(first)
    await runner.goOnline()
    await startServer()
    assert.equal((await finished(store, id)).state, 'Success')
    assert.deepEqual(await numbersOf(store, id), [1])
    assert.equal(runner.scripts.started.length, 1)
  })

  test('in the middle of a deployment, together with the agent: the deployment is completed, nothing is done twice', async t => {
    const { home, store, environment, vault, tasks, packages, agent, startServer } = await setUp(t)
    const subscription = 'kill-1'
    const server = `https://127.0.0.1:${home.commsPort}/`
    const listening = await agent()
    const polling = await agent({ polls: { server, subscription: `poll://${subscription}/` } })
    await addMachine(store, listening, { name: 'web01', environment })
    await addMachine(store, polling, { name: 'web02', environment, subscription })
    await addPackage(packages, environment.spaceId, 'Acme.Web.1.0.zip', [
      {
        name: 'deploy.sh',
        content: [
          'echo run >> "$TentacleHome/runs"',
          'for i in 1 2 3; do echo $i; done',
          'until [ -e "$TentacleHome/go" ]; do sleep 0.02; done',
          'echo 4',
          '',
        ].join('\n'),
      },
    ])
    const project = await addProject({ store, vault }, environment, [
      step([deployPackage('Web', 'Acme.Web')]),
      step([script('After', 'echo 5')]),
    ])
    const { taskId } = await deployProject({ store, tasks, vault }, project, environment)
    const first = await startServer()
    const bothPrinted = async (): Promise<boolean> =>
      (await numbersOf(store, taskId)).filter(n => n === 3).length === 2
    await until('both run the deployment', bothPrinted, { timeoutMs: 60_000 })
    await kill(first)
    await Promise.all([listening.goOffline(), polling.goOffline()])
    for (const { home: folder } of [listening, polling]) await writeFile(join(folder, 'go'), '')
    await startServer()
    await Promise.all([listening.goOnline(), polling.goOnline()])
    const task = await finished(store, taskId, 90_000)
    assert.equal(task.state, 'Success', (await logOf(store, taskId)).join('\n'))
    assert.deepEqual((await numbersOf(store, taskId)).toSorted(), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
    for (const each of [listening, polling]) {
      assert.equal(await readFile(join(each.home, 'runs'), 'utf8'), 'run\n')
      assert.equal(each.uploads.length, 1)
      // Look-up, deployment, script.
      assert.equal(each.scripts.started.length, 3)
    }
  })

  test('while it sends a package: sends only the rest of it', async t => {
    const { store, environment, vault, tasks, packages, agent, startServer } = await setUp(t)
    const listening = await agent()
    const mib = 1024 * 1024
    let sentBytes = 0
    const connections: ProxiedConnection[] = []
    // The agent never hears of the end of the first connection, as after a power cut on the other side.
    const proxy = await openFaultProxy({
      to: { port: listening.port },
      plan: index => (index === 0 ? { up: { kind: 'stall', afterBytes: 4 * mib } } : {}),
      onConnection: connection => void connections.push(connection),
      onChunk: (_connection, direction, chunk) => {
        if (direction === 'up') sentBytes += chunk.length
      },
    })
    t.after(() => proxy.close())
    const { thumbprint } = listening
    await addMachine(store, { thumbprint, port: proxy.port }, { name: 'web01', environment })
    await addPackage(packages, environment.spaceId, 'Acme.Web.1.0.zip', [
      { name: 'large.bin', content: randomBytes(6 * mib), stored: true },
    ])
    const steps = [step([deployPackage('Web', 'Acme.Web')])]
    const project = await addProject({ store, vault }, environment, steps)
    const { taskId } = await deployProject({ store, tasks, vault }, project, environment)
    const first = await startServer()
    await until('it sends', () => connections[0]?.up.hasStruck, { timeoutMs: 60_000 })
    await kill(first)
    await startServer()
    const task = await finished(store, taskId, 60_000)
    const log = (await logOf(store, taskId)).join('\n')
    assert.equal(task.state, 'Success', log)
    assert.match(log, /\d+ % are there: .* of 6\.0 MiB\. The rest is sent\./)
    assert.ok(sentBytes < 7 * mib, `${sentBytes} bytes`)
    assert.equal(listening.uploads.length, 1)
  })

  test('while a task is being cancelled: goes on cancelling it', async t => {
    const { store, environment, tasks, agent, startServer } = await setUp(t)
    const runner = await agent()
    const machine = await addMachine(store, runner, { name: 'web01', environment })
    const { id } = await tasks.create({
      spaceId: environment.spaceId,
      name: 'AdHocScript',
      description: 'Try it',
      arguments: { Syntax: 'Bash', MachineIds: [machine.id], ScriptBody: 'echo 1; sleep 600' },
    })
    const first = await startServer()
    await until('the script runs', hasLine(store, id, '1'))
    await kill(first)
    assert.equal((await tasks.cancel(id)).state, 'Cancelling')
    await startServer()
    assert.equal((await finished(store, id)).state, 'Canceled')
    assert.ok((runner.scripts.calls.get('cancelScript') ?? 0) > 0)
  })

  test('stopped the gentle way: lets go at once, and the next one goes on', async t => {
    const { store, environment, tasks, agent, startServer } = await setUp(t)
    const runner = await agent()
    const machine = await addMachine(store, runner, { name: 'web01', environment })
    const { id } = await tasks.create({
      spaceId: environment.spaceId,
      name: 'AdHocScript',
      description: 'Try it',
      arguments: {
        Syntax: 'Bash',
        MachineIds: [machine.id],
        ScriptBody: `echo 1; until [ -e "${runner.home}/go" ]; do sleep 0.02; done; echo 2`,
      },
    })
    const first = await startServer()
    await until('the script runs', hasLine(store, id, '1'))
    await kill(first, 'SIGTERM')
    assert.equal(first.exitCode, 0)
    await writeFile(join(runner.home, 'go'), '')
    await startServer()
    assert.equal((await finished(store, id)).state, 'Success')
    assert.deepEqual(await numbersOf(store, id), [1, 2])
    assert.equal(runner.scripts.calls.get('cancelScript'), undefined)
  })

  test('an old Tentacle that was being started when the server died: the task fails and says what to do', async t => {
    const { store, environment, tasks, agent, startServer } = await setUp(t)
    const runner = await agent({ capabilities: ['IScriptService', 'IFileTransferService'] })
    const machine = await addMachine(store, runner, { name: 'web01', environment })
    const { id } = await tasks.create({
      spaceId: environment.spaceId,
      name: 'AdHocScript',
      description: 'Try it',
      arguments: { Syntax: 'Bash', MachineIds: [machine.id], ScriptBody: 'echo 1' },
    })
    // What the database holds when the process dies between storing the run and the answer of the Tentacle.
    const { createScriptRunRepository } = await import('../src/db/script-run-repository.ts')
    await createScriptRunRepository(store.db, store.now).insert({
      taskId: id,
      key: `machine:${machine.id}`,
      machineId: machine.id,
      ticket: '',
      contract: 'V1',
    })
    await startServer()
    const task = await finished(store, id)
    assert.equal(task.state, 'Failed')
    assert.match(task.errorMessage, /too old to tell whether the script ran/)
    assert.equal(runner.scripts.started.length, 0)
  })
})
