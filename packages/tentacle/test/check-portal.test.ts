import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { after, before, describe, type TestContext, test } from 'node:test'
import {
  agentThumbprint,
  createAgentRig,
  demand,
  freePort,
  pollFrom,
  runCheck,
  serverThumbprint,
} from './check-rig.ts'
import { close, listen, type StandInServer, startStandInServer } from './stand-in-server.ts'

let server: StandInServer
before(async () => {
  server = await startStandInServer()
})
after(() => server.close())

const apiKey = '--apiKey=API-SECRET-1234'

/** A listening instance that fits to the machine that the stand-in knows. */
async function registeredRig(t: TestContext) {
  server.answers = {}
  const rig = await createAgentRig(t)
  await demand(rig, 'configure', '--instance=T', `--trust=${serverThumbprint}`, `--port=${await freePort()}`)
  return rig
}

function portal(): string {
  return `--server=http://localhost:${server.httpPort}`
}

const noWorkers = { 'GET /api/Spaces-1/workers/all': { status: 200, body: [] } }

/** A machine as the server lists it. */
function machines(endpoint: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}) {
  const Endpoint = { CommunicationStyle: 'TentacleActive', Thumbprint: agentThumbprint, ...endpoint }
  return {
    status: 200,
    body: [{ Name: 'web-1', HealthStatus: 'Healthy', IsDisabled: false, Endpoint, ...more }],
  }
}

async function startPortal(t: TestContext, listener: RequestListener): Promise<string> {
  const started = createServer(listener)
  t.after(() => close(started))
  return `--server=http://127.0.0.1:${await listen(started)}`
}

describe('check of the web portal', () => {
  test('without an address it is left out, with the best guess of one', async t => {
    const rig = await createAgentRig(t)
    await pollFrom(rig, 'https://127.0.0.1:1')
    const { Status: status, Next: next } = (await runCheck(rig)).of('portal')
    assert.equal(status, 'skipped')
    assert.match(next ?? '', /--server=https:\/\/127\.0\.0\.1/)
  })

  test('tells version and clock of a server, and what only a user is told', async t => {
    const checked = await runCheck(await registeredRig(t), [portal()])
    assert.match(checked.of('portal').Detail, /Octopus Deploy 2026\.3\.0/)
    assert.equal(checked.of('clock').Status, 'ok', checked.of('clock').Detail)
    assert.equal(checked.of('registration').Status, 'skipped')
    assert.match(checked.of('registration').Next ?? '', /--apiKey/)
  })

  test('warns of a clock that is five minutes wrong', async t => {
    const server = await startPortal(t, (_, response) => {
      const Date_ = new Date(Date.now() - 300_000).toUTCString()
      response.writeHead(200, { Date: Date_, 'Content-Type': 'application/json' })
      response.end(JSON.stringify({ Application: 'Octopus Deploy', Version: '1', ApiVersion: '3.0.0' }))
    })
    const { Status: status, Detail: detail } = (await runCheck(await createAgentRig(t), [server])).of('clock')
    assert.equal(status, 'warning')
    assert.match(detail, /ahead by (299|30[01]) s/)
  })

  const others: readonly (readonly [string, RequestListener, RegExp, RegExp])[] = [
    [
      'a web server',
      (_, response) => response.setHeader('Server', 'nginx').end('<html>'),
      /HTTP 200, by nginx, and not as/,
      /portal opens/,
    ],
    [
      'a redirect',
      (_, response) => response.writeHead(302, { Location: 'https://b.example/octopus/api' }).end(),
      /redirects to/,
      /--server=https:\/\/b\.example\/octopus$/,
    ],
    ['a server that starts', (_, response) => response.writeHead(503).end(), /HTTP 503/, /starting/],
    [
      'a connection that breaks',
      (_, response) => response.destroy(),
      /cannot be reached/,
      /Check the address/,
    ],
  ]
  for (const [what, listener, detail, next] of others) {
    test(`${what} is told from a server`, async t => {
      const checked = await runCheck(await createAgentRig(t), [await startPortal(t, listener), apiKey])
      assert.equal(checked.of('portal').Status, 'failed')
      assert.match(checked.of('portal').Detail, detail)
      assert.match(checked.of('portal').Next ?? '', next)
      assert.equal(checked.of('registration').Status, 'skipped')
    })
  }

  test('a certificate that cannot be verified fails, and is a warning when it is to be ignored', async t => {
    const rig = await registeredRig(t)
    const https = `--server=https://localhost:${server.httpsPort}`
    const refused = (await runCheck(rig, [https])).of('portal')
    assert.equal(refused.Status, 'failed')
    assert.match(
      refused.Detail,
      new RegExp(`cannot be verified.*CN=Octopus Portal, thumbprint ${serverThumbprint}`),
    )
    assert.equal((await runCheck(rig, [https, '--ignoreSslErrors'])).of('portal').Status, 'warning')
  })
})

describe('check of the registration', () => {
  test('finds the machine, its health, and the certificate of the server', async t => {
    const checked = await runCheck(await registeredRig(t), [portal(), apiKey])
    assert.equal(checked.of('registration').Status, 'ok', checked.stdout)
    assert.match(
      checked.of('registration').Detail,
      /'agent-01' is a deployment target, is called at https:\/\/agent-01:10933\/.*Healthy/,
    )
    assert.equal(checked.of('thumbprint').Status, 'ok')
    // The address of the registration is tried, not the default one.
    assert.match(checked.of('public-address').Tried, /^agent-01:10933, under which it is registered/)
    assert.doesNotMatch(checked.stdout + checked.stderr, /API-SECRET/)
  })

  test('a server whose certificate is not trusted fails', async t => {
    server.answers = {}
    const checked = await runCheck(await createAgentRig(t), [portal(), apiKey])
    assert.equal(checked.of('thumbprint').Status, 'failed')
    assert.match(
      checked.of('thumbprint').Next ?? '',
      new RegExp(`configure --instance T --trust=${serverThumbprint}`),
    )
  })

  test('an agent that is not there fails, with the space that was looked at', async t => {
    const rig = await registeredRig(t)
    server.answers = { ...noWorkers, 'GET /api/Spaces-1/machines/all': { status: 200, body: [] } }
    const checked = await runCheck(rig, [portal(), apiKey])
    assert.match(
      checked.of('registration').Detail,
      new RegExp(`default space no machine .* ${agentThumbprint}`),
    )
    const space = await runCheck(rig, [portal(), apiKey, '--space=Nowhere'])
    assert.match(space.of('registration').Detail, /no space called "Nowhere"/)
  })

  test('what does not fit to how the agent is set up fails, and ill health is a warning', async t => {
    const rig = await registeredRig(t)
    const all = 'GET /api/Spaces-1/machines/all'
    server.answers = { ...noWorkers, [all]: machines({ Uri: 'poll://other/' }) }
    assert.match(
      (await runCheck(rig, [portal(), apiKey])).of('registration').Detail,
      /waits for poll:\/\/other\/, but this agent polls no server/,
    )
    server.answers = {
      ...noWorkers,
      [all]: machines(
        { CommunicationStyle: 'TentaclePassive', Uri: 'https://a:1/' },
        { HealthStatus: 'Unavailable', StatusSummary: 'no route' },
      ),
    }
    const unwell = (await runCheck(rig, [portal(), apiKey])).of('registration')
    assert.equal(unwell.Status, 'warning')
    assert.match(unwell.Detail, /Unavailable \(no route\)/)
    await demand(rig, 'configure', '--instance=T', '--noListen=True')
    assert.match(
      (await runCheck(rig, [portal(), apiKey])).of('registration').Detail,
      /wants to call it, but this agent does not listen/,
    )
  })

  test('an agent with a new certificate is recognised by its subscription', async t => {
    const rig = await registeredRig(t)
    await pollFrom(rig, 'https://127.0.0.1:1')
    const subscription = /poll:\/\/[a-z0-9]+\//.exec(await rig.read('home/T.config'))?.[0] ?? ''
    const old = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    server.answers = {
      ...noWorkers,
      'GET /api/Spaces-1/machines/all': machines({ Thumbprint: old, Uri: subscription }),
    }
    const { Status: status, Detail: detail } = (await runCheck(rig, [portal(), apiKey])).of('registration')
    assert.equal(status, 'failed')
    assert.match(detail, new RegExp(`'web-1' .*thumbprint there is ${old}`))
  })

  test('a key that the server does not know fails with its words', async t => {
    const rig = await registeredRig(t)
    server.answers = {
      'GET /api/users/me': { status: 401, body: { ErrorMessage: 'The key API-SECRET-1234 is unknown.' } },
    }
    const checked = await runCheck(rig, [portal(), apiKey])
    assert.equal(checked.of('registration').Status, 'failed')
    assert.match(checked.of('registration').Detail, /The key \*{8} is unknown\./)
  })
})

test('a password inside of an address is not shown', async t => {
  const server = `--server=http://me:hunter2-secret@127.0.0.1:${await freePort()}/octopus`
  const checked = await runCheck(await createAgentRig(t), [server])
  assert.match(checked.of('portal').Section, /^Web portal http:\/\/127\.0\.0\.1:\d+\/octopus$/)
  assert.equal(checked.of('portal').Status, 'failed')
  assert.doesNotMatch(checked.stdout + checked.stderr, /hunter2/)
})
