import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { createCertificate } from '@tentacle/halibut'
import { startTestAgent, type TestAgent, type TestAgentOptions, until } from '@tentacle/testkit'
import { type Agents, createAgents } from '../src/agents/agents.ts'
import { createVault } from '../src/config/master-key.ts'
import type { Store } from '../src/db/store.ts'
import { isServerError } from '../src/errors.ts'
import { createEventHub } from '../src/live/event-hub.ts'
import type { Environment } from '../src/model/environment.ts'
import { addMachine, addSpace, newServerHome, openServerStore } from './task-server.ts'

interface Setting {
  readonly agents: Agents
  readonly store: Store
  readonly environment: Environment
  readonly port: number
  readonly warnings: readonly {
    readonly facts: Readonly<Record<string, unknown>>
    readonly message: string
  }[]
  agent(options?: Partial<TestAgentOptions>): Promise<TestAgent>
}

async function setUp(t: TestContext): Promise<Setting> {
  const folder = await mkdtemp(join(tmpdir(), 'server-'))
  const home = await newServerHome(folder)
  const store = await openServerStore(home)
  const { environment } = await addSpace(store)
  const warnings: { facts: Readonly<Record<string, unknown>>; message: string }[] = []
  const agents = await createAgents({
    certificate: home.certificate,
    store,
    vault: createVault(home.masterKey),
    hub: createEventHub(),
    logger: {
      debug() {},
      info() {},
      warn: (facts, message) => warnings.push({ facts: { ...facts }, message }),
      error() {},
    },
  })
  const { port } = await agents.listen({ port: 0, host: '127.0.0.1' })
  const closing = [() => rm(folder, { recursive: true }), () => store.db.destroy(), () => agents.close()]
  t.after(async () => {
    for (const close of closing.reverse()) await close()
  })
  return {
    agents,
    store,
    environment,
    port,
    warnings,
    async agent(options = {}) {
      const agent = await startTestAgent({ trust: home.certificate.thumbprint, ...options })
      closing.push(() => agent.stop())
      return agent
    },
  }
}

/** What the port answers to a web client. */
function ask(
  port: number,
  method: string,
  path: string,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path, rejectUnauthorized: false }, answer => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', chunk => {
        text += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    })
    asked.on('error', reject)
    asked.end()
  })
}

const noRetries = { enabled: false, durationMs: 0 }
const call = { signal: new AbortController().signal, report: async () => undefined, retries: noRetries }

describe('the communication port', () => {
  test('answers 200 to the handshake of a registering Tentacle, and a page to a browser', async t => {
    const { port } = await setUp(t)
    assert.equal((await ask(port, 'POST', '/handshake')).status, 200)
    const page = await ask(port, 'GET', '/')
    assert.equal(page.status, 200)
    assert.match(page.text, /This port is for Tentacles/)
  })

  test('turns strangers away and tells the operator who they are, once', async t => {
    const { port, warnings, agent } = await setUp(t)
    const stranger = await agent({
      polls: { server: `https://127.0.0.1:${port}/`, subscription: 'poll://stranger/' },
    })
    await until('the operator is told', () => warnings.length > 0)
    assert.equal(warnings[0]?.facts.thumbprint, stranger.thumbprint)
    assert.match(String(warnings[0]?.facts.address), /127\.0\.0\.1/)
    await stranger.goOffline()
    await stranger.goOnline()
    // Whoever comes after the stranger's second attempt is told of.
    const other = await agent({
      polls: { server: `https://127.0.0.1:${port}/`, subscription: 'poll://other/' },
    })
    await until('the next stranger is told of', () =>
      warnings.some(({ facts }) => facts.thumbprint === other.thumbprint),
    )
    assert.equal(warnings.filter(({ facts }) => facts.thumbprint === stranger.thumbprint).length, 1)
  })

  test('trusts a machine from the moment it is stored until it is deleted, then cuts it off', async t => {
    const { agents, store, environment, port, agent } = await setUp(t)
    const polling = await agent({
      polls: { server: `https://127.0.0.1:${port}/`, subscription: 'poll://abc/' },
    })
    const machine = await addMachine(store, polling, { name: 'poll01', environment, subscription: 'ABC' })
    assert.equal(agents.isPolling(machine), false)
    await agents.refreshTrust()
    await until('it is connected', () => agents.isPolling(machine), { timeoutMs: 30_000 })
    const tentacle = await agents.tentacle(machine)
    assert.equal((await tentacle.checkConnection(call)).scripts, 'V2')
    await store.machines.delete(machine.id)
    await agents.refreshTrust()
    await until('it is cut off', () => !agents.isPolling(machine))
    assert.deepEqual(
      agents.connectionLog(machine.id).map(line => line.category),
      ['Info'],
    )
  })

  test('gives the work of a subscription only to the certificate that it belongs to', async t => {
    const { agents, store, environment, port, warnings, agent } = await setUp(t)
    const owner = await agent()
    const thief = await agent({
      polls: { server: `https://127.0.0.1:${port}/`, subscription: 'poll://owner/' },
    })
    const machine = await addMachine(store, owner, { name: 'owner', environment, subscription: 'owner' })
    await addMachine(store, thief, { name: 'thief', environment, subscription: 'thief' })
    await agents.refreshTrust()
    await until(
      'the operator is told',
      () => warnings.some(({ message }) => message.includes('subscription')),
      {
        timeoutMs: 30_000,
      },
    )
    assert.equal(agents.isPolling(machine), false)
    const tentacle = await agents.tentacle(machine)
    const soon = { ...call, signal: AbortSignal.timeout(500) }
    await assert.rejects(tentacle.checkConnection(soon))
    assert.equal(thief.scripts.calls.size, 0)
  })
})

describe('discovery', () => {
  test('tells the certificate of a listening Tentacle', async t => {
    const { agents, agent } = await setUp(t)
    const { port, thumbprint } = await agent()
    assert.equal(await agents.discover({ host: '127.0.0.1', port }), thumbprint)
  })

  test('says what to look at when nothing answers', async t => {
    const { agents, agent } = await setUp(t)
    const gone = await agent()
    await gone.goOffline()
    await assert.rejects(
      agents.discover({ host: '127.0.0.1', port: gone.port }),
      error => isServerError(error, 'ERR_MACHINE_UNREACHABLE') && /firewalls/.test(error.message),
    )
  })
})

describe('a call to a listening machine', () => {
  test('with another certificate than the registered one is refused and not repeated', async t => {
    const { agents, store, environment, agent } = await setUp(t)
    const { port } = await agent()
    const { thumbprint } = await createCertificate({ commonName: 'somebody else' })
    const machine = await addMachine(store, { port, thumbprint }, { name: 'web01', environment })
    const reports: string[] = []
    const tentacle = await agents.tentacle(machine)
    await assert.rejects(
      tentacle.checkConnection({
        signal: call.signal,
        report: async (_category, text) => {
          reports.push(text)
        },
      }),
      /certificate|thumbprint/i,
    )
    assert.deepEqual(reports, [])
  })
})
