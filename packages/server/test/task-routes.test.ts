import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { startTestAgent, until } from '@tentacle/testkit'
import { pino } from 'pino'
import { createLoginThrottle } from '../src/access/login-throttle.ts'
import { hashPassword } from '../src/access/password-hash.ts'
import { createSignIn } from '../src/access/sign-in.ts'
import { createTaskLogRepository } from '../src/db/task-log-repository.ts'
import { taskEventRoutes } from '../src/http/task-events.ts'
import { taskRoutes } from '../src/http/tasks.ts'
import type { LogLineDraft } from '../src/model/activity.ts'
import type { Machine } from '../src/model/machine.ts'
import { createApp } from '../src/web/create-app.ts'
import {
  addMachine,
  addSpace,
  finished,
  newServerHome,
  startTestServer,
  type TestServer,
} from './task-server.ts'

type Json = { readonly [name: string]: unknown }

interface Setting {
  readonly server: TestServer
  readonly machine: Machine
  readonly spaceId: string
  /** Address of the web server. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  get(path: string): Promise<{ readonly status: number; readonly text: string; readonly json: Json }>
  post(path: string, body?: object): Promise<{ readonly status: number; readonly json: Json }>
  closeWeb(): Promise<void>
}

async function setUp(t: TestContext): Promise<Setting> {
  const folder = await mkdtemp(join(tmpdir(), 'server-'))
  const home = await newServerHome(folder)
  const server = await startTestServer(home)
  const agent = await startTestAgent({ trust: home.certificate.thumbprint })
  const closing = [() => rm(folder, { recursive: true }), () => server.stop(), () => agent.stop()]
  t.after(async () => {
    for (const close of closing.reverse()) await close()
  })
  const { store, tasks, hub } = server
  const { environment } = await addSpace(store)
  const machine = await addMachine(store, agent, { name: 'web01', environment })
  const user = await store.users.insert({
    username: 'ada',
    displayName: 'Ada',
    emailAddress: '',
    isActive: true,
    isService: false,
    passwordHash: await hashPassword('right horse'),
    roles: ['Administrator'],
    created: store.now().toISOString(),
  })
  const signIn = createSignIn(store, createLoginThrottle({}))
  const { secret } = await signIn.createApiKey({ userId: user.id, purpose: 'test', expires: null, by: null })
  const app = await createApp(
    {
      authenticator: {
        byApiKey: async key => ({ user: await signIn.userOfApiKey(key), by: 'api-key' }),
        byAccessToken: async token => ({ user: await signIn.userOfAccessToken(token), by: 'access-token' }),
        bySession: () => assert.fail('no session is used here'),
      },
      findSpace: async text =>
        text === null ? store.spaces.get(environment.spaceId) : store.spaces.get(text),
      installationId: 'test',
      prefix: '',
      logger: pino({ level: 'silent' }),
    },
    routed => {
      taskRoutes(routed, { tasks, store, identity: { productVersion: '1.2.3' } })
      taskEventRoutes(routed, { tasks, store, hub })
    },
  )
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  closing.push(() => app.close())
  const headers = { 'X-Octopus-ApiKey': secret }
  return {
    server,
    machine,
    spaceId: environment.spaceId,
    url,
    headers,
    async get(path) {
      const { statusCode, payload, headers: answered } = await app.inject({ url: path, headers })
      const isJson = String(answered['content-type']).includes('json')
      return { status: statusCode, text: payload, json: isJson ? JSON.parse(payload) : {} }
    },
    async post(path, body = {}) {
      const { statusCode, payload } = await app.inject({ method: 'POST', url: path, headers, payload: body })
      return { status: statusCode, json: JSON.parse(payload) }
    },
    closeWeb: () => app.close(),
  }
}

function adHoc({ machine, spaceId }: Setting, ScriptBody: string): object {
  const Arguments = {
    MachineIds: [machine.id],
    EnvironmentIds: null,
    ScriptBody,
    Syntax: 'Bash',
    TargetType: 'Machines',
  }
  // As the C# client sends it: with its own defaults for what only the server knows.
  return {
    Name: 'AdHocScript',
    Description: 'Say hello',
    SpaceId: spaceId,
    Arguments,
    State: 0,
    QueueTime: '0001-01-01T00:00:00.000+00:00',
    IsCompleted: true,
    Links: {},
  }
}

/** Makes a script task and waits for its end. */
async function ran(setting: Setting, script: string): Promise<string> {
  const { status, json } = await setting.post('/api/tasks', adHoc(setting, script))
  assert.equal(status, 201)
  const id = String(json.Id)
  await finished(setting.server.store, id)
  return id
}

interface StreamEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: Json
}

function parseEvents(text: string): StreamEvent[] {
  return text.split('\n\n').flatMap(block => {
    const fields = new Map(
      block.split('\n').flatMap(line => {
        const at = line.indexOf(': ')
        return at > 0 ? [[line.slice(0, at), line.slice(at + 2)] as const] : []
      }),
    )
    const event = fields.get('event')
    return event === undefined
      ? []
      : [{ event, id: fields.get('id'), data: JSON.parse(fields.get('data') ?? '{}') }]
  })
}

describe('the routes of tasks', () => {
  test('make a task and show it as clients expect it', async t => {
    const setting = await setUp(t)
    const { status, json } = await setting.post('/api/tasks', adHoc(setting, 'echo hello'))
    assert.equal(status, 201)
    assert.equal(json.Id, 'ServerTasks-1')
    assert.equal(json.Name, 'AdHocScript')
    assert.equal(json.State, 'Queued')
    assert.equal(json.Completed, 'Queued...')
    assert.deepEqual([json.IsCompleted, json.FinishedSuccessfully, json.CanRerun], [false, false, true])
    const links = json.Links as Json
    assert.equal(links.Self, '/api/tasks/ServerTasks-1')
    assert.equal(links.Details, '/api/tasks/ServerTasks-1/details{?verbose,tail}')
    assert.equal(links.Web, `/app#/${setting.spaceId}/tasks/ServerTasks-1`)
    await finished(setting.server.store, 'ServerTasks-1')
    const done = (await setting.get(`/api/${setting.spaceId}/tasks/ServerTasks-1`)).json
    assert.deepEqual([done.State, done.IsCompleted, done.FinishedSuccessfully], ['Success', true, true])
    assert.match(String(done.Completed), /^[A-Z][a-z]+day, \d\d [A-Z][a-z]+ \d{4} \d{1,2}:\d\d [AP]M$/)
    assert.match(String(done.Duration), /^\d+ seconds?$/)
    assert.match(String(done.CompletedTime), /^\d{4}-.*\+00:00$/)
  })

  test('refuse what cannot be a task, and say what is wrong', async t => {
    const setting = await setUp(t)
    const unknown = await setting.post('/api/tasks', { Name: 'Sing', Arguments: {} })
    assert.equal(unknown.status, 400)
    assert.match(String(unknown.json.Errors), /no kind of task named 'Sing'/)
    const deploy = await setting.post('/api/tasks', {
      Name: 'Deploy',
      Arguments: { DeploymentId: 'Deployments-1' },
    })
    assert.equal(deploy.status, 400)
    const noScript = await setting.post('/api/tasks', {
      Name: 'AdHocScript',
      Arguments: { MachineIds: ['Machines-1'] },
    })
    assert.match(String(noScript.json.Errors), /ScriptBody is missing/)
    assert.equal((await setting.get('/api/tasks/ServerTasks-99')).status, 404)
    assert.equal((await setting.get('/api/tasks/ServerTasks-99/raw')).status, 404)
    assert.equal((await setting.get('/api/tasks/ServerTasks-99/events')).status, 404)
    assert.equal((await setting.get('/api/tasks/nonsense/details')).status, 404)
  })

  test('list tasks by ids, state and space, newest first, with counts', async t => {
    const setting = await setUp(t)
    await ran(setting, 'echo one')
    await ran(setting, 'exit 1')
    const idsOf = async (query: string): Promise<unknown> =>
      ((await setting.get(`/api/tasks?${query}`)).json.Items as Json[]).map(task => task.Id)
    assert.deepEqual(await idsOf(''), ['ServerTasks-2', 'ServerTasks-1'])
    assert.deepEqual(await idsOf('ids=ServerTasks-1,ServerTasks-77'), ['ServerTasks-1'])
    assert.deepEqual(await idsOf('states=failed'), ['ServerTasks-2'])
    assert.deepEqual(await idsOf('active=True&take=10'), [])
    assert.deepEqual(await idsOf(`spaces=${setting.spaceId}&includeSystem=False`), [
      'ServerTasks-2',
      'ServerTasks-1',
    ])
    assert.deepEqual(await idsOf('spaces=Spaces-9&includeSystem=False'), [])
    assert.deepEqual(await idsOf('name=adhocscript&take=1&skip=1'), ['ServerTasks-1'])
    const { json } = await setting.get('/api/tasks?take=1')
    assert.equal(json.TotalResults, 2)
    assert.deepEqual(json.TotalCounts, {
      Queued: 0,
      Executing: 0,
      Failed: 1,
      Canceled: 0,
      TimedOut: 0,
      Success: 1,
      Cancelling: 0,
      Interrupted: 0,
    })
    assert.ok('Page.Next' in (json.Links as Json))
    const ofMachine = (await setting.get(`/api/${setting.spaceId}/machines/${setting.machine.id}/tasks`)).json
    assert.equal(ofMachine.TotalResults, 2)
  })

  test('give details: the tree, the last lines of each node, a gap for the rest', async t => {
    const setting = await setUp(t)
    const id = await ran(
      setting,
      'for i in 1 2 3 4 5; do echo $i; done; echo "##octopus[stdout-verbose]"; echo quiet',
    )
    const nodeOf = async (query: string): Promise<Json[]> => {
      const { json } = await setting.get(`/api/tasks/${id}/details?${query}`)
      const [root] = json.ActivityLogs as Json[]
      const [child] = (root?.Children ?? []) as Json[]
      assert.equal(root?.Name, 'Say hello')
      assert.equal(child?.Name, 'Run script on: web01')
      assert.equal(child?.Status, 'Success')
      return (child?.LogElements ?? []) as Json[]
    }
    const texts = (lines: readonly Json[]): unknown => lines.map(line => line.MessageText)
    assert.deepEqual(texts(await nodeOf('verbose=True')), ['1', '2', '3', '4', '5', 'quiet'])
    assert.deepEqual(texts(await nodeOf('')), ['1', '2', '3', '4', '5'])
    const [gap, ...last] = await nodeOf('verbose=false&tail=2')
    assert.deepEqual([gap?.Category, gap?.MessageText], ['Gap', '3 earlier lines are not shown.'])
    assert.deepEqual(texts(last), ['4', '5'])
    const { json } = await setting.get(`/api/tasks/${id}/details`)
    assert.equal(json.Id, `${id}/details`)
    assert.deepEqual(json.Progress, { ProgressPercentage: 100, EstimatedTimeRemaining: '' })
    assert.equal((json.Task as Json).Id, id)
    assert.ok(Number(json.PhysicalLogSize) > 5)
    // The same nodes have the same ids in every answer.
    const again = (await setting.get(`/api/tasks/${id}/details`)).json
    assert.deepEqual(again.ActivityLogs, json.ActivityLogs)
  })

  test('give the raw log in the form that tools read', async t => {
    const setting = await setUp(t)
    const id = await ran(setting, 'echo hello; echo "a: é" >&2')
    const { text } = await setting.get(`/api/tasks/${id}/raw`)
    assert.match(text, /^Task ID: {8}ServerTasks-1\nTask status: {4}Success\nTask queued: /)
    assert.match(text, /\n\n {20}\| == Success: Say hello ==\n/)
    assert.match(text, /\n {20}\| {3}== Success: Run script on: web01 ==\n/)
    assert.match(text, /\n\d\d:\d\d:\d\d {3}Info {5}\| {5,}hello\n/)
    assert.match(text, /\n\d\d:\d\d:\d\d {3}Error {4}\| {5,}a: é\n/)
  })

  test('cancel, run again, override the state, and tell what a task waits for', async t => {
    const setting = await setUp(t)
    const { json: made } = await setting.post('/api/tasks', adHoc(setting, 'echo started; sleep 600'))
    const id = String(made.Id)
    const log = createTaskLogRepository(setting.server.store.db)
    await until('it runs', async () => (await log.lines(id, 0, 10)).some(line => line.text === 'started'))
    const canceled = await setting.post(`/api/tasks/${id}/cancel`)
    assert.deepEqual([canceled.status, canceled.json.State], [200, 'Cancelling'])
    const early = await setting.post(`/api/tasks/${id}/state`, { state: 'Failed', reason: 'because' })
    assert.equal(early.status, 409)
    await finished(setting.server.store, id)
    assert.equal((await setting.post(`/api/tasks/${id}/cancel`)).json.State, 'Canceled')
    const overridden = await setting.post(`/api/tasks/${id}/state`, { state: 'Failed', reason: 'because' })
    assert.deepEqual([overridden.json.State, overridden.json.ErrorMessage], ['Failed', 'because'])
    assert.equal((await setting.post(`/api/tasks/${id}/state`, { state: 'Queued' })).status, 400)
    const again = await setting.post(`/api/tasks/rerun/${id}`)
    assert.equal(again.json.Id, 'ServerTasks-2')
    assert.deepEqual((await setting.get('/api/tasks/ServerTasks-2/queued-behind')).json.Items, [])
    await setting.post('/api/tasks/ServerTasks-2/cancel')
    await finished(setting.server.store, 'ServerTasks-2')
    const types = JSON.parse((await setting.get('/api/tasks/taskTypes')).text)
    assert.deepEqual(
      types.map((type: Json) => type.Id),
      ['AdHocScript', 'Health', 'Deploy'],
    )
  })
})

describe('the event stream of a task', () => {
  test('replays a finished task and ends with it', async t => {
    const setting = await setUp(t)
    const id = await ran(setting, 'echo one; echo two')
    const events = parseEvents((await setting.get(`/api/tasks/${id}/events`)).text)
    const logs = events.filter(({ event }) => event === 'log')
    assert.deepEqual(
      logs.map(({ data }) => data.messageText),
      ['one', 'two'],
    )
    assert.deepEqual(
      logs.map(({ id: eventId }) => eventId),
      logs.map(({ data }) => String(data.sequence)),
    )
    const activities = new Map(
      events.filter(({ event }) => event === 'activity').map(({ data }) => [data.id, data]),
    )
    assert.equal(activities.get(logs[0]?.data.activityId)?.name, 'Run script on: web01')
    const last = events.at(-1)
    assert.equal(last?.event, 'task')
    assert.deepEqual([last?.data.state, last?.data.isCompleted], ['Success', true])
  })

  test('goes on after Last-Event-ID', async t => {
    const setting = await setUp(t)
    const id = await ran(setting, 'for i in $(seq 1000); do echo $i; done')
    const all = parseEvents((await setting.get(`/api/tasks/${id}/events`)).text).filter(
      ({ event }) => event === 'log',
    )
    assert.equal(all.length, 1_000)
    const answer = await fetch(`${setting.url}/api/tasks/${id}/events`, {
      headers: { ...setting.headers, 'Last-Event-ID': all[989]?.id ?? '' },
    })
    assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/)
    const rest = parseEvents(await answer.text()).filter(({ event }) => event === 'log')
    assert.deepEqual(
      rest.map(({ data }) => data.messageText),
      Array.from({ length: 10 }, (_, index) => String(991 + index)),
    )
  })

  test('gives lines while the script runs, and ends when the server closes', async t => {
    const setting = await setUp(t)
    const { json } = await setting.post('/api/tasks', adHoc(setting, 'echo first; sleep 600'))
    const answer = await fetch(`${setting.url}/api/tasks/${json.Id}/events`, { headers: setting.headers })
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    assert.ok(reader)
    let text = ''
    while (!text.includes('"messageText":"first"')) {
      const { value, done } = await reader.read()
      assert.equal(done, false)
      text += value
    }
    const closed = setting.closeWeb()
    let isDone = false
    while (!isDone) isDone = (await reader.read()).done
    await closed
    await setting.server.tasks.cancel(String(json.Id))
    await finished(setting.server.store, String(json.Id))
  })

  test('waits for a client that does not read, and holds nothing in memory for it', async t => {
    const setting = await setUp(t)
    const id = await ran(setting, 'true')
    const log = createTaskLogRepository(setting.server.store.db)
    const [root] = await log.activities(id)
    assert.ok(root)
    const line: LogLineDraft = {
      category: 'Info',
      occurredAt: new Date().toISOString(),
      text: 'x'.repeat(1_000),
    }
    for (let part = 0; part < 10; part++)
      await log.append(
        root.id,
        Array.from({ length: 5_000 }, () => line),
      )
    const asked = request(`${setting.url}/api/tasks/${id}/events`, { headers: setting.headers })
    asked.end()
    const [answer] = await once(asked, 'response')
    const before = process.memoryUsage().arrayBuffers
    // Nothing is read for a while: the server may fill the buffers of the sockets, but must not read the log ahead.
    for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve))
    assert.ok(process.memoryUsage().arrayBuffers - before < 20_000_000)
    let bytes = 0
    for await (const chunk of answer) bytes += chunk.length
    assert.ok(bytes > 50_000_000)
  })
})

describe('the event stream of lists', () => {
  test('tells of tasks and machines that change', async t => {
    const setting = await setUp(t)
    const answer = await fetch(`${setting.url}/api/events/live`, { headers: setting.headers })
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    assert.ok(reader)
    let text = ''
    const readUntil = async (wanted: () => boolean): Promise<void> => {
      while (!wanted()) {
        const { value, done } = await reader.read()
        assert.equal(done, false)
        text += value
      }
    }
    await readUntil(() => text.includes(': still here'))
    setting.server.hub.publish({ kind: 'machine', machineId: setting.machine.id, change: 'changed' })
    await ran(setting, 'echo hi')
    await readUntil(() =>
      parseEvents(text).some(({ event, data }) => event === 'task' && data.state === 'Success'),
    )
    const machine = parseEvents(text).find(({ event }) => event === 'machine')
    assert.deepEqual(
      [machine?.data.id, machine?.data.name, machine?.data.healthStatus],
      [setting.machine.id, 'web01', 'Unknown'],
    )
    await reader.cancel()
  })
})
