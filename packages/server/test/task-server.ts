import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Certificate, createCertificate } from '@tentacle/halibut'
import { type TestAgent, until } from '@tentacle/testkit'
import { type Agents, type AgentsOptions, createAgents } from '../src/agents/agents.ts'
import { createSpace } from '../src/catalog/create-space.ts'
import { createVault } from '../src/config/master-key.ts'
import { openDatabase } from '../src/db/database.ts'
import { migrations } from '../src/db/migrations/index.ts'
import { createStore, type Store } from '../src/db/store.ts'
import { createTaskLogRepository } from '../src/db/task-log-repository.ts'
import { createEventHub, type EventHub } from '../src/live/event-hub.ts'
import type { Environment } from '../src/model/environment.ts'
import { type Machine, unknownHealth } from '../src/model/machine.ts'
import type { Space } from '../src/model/space.ts'
import { isFinalState, type ServerTask, type TaskDraft } from '../src/model/task.ts'
import { createTaskService, type TaskService } from '../src/orchestration/task-service.ts'
import { createPackageStore, type PackageStore } from '../src/packages/package-store.ts'

/** Where a server of the tests keeps its things, and what it is. Two processes can be the same server one after another. */
export interface ServerHome {
  readonly folder: string
  readonly masterKey: Buffer
  readonly certificate: Certificate
  /** 0: a free one. */
  readonly commsPort: number
}

/** The parts of a server that carry out tasks, without its web side. */
export interface TestServer {
  readonly store: Store
  readonly hub: EventHub
  readonly agents: Agents
  readonly tasks: TaskService
  readonly packages: PackageStore
  readonly vault: ReturnType<typeof createVault>
  readonly commsPort: number
  /** What went wrong in the queue itself. */
  readonly errors: readonly Error[]
  stop(): Promise<void>
}

/** Silence: tests look at what happens, not at the log. */
export const quietLogger = { debug() {}, info() {}, warn() {}, error() {} }

/** A new server's identity in this folder. */
export async function newServerHome(folder: string, commsPort = 0): Promise<ServerHome> {
  const certificate = await createCertificate({ commonName: 'Octopus Server' })
  return { folder, masterKey: randomBytes(32), certificate, commsPort }
}

/** Opens the database of a server without starting anything. */
export async function openServerStore({ folder }: ServerHome): Promise<Store> {
  return createStore(await openDatabase(join(folder, 'server.db'), migrations))
}

/** Starts a server. It works on tasks at once, first on those that an earlier process left. */
export async function startTestServer(
  home: ServerHome,
  more: Partial<Pick<AgentsOptions, 'observer' | 'logger'>> = {},
): Promise<TestServer> {
  const store = await openServerStore(home)
  const vault = createVault(home.masterKey)
  const hub = createEventHub()
  const errors: Error[] = []
  const packages = createPackageStore(store, join(home.folder, 'packages'))
  const agents = await createAgents({
    certificate: home.certificate,
    store,
    vault,
    hub,
    logger: quietLogger,
    ...more,
  })
  const listener = await agents.listen({ port: home.commsPort, host: '127.0.0.1' })
  const tasks = createTaskService({
    store,
    vault,
    hub,
    agents,
    packages,
    serverUri: '',
    node: 'test-node',
    onError: error => errors.push(error),
  })
  tasks.start()
  return {
    store,
    hub,
    agents,
    tasks,
    packages,
    vault,
    errors,
    commsPort: listener.port,
    async stop() {
      await tasks.stop()
      await agents.close()
      await store.db.destroy()
    },
  }
}

/** A space with one environment. */
export async function addSpace(
  store: Store,
): Promise<{ readonly space: Space; readonly environment: Environment }> {
  const space = await createSpace(store, { name: 'Default', isDefault: true, managerUserIds: [] }, null)
  const environment = await store.environments.insert({
    spaceId: space.id,
    name: 'Dev',
    slug: 'dev',
    description: '',
    sortOrder: 0,
    useGuidedFailure: false,
    allowDynamicInfrastructure: false,
    environmentTags: [],
  })
  return { space, environment }
}

/** Registers an agent as a deployment target. */
export async function addMachine(
  store: Store,
  agent: Pick<TestAgent, 'thumbprint' | 'port'>,
  more: {
    readonly name: string
    readonly environment: Environment
    readonly subscription?: string
  } & Partial<Machine>,
): Promise<Machine> {
  const { name, environment, subscription, ...rest } = more
  const common = {
    thumbprint: agent.thumbprint,
    tentacleVersion: null,
    upgradeLocked: false,
    certificateSignatureAlgorithm: null,
  }
  return store.machines.insert({
    kind: 'machine',
    spaceId: environment.spaceId,
    name,
    slug: name.toLowerCase(),
    endpoint:
      subscription === undefined
        ? { ...common, style: 'TentaclePassive', uri: `https://127.0.0.1:${agent.port}/`, proxyId: null }
        : { ...common, style: 'TentacleActive', uri: `poll://${subscription}/` },
    machinePolicyId: null,
    isDisabled: false,
    health: unknownHealth,
    environmentIds: [environment.id],
    roles: ['web'],
    tenantedDeploymentParticipation: 'Untenanted',
    tenantIds: [],
    tenantTags: [],
    ...rest,
  })
}

/** The task in a final state. */
export function finished(store: Store, taskId: string, timeoutMs = 30_000): Promise<ServerTask> {
  const look = async () => {
    const task = await store.tasks.require(taskId)
    return isFinalState(task.state) && task
  }
  return until(`the task ${taskId} is finished`, look, { timeoutMs, everyMs: 20 })
}

/** Makes a task and waits for its end. */
export async function runTask({ tasks, store }: TestServer, draft: TaskDraft): Promise<ServerTask> {
  return finished(store, (await tasks.create(draft)).id)
}

/** The log as text: one line `node | category | text` each. */
export async function logOf(store: Store, taskId: string): Promise<readonly string[]> {
  const log = createTaskLogRepository(store.db)
  const names = new Map((await log.activities(taskId)).map(activity => [activity.id, activity.name]))
  const lines = await log.lines(taskId, 0, 1_000_000)
  return lines.map(({ activityId, category, text }) => `${names.get(activityId)} | ${category} | ${text}`)
}

/** The tree as text: one line `depth name: status` each. */
export async function treeOf(store: Store, taskId: string): Promise<readonly string[]> {
  const activities = await createTaskLogRepository(store.db).activities(taskId)
  const result: string[] = []
  const visit = (parentId: string | null, indent: string): void => {
    for (const activity of activities.filter(each => each.parentId === parentId)) {
      result.push(`${indent}${activity.name}: ${activity.status}`)
      visit(activity.id, `${indent}  `)
    }
  }
  visit(null, '')
  return result
}
