import assert from 'node:assert/strict'
import { stat, utimes, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { ScriptServiceV2 } from '@tentacle/contracts'
import { defineService, HalibutError, method, types } from '@tentacle/halibut'
import { until } from '@tentacle/testkit'
import {
  capabilitiesOf,
  listeningEndpoint,
  openServer,
  runScript,
  serverCertificate,
  startAgent,
} from './agent-rig.ts'
import { createRig, openInput } from './rig.ts'
import { startCommand } from './script-agent.ts'

describe('a listening agent', () => {
  test('runs the script of a server that it trusts, with the environment that scripts rely on', async t => {
    const certificate = await serverCertificate()
    const agent = await startAgent(t, {
      configure: ['--trust', certificate.thumbprint, '--app', '/tmp/tentacle-test-applications'],
      env: { PATH: process.env.PATH ?? '', INHERITED: 'yes' },
    })
    const halibut = openServer(t, certificate)
    const endpoint = listeningEndpoint(agent)
    assert.deepEqual((await capabilitiesOf(halibut, endpoint)).slice(0, 3), [
      'IScriptService',
      'IFileTransferService',
      'IScriptServiceV2',
    ])
    const { exitCode, printed } = await runScript(
      halibut,
      endpoint,
      'env | grep -E "^(Tentacle|Calamari|Agent|INHER)"; exit 3',
    )
    assert.equal(exitCode, 3)
    const variables = new Map(
      printed.filter(line => line.includes('=')).map(line => line.split('=') as [string, string]),
    )
    const home = agent.rig.at('home')
    for (const [name, value] of [
      ['TentacleHome', home],
      ['TentacleApplications', '/tmp/tentacle-test-applications'],
      ['TentacleJournal', `${home}/DeploymentJournal.xml`],
      ['CalamariPackageRetentionJournalPath', `${home}/PackageRetentionJournal.json`],
      ['TentacleInstanceName', 'T'],
      ['TentacleExecutablePath', '/opt/octopus/tentacle/Tentacle'],
      ['TentacleProgramDirectoryPath', '/opt/octopus/tentacle'],
      ['AgentProgramDirectoryPath', '/opt/octopus/tentacle'],
      ['TentacleVersion', '9.2.0'],
      ['TentacleCertificateSignatureAlgorithm', 'sha256RSA'],
      ['TentacleUseDefaultProxy', 'True'],
      ['TentacleProxyPort', '80'],
      ['INHERITED', 'yes'],
    ]) {
      assert.equal(variables.get(name ?? ''), value, name)
    }
  })

  test('tentacle 12.36: runs and listens while it trusts nobody, and runs when it neither listens nor polls', async t => {
    const listening = await startAgent(t)
    assert.ok(listening.port > 0)
    const idle = await startAgent(t, { configure: ['--noListen=True'] })
    assert.equal(idle.port, 0)
    assert.match(idle.command.stdout(), /Agent will not listen on any TCP ports/)
    idle.command.signal('SIGTERM')
    assert.equal((await idle.command.ended).exitCode, 0)
  })

  test('turns away who is not trusted, says who, and obeys at once when trust changes', async t => {
    const certificate = await serverCertificate()
    const agent = await startAgent(t)
    assert.match(agent.command.stdout(), /The agent is not configured to trust any Octopus Servers\./)
    const halibut = openServer(t, certificate)
    const endpoint = listeningEndpoint(agent)
    await assert.rejects(capabilitiesOf(halibut, endpoint), HalibutError)
    await agent.command.printed(`configure --trust=${certificate.thumbprint}`)
    assert.match(
      agent.command.stdout(),
      new RegExp(`127\\.0\\.0\\.1.*${certificate.thumbprint} is not trusted`),
    )

    await agent.rig.run(['configure', '--instance=T', '--trust', certificate.thumbprint])
    await agent.command.printed(
      `Agent will trust Octopus Servers with the thumbprint: ${certificate.thumbprint}`,
    )
    assert.equal((await capabilitiesOf(halibut, endpoint)).includes('IScriptServiceV2'), true)

    await agent.rig.run(['configure', '--instance=T', '--reset-trust'])
    await agent.command.printed(`with the thumbprint any more: ${certificate.thumbprint}`)
    await assert.rejects(capabilitiesOf(halibut, endpoint), HalibutError)
  })

  test('keeps whom it trusts when the settings are damaged while it runs', async t => {
    const certificate = await serverCertificate()
    const agent = await startAgent(t, { configure: ['--trust', certificate.thumbprint] })
    await agent.rig.write('home/T.config', '<octopus-settings><set')
    await agent.command.printed('the trusted servers stay as they are')
    const halibut = openServer(t, certificate)
    assert.equal((await capabilitiesOf(halibut, listeningEndpoint(agent))).includes('IScriptService'), true)
  })

  test('tentacle 12.38: names the missing service to callers as they know it', async t => {
    const certificate = await serverCertificate()
    const agent = await startAgent(t, { configure: ['--trust', certificate.thumbprint] })
    const unknown = defineService('INoSuchService', { ask: method([], types.text) })
    const call = openServer(t, certificate).client(unknown, listeningEndpoint(agent)).ask()
    await assert.rejects(call, (error: unknown) => {
      assert.ok(error instanceof HalibutError)
      const told = `${error.message} ${error.details.remoteDetails} ${error.details.remoteType}`
      return told.includes('Octopus.Tentacle.Communications.UnknownServiceNameException')
    })
  })

  test('shows browsers and health probes a page that can do no harm', async t => {
    const { port } = await startAgent(t)
    const { statusCode, headers, body } = await get(port)
    assert.equal(statusCode, 200)
    assert.match(body, /Tentacle/)
    assert.doesNotMatch(body, /<script/)
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['x-frame-options'], 'DENY')
    for (const name of ['content-security-policy', 'x-xss-protection', 'strict-transport-security'])
      assert.ok(headers[name], name)
  })

  test('goes on after garbage on its port', async t => {
    const certificate = await serverCertificate()
    const agent = await startAgent(t, { configure: ['--trust', certificate.thumbprint] })
    const { connect } = await import('node:net')
    const socket = connect(agent.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.end('\x00\x01\x02 this is neither TLS nor HTTP')
    await new Promise(resolve => socket.once('close', resolve))
    const halibut = openServer(t, certificate)
    assert.equal((await capabilitiesOf(halibut, listeningEndpoint(agent))).includes('IScriptService'), true)
  })
})

/** An instance `T` that polls a server of the test, until the test ends. */
async function startPolling(
  t: TestContext,
  place: (port: number) => readonly string[],
  configure: readonly string[] = [],
) {
  const certificate = await serverCertificate()
  const rig = await createRig(t)
  const paths = ['--config', rig.at('home/T.config'), '--home', rig.at('home')]
  await rig.run(['create-instance', '--instance', 'T', ...paths])
  await rig.run(['new-certificate', '--instance', 'T'])
  const { stdout: thumbprint } = await rig.run(['show-thumbprint', '--instance', 'T'])
  const halibut = openServer(t, certificate, [thumbprint])
  const { port } = await halibut.listen({ port: 0, host: '127.0.0.1', webSocketPath: '/agents' })
  const trust = ['--trust', certificate.thumbprint]
  await rig.run(['configure', '--instance=T', '--noListen=True', ...configure, ...trust])
  await rig.run(['server-comms', '--instance=T', '--style=TentacleActive', ...place(port)])
  const { stdout } = await rig.run(['show-configuration', '--instance', 'T'])
  const subscription = /poll:\/\/\w{20}\//.exec(stdout)?.[0] ?? ''
  const command = rig.start(['run', '--instance', 'T', '--noninteractive'], {
    env: { PATH: process.env.PATH ?? '' },
  })
  t.after(async () => {
    command.signal('SIGTERM')
    await command.ended
  })
  await command.printed('LivenessHeartbeatTask.Start(): Starting')
  return { rig, command, halibut, certificate, subscription, port }
}

describe('a polling agent', () => {
  for (const { over, place, address } of [
    {
      over: 'TLS',
      place: (port: number) => ['--host=127.0.0.1', `--port=${port}`],
      address: (port: number) => `https://127\\.0\\.0\\.1:${port}/`,
    },
    {
      over: 'web sockets',
      place: (port: number) => [`--web-socket=wss://127.0.0.1:${port}/agents`],
      address: (port: number) => `wss://127\\.0\\.0\\.1:${port}/agents`,
    },
  ]) {
    test(`takes work from a server that it polls over ${over}, with as many connections as it was told to hold`, async t => {
      const { command, halibut, certificate, subscription, port } = await startPolling(t, place, [
        '--pollingConnectionCount=2',
      ])
      assert.match(
        command.stdout(),
        new RegExp(
          `Agent will poll Octopus Server at ${address(port)} for subscription ${subscription} ` +
            `expecting thumbprint ${certificate.thumbprint}\\nStarting 2 polling connections\\nAgent will not listen on any TCP ports`,
        ),
      )
      const { exitCode, printed } = await runScript(halibut, { baseUri: subscription }, 'echo polled')
      assert.equal(exitCode, 0)
      assert.ok(printed.includes('polled'))
    })
  }

  test('answers short calls on its one connection while a long one keeps it', async t => {
    const { halibut, subscription, rig } = await startPolling(t, port => [
      `--host=127.0.0.1`,
      `--port=${port}`,
    ])
    const service = halibut.client(ScriptServiceV2, { baseUri: subscription })
    const command = startCommand(`until [ -e '${rig.at('go')}' ]; do sleep 0.05; done; exit 5`, {
      durationToWaitForScriptToFinish: 60_000,
    })
    const started = service.startScript(command)
    assert.ok((await capabilitiesOf(halibut, { baseUri: subscription })).includes('IScriptServiceV2'))
    await writeFile(rig.at('go'), '')
    const { state, exitCode } = await started
    assert.deepEqual([state, exitCode], ['Complete', 5])
  })

  for (const [value, connections] of [
    ['0', 1],
    ['600', 512],
    ['nonsense', 1],
  ] as const) {
    test(`tentacle 12.37: holds ${connections} connections when TentaclePollingConnectionCount is ${value}`, async t => {
      const rig = await createRig(t)
      await rig.run([
        'create-instance',
        '--instance',
        'T',
        '--config',
        rig.at('T.config'),
        '--home',
        rig.root,
      ])
      await rig.run(['configure', '--instance=T', '--noListen=True', '--trust', 'B'.repeat(40)])
      await rig.run([
        'server-comms',
        '--instance=T',
        '--style=TentacleActive',
        '--host=127.0.0.1',
        '--port=9',
      ])
      const command = rig.start(['run', '--instance', 'T', '--noninteractive'], {
        env: { TentaclePollingConnectionCount: value },
      })
      await command.printed(`Starting ${connections} polling connections`)
      await command.printed('LivenessHeartbeatTask.Start(): Starting')
      command.signal('SIGTERM')
      assert.equal((await command.ended).exitCode, 0)
    })
  }
})

describe('the end of an agent', () => {
  const stopLines = [
    'WorkspaceCleanerTask.Stop(): Stopping',
    'WorkspaceCleanerTask.Stop(): Stopped',
    'LivenessHeartbeatTask.Stop(): Stopping',
    'LivenessHeartbeatTask.Stop(): Stopped',
    'LivenessHeartbeatTask.Dispose(): Disposing',
    'WorkspaceCleanerTask.Dispose(): Disposing',
  ]

  test('by a signal: in order, exit code 0', async t => {
    const { command, port } = await startAgent(t)
    command.signal('SIGINT')
    const { exitCode, stdout } = await command.ended
    assert.equal(exitCode, 0)
    const end = [...stopLines, `${`listen://127.0.0.1:${port}/`.padEnd(28)}      1  Listener stopped`, '']
    assert.ok(stdout.endsWith(end.join('\n')), stdout)
    assert.doesNotMatch(stdout, /Press <enter>/)
  })

  test('by Enter in a terminal, not by other keys', async t => {
    const stdin = openInput()
    const { command } = await startAgent(t, { run: [], stdin })
    await command.printed('Running. Press <enter> to shut down...')
    stdin.write('abc')
    stdin.write('\n')
    const { exitCode, stdout } = await command.ended
    assert.equal(exitCode, 0)
    assert.ok(stdout.includes(`Running. Press <enter> to shut down...\n\n${stopLines[0]}`))
  })

  test('by the end of standard input', async t => {
    const stdin = openInput()
    const { command } = await startAgent(t, { run: ['--console'], stdin })
    await command.printed('Running. Press <enter> to shut down...')
    stdin.end()
    assert.equal((await command.ended).exitCode, 0)
  })

  test('leaves scripts running, and the next agent brings their result', async t => {
    const certificate = await serverCertificate()
    const agent = await startAgent(t, {
      configure: ['--trust', certificate.thumbprint],
      env: { PATH: process.env.PATH ?? '' },
    })
    const halibut = openServer(t, certificate)
    const marker = agent.rig.at('go-on')
    const started = startCommand(
      `echo before; until [ -e '${marker}' ]; do sleep 0.05; done; echo after; exit 7`,
    )
    const { scriptTicket } = started
    await halibut.client(ScriptServiceV2, listeningEndpoint(agent)).startScript(started)
    agent.command.signal('SIGTERM')
    assert.equal((await agent.command.ended).exitCode, 0)
    await agent.rig.write('go-on', '')

    const next = agent.rig.start(['run', '--instance', 'T', '--noninteractive'], {
      env: { PATH: process.env.PATH ?? '' },
    })
    t.after(async () => {
      next.signal('SIGTERM')
      await next.ended
    })
    await next.printed('LivenessHeartbeatTask.Start(): Starting')
    const port = Number(/Agent listening on: .*:(\d+)/.exec(next.stdout())?.[1])
    const service = halibut.client(ScriptServiceV2, listeningEndpoint({ ...agent, port }))
    const status = await until('the script is complete', async () => {
      const answer = await service.getStatus({ ticket: scriptTicket, lastLogSequence: 0 })
      return answer.state === 'Complete' && answer
    })
    assert.equal(status.exitCode, 7)
    const printed = status.logs.filter(({ source }) => source === 'StdOut').map(({ text }) => text)
    assert.deepEqual([printed.includes('before'), printed.includes('after')], [true, true])
  })
})

describe('an agent that cannot start', () => {
  test('because its port is taken says which port and what to do, with exit code 100', async t => {
    const other = createServer()
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    t.after(() => other.close())
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : 0
    const rig = await createRig(t)
    await rig.run(['create-instance', '--instance', 'T', '--config', rig.at('T.config'), '--home', rig.root])
    await rig.run(['configure', '--instance=T', `--port=${port}`, '--listenIpAddress=127.0.0.1'])
    const { exitCode, stderr } = await rig.run(['run', '--instance', 'T', '--noninteractive'])
    assert.equal(exitCode, 100)
    assert.match(
      stderr,
      new RegExp(`Port ${port} of 127\\.0\\.0\\.1 is used by another program.*configure --port=`),
    )
  })

  test('because its certificate is damaged says what to do', async t => {
    const rig = await createRig(t)
    await rig.run(['create-instance', '--instance', 'T', '--config', rig.at('T.config'), '--home', rig.root])
    await rig.run(['new-certificate', '--instance', 'T'])
    const config = await rig.read('T.config')
    await rig.write('T.config', config.replace(/(Tentacle\.Certificate">).{64}/, '$1AAAA'))
    const { exitCode, stderr } = await rig.run(['run', '--instance', 'T', '--noninteractive'])
    assert.equal(exitCode, 100)
    assert.match(stderr, /new-certificate|import the certificate/)
  })
})

test('tentacle 12.35: livez is content while the agent runs, and not when its heartbeat is old', async t => {
  const { rig } = await startAgent(t)
  const heartbeat = rig.at('home/livez.heartbeat')
  await until('there is a heartbeat', () =>
    stat(heartbeat).then(
      () => true,
      () => false,
    ),
  )
  assert.deepEqual(await rig.run(['livez', '--instance', 'T']), { exitCode: 0, stdout: '', stderr: '' })
  await utimes(heartbeat, new Date(), new Date(Date.now() - 90_000))
  const stale = await rig.run(['livez', '--instance', 'T'])
  assert.equal(stale.exitCode, 1)
  assert.match(stale.stderr, /90s ago/)
})

async function get(port: number) {
  const { promise, resolve, reject } = Promise.withResolvers<{
    statusCode: number | undefined
    headers: Readonly<Record<string, string | string[] | undefined>>
    body: string
  }>()
  const sent = request({ port, host: '127.0.0.1', rejectUnauthorized: false, agent: false }, response => {
    let body = ''
    response.setEncoding('utf8').on('data', chunk => {
      body += chunk
    })
    response.on('end', () => resolve({ statusCode: response.statusCode, headers: response.headers, body }))
  })
  sent.on('error', reject).end()
  return await promise
}
