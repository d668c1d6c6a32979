import { type TestContext, test } from 'node:test'
import { createCertificate, createHalibut } from '@tentacle/halibut'
import { openDatabase } from '../src/db/database.ts'
import { migrations } from '../src/db/migrations/index.ts'
import { createStore, type Store } from '../src/db/store.ts'
import { type Body, type Client, createClient, textOf } from './client.ts'
import { type Given, type GivenMachine, type Recording, readRecording } from './recording.ts'
import { named, replay, type Stage } from './replay.ts'
import { startTestServer, type TestServer } from './test-server.ts'

const agentThumbprint = 'AB'.repeat(20)
const otherThumbprint = '0000000000000000000000000000000000000001'

/** The flows that this server serves today. */
const flows = [
  'register-with-listening',
  'register-with-polling',
  'register-with-polling-twice',
  'register-with-bearer',
  'register-with-password',
  'register-with-force',
  'register-with-rich',
  'register-with-space',
  'register-with-virtual-folder',
  'register-worker',
  'register-worker-force',
  'register-worker-polling',
  'deregister-from',
  'deregister-from-multiple',
  'deregister-none',
  'deregister-two-without-multiple',
  'deregister-worker',
  'poll-server',
  'poll-server-configured',
  'poll-server-trusted',
  'refused-401',
  'refused-401-password',
  'refused-403-create',
  'refused-403-name-lookup',
  'refused-name-taken',
  'refused-name-taken-race',
  'refused-no-default-space',
  'refused-unknown-environment',
  'refused-unknown-everything',
  'refused-unknown-policy',
  'refused-unknown-space',
  'refused-unknown-tenant',
  'refused-unknown-tenant-tag',
  'refused-worker-unknown-pool',
  'cs-adhoc-environment',
  'cs-adhoc-script',
  'cs-adhoc-virtual-folder',
  'cs-api-key',
  'cs-default-space',
  'cs-delete-things',
  'cs-environment',
  'cs-health-check',
  'cs-lifecycle-project',
  'cs-machine-by-thumbprint',
  'cs-machine-life',
  'cs-missing',
  'cs-package',
  'cs-package-refused',
  'cs-refused-401',
  'cs-sign-in',
  'cs-spaces',
  'cs-task-control',
  'ts-capabilities',
  'ts-delete',
  'ts-deploy-tenanted',
  'ts-environments',
  'ts-package-duplicate',
  'ts-package-push',
  'ts-project-and-process',
  'ts-refused-401',
  'ts-refused-unknown-project',
  'ts-refused-unknown-space',
  'ts-release-and-deploy',
  'ts-release-read',
  'ts-space-life',
  'ts-start',
  'ts-start-bearer',
  'ts-tenants-tagsets',
  'ts-wait-timeout-cancel',
  'ts-wait-unknown-task',
]

/** Numbers that requests of a flow must not rely on: everything has another id than in the recording. */
async function shiftIds(client: Client): Promise<void> {
  const made = await client.post('/api/environments', { Name: 'Gone' })
  await client.remove(`/api/environments/${textOf(made, 'Id')}`)
}

async function addMachine(
  client: Client,
  environments: readonly Body[],
  machine: GivenMachine,
): Promise<void> {
  const wanted = machine.EnvironmentIds ?? ['Dev']
  await client.post('/api/machines', {
    Name: machine.Name,
    EnvironmentIds: wanted.map(name => textOf(named(environments, name), 'Id')),
    Roles: machine.Roles ?? ['web'],
    SkipInitialHealthCheck: true,
    Endpoint: {
      CommunicationStyle: 'TentaclePassive',
      Uri: `https://${machine.Name}.invalid:10933/`,
      Thumbprint: machine.Thumbprint === "the agent's" ? agentThumbprint : otherThumbprint,
    },
  })
}

/** Makes what the recording says that there was. */
async function prepare(client: Client, given: Given): Promise<void> {
  for (const Name of given.environments ?? []) await client.post('/api/environments', { Name })
  const environments = await client.items('/api/environments/all')
  for (const machine of given.machines ?? []) {
    await addMachine(client, environments, typeof machine === 'string' ? { Name: machine } : machine)
  }
  const [pool] = await client.items('/api/workerpools/all')
  for (const worker of given.workers ?? []) {
    await client.post('/api/workers', {
      Name: worker.Name,
      WorkerPoolIds: [pool?.Id],
      SkipInitialHealthCheck: true,
      Endpoint: {
        CommunicationStyle: 'TentaclePassive',
        Uri: `https://${worker.Name}.invalid:10933/`,
        Thumbprint: worker.Thumbprint === "the agent's" ? agentThumbprint : otherThumbprint,
      },
    })
  }
  for (const Name of given.machinepolicies ?? []) await client.post('/api/machinepolicies', { Name })
  for (const Name of given.proxies ?? [])
    await client.post('/api/proxies', { Name, Host: 'proxy', Port: 3128 })
  for (const Name of given.tenants ?? []) await client.post('/api/tenants', { Name })
  for (const text of given.tagsets ?? []) {
    const [Name, tag] = text.split('/')
    await client.post('/api/tagsets', { Name, Tags: [{ Name: tag }] })
  }
}

/** Opens the database beside the running server, for what no client can do. */
async function inStore(server: TestServer, work: (store: Store) => Promise<unknown>): Promise<void> {
  const db = await openDatabase(`${server.home}/server.db`, migrations)
  try {
    await work(createStore(db))
  } finally {
    await db.destroy()
  }
}

async function prepareSpaces(server: TestServer, client: Client, { spaces }: Given): Promise<void> {
  const me = await client.get('/api/users/me')
  const managers = { SpaceManagersTeamMembers: [me.Id] }
  for (const space of spaces) {
    if (space !== 'Default (default)') await client.post('/api/spaces', { Name: space, ...managers })
  }
  if (spaces.includes('Default (default)')) {
    const ops = (await client.items('/api/spaces/all')).find(space => space.Name === 'Ops')
    if (ops !== undefined) await client.post(`/api/${textOf(ops, 'Id')}/environments`, { Name: 'Dev' })
    return
  }
  await inStore(server, async store => {
    const first = await store.spaces.default()
    if (first !== undefined) await store.spaces.update({ ...first, isDefault: false })
  })
}

async function prepareRights(server: TestServer, { rights }: Given): Promise<void> {
  if (rights === undefined) return
  await inStore(server, async store => {
    const admin = await store.users.byUsername('admin')
    if (admin !== undefined)
      await store.users.update({ ...admin, roles: rights === 'no MachineCreate' ? ['Viewer'] : [] })
  })
}

/** What some flows need on the other side, or from somebody else while they run. */
async function specials(
  t: TestContext,
  flow: string,
  client: Client,
): Promise<Pick<Stage, 'texts' | 'before'>> {
  switch (flow) {
    case 'cs-machine-life': {
      const tentacle = createHalibut({ certificate: await createCertificate({ commonName: 'found' }) })
      t.after(() => tentacle.close())
      const { port } = await tentacle.listen({ port: 0 })
      return { texts: { host1: 'localhost', '10933': String(port) } }
    }
    case 'refused-name-taken-race':
      return {
        before: {
          14: async () => addMachine(client, await client.items('/api/environments/all'), { Name: 'web01' }),
        },
      }
    case 'ts-deploy-tenanted':
      // The recording's server did not ask whether the tenants take part; this one does.
      return {
        before: {
          7: async () => {
            const [project] = await client.items('/api/projects/all')
            const [environment] = (await client.items('/api/environments/all')).filter(
              each => each.Name === 'Dev',
            )
            await client.put(`/api/projects/${project?.Id}`, { TenantedDeploymentMode: 'Tenanted' })
            for (const tenant of await client.items('/api/tenants/all')) {
              const ProjectEnvironments = { [String(project?.Id)]: [environment?.Id] }
              await client.put(`/api/tenants/${tenant.Id}`, { ProjectEnvironments })
            }
          },
        },
      }
    default:
      return {}
  }
}

async function play(t: TestContext, recording: Recording): Promise<void> {
  const isInFolder = recording.requests.some(({ path }) => path.startsWith('/octopus/'))
  const server = await startTestServer(t, isInFolder ? { webPrefix: '/octopus' } : {})
  const { client, apiKey } = server
  const { AccessToken } = await client.post('/api/users/access-token', {})
  await shiftIds(client)
  await prepare(client, recording.given)
  await prepareSpaces(server, client, recording.given)
  await prepareRights(server, recording.given)
  await replay(recording, {
    base: server.url,
    commsPort: server.commsPort,
    apiKey,
    accessToken: String(AccessToken),
    agentThumbprint,
    ...(await specials(t, recording.flow, createClient(server.url, { 'X-Octopus-ApiKey': apiKey }))),
  })
}

for (const flow of flows) {
  const recording = await readRecording(flow)
  test(`a recorded client gets what it needs: ${flow} (${recording.about})`, t => play(t, recording))
}
