import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { describe, type TestContext, test } from 'node:test'
import { type Certificate, createHalibut, parseThumbprint } from '@tentacle/halibut'
import { serverCertificate, startAgent } from './agent-rig.ts'
import {
  agentThumbprint,
  createAgentRig,
  demand,
  freePort,
  pollFrom,
  runCheck,
  serverThumbprint,
  startBlackHole,
  startProxy,
  startTcp,
  startTls,
} from './check-rig.ts'
import { createRig } from './rig.ts'

/** A server that speaks Halibut; it trusts the agent of the fixtures or nobody. */
async function startHalibut(
  t: TestContext,
  trust: readonly string[],
): Promise<{ port: number; certificate: Certificate }> {
  const certificate = await serverCertificate()
  const halibut = createHalibut({ certificate, trust: trust.map(parseThumbprint) })
  t.after(() => halibut.close())
  const { port } = await halibut.listen({ port: 0, host: '127.0.0.1', webSocketPath: '/HalibutWebSocket' })
  return { port, certificate }
}

describe('check of an instance', () => {
  test('says that there is none, for programs and for people, and ends with 1', async t => {
    const rig = await createRig(t)
    const checked = await runCheck(rig)
    assert.equal(checked.exitCode, 1)
    assert.equal(checked.healthy, false)
    assert.equal(checked.of('settings').Status, 'failed')
    assert.match(checked.of('settings').Detail, /no default instance/)
    const text = await rig.run(['check'])
    assert.match(text.stdout, /FAILED {2}settings /)
    assert.equal(text.stderr, '1 check failed: settings; start with settings (Instance).\n')
  })

  test('finds nothing wrong with an agent that listens and runs', async t => {
    const port = await freePort()
    const agent = await startAgent(t, { configure: [`--port=${port}`, `--trust=${serverThumbprint}`] })
    const checked = await runCheck(agent.rig, ['--instance=T'])
    assert.equal(checked.exitCode, 0, checked.stdout)
    assert.equal(checked.healthy, true)
    for (const id of ['settings', 'home', 'work', 'secrets', 'certificate', 'trust', 'service', 'port'])
      assert.equal(checked.of(id).Status, 'ok', checked.of(id).Detail)
    assert.match(checked.of('certificate').Detail, new RegExp(agent.thumbprint))
    // Only this machine can reach it, and nobody knows its name.
    if (process.platform === 'linux') assert.match(checked.of('addresses').Detail, /only this machine/)
    assert.equal(checked.of('public-address').Status, 'warning')
  })

  test('tells that the agent does not run, and who has its port', async t => {
    const rig = await createAgentRig(t)
    const port = await startTls(t, 'server', socket => socket.resume())
    await demand(rig, 'configure', '--instance=T', `--port=${port}`, `--trust=${serverThumbprint}`)
    const checked = await runCheck(rig)
    assert.equal(checked.exitCode, 1)
    assert.match(checked.of('service').Detail, /no heartbeat/)
    assert.equal(checked.of('port').Status, 'failed')
    assert.match(checked.of('port').Detail, new RegExp(`${serverThumbprint} \\(CN=Octopus Portal`))
    const free = await freePort()
    await demand(rig, 'configure', '--instance=T', `--port=${free}`)
    assert.match((await runCheck(rig)).of('port').Detail, /Nobody listens/)
  })

  test('tells that another machine has encrypted the secrets', async t => {
    const rig = await createAgentRig(t)
    await rig.write('machine-id', 'ffffffffffffffffffffffffffffffff\n')
    const checked = await runCheck(rig)
    assert.equal(checked.of('secrets').Status, 'failed')
    assert.equal(checked.of('certificate').Status, 'failed')
    assert.match(checked.of('secrets').Detail, /key of this machine/)
  })

  test('tells every damaged setting, and a file that is no settings at all', async t => {
    const rig = await createAgentRig(t)
    const good = await rig.read('home/T.config')
    const bad = ['PortNumber">many', 'NoListen">perhaps'].map(
      text => `<set key="Tentacle.Services.${text}</set>`,
    )
    await rig.write(
      'home/T.config',
      good.replace('</octopus-settings>', `${bad.join('')}</octopus-settings>`),
    )
    const { Detail: detail, Status: status } = (await runCheck(rig)).of('settings')
    assert.equal(status, 'failed')
    assert.match(detail, /'many'.*'perhaps'|'perhaps'.*'many'/)
    await rig.write('home/T.config', 'nonsense')
    const checked = await runCheck(rig)
    assert.equal(checked.of('settings').Status, 'failed')
    assert.equal(checked.exitCode, 1)
  })

  test('tells that the home cannot be written, and leaves nothing behind where it can', async t => {
    const rig = await createAgentRig(t)
    const before = [...(await rig.snapshot()).keys()]
    assert.equal((await runCheck(rig)).of('home').Status, 'ok')
    assert.deepEqual([...(await rig.snapshot()).keys()], before)
    await rig.write('T.config', (await rig.read('home/T.config')).replace(rig.at('home'), rig.at('gone')))
    await rm(rig.at('gone'), { recursive: true, force: true })
    const checked = await runCheck(rig, ['--config', rig.at('T.config')])
    assert.equal(checked.of('home').Status, 'failed')
    assert.match(checked.of('home').Detail, /no such file or folder/)
  })

  test('tells trusted servers that can never be polled', async t => {
    const rig = await createAgentRig(t)
    const entry = {
      Thumbprint: serverThumbprint,
      CommunicationStyle: 2,
      Address: null,
      Squid: null,
      SubscriptionId: null,
    }
    const text = (await rig.read('home/T.config')).replace(
      '</octopus-settings>',
      `<set key="Tentacle.Communication.TrustedOctopusServers">${JSON.stringify([entry])}</set></octopus-settings>`,
    )
    await rig.write('home/T.config', text)
    assert.match((await runCheck(rig)).of('trust').Detail, /cannot be polled: it has no address/)
  })
})

describe('check of the way to a polled server', () => {
  /** Each case: what is there, which step fails and what is told. */
  const cases: readonly (readonly [string, (t: TestContext) => Promise<number>, string, RegExp, RegExp])[] = [
    ['nobody listens', () => freePort(), 'tcp', /refused the connection/, /server runs/],
    ['packets are dropped', startBlackHole, 'tcp', /timed out after/, /firewalls/],
    [
      'somebody listens and is silent',
      t => startTcp(t, socket => socket.resume()),
      'tls',
      /does not answer to TLS/,
      /port for agents/,
    ],
    [
      'somebody hangs up at once',
      t => startTcp(t, socket => socket.destroy()),
      'tls',
      /hung up within the TLS/,
      /inspects TLS/,
    ],
    [
      'a web server without TLS',
      t =>
        startTcp(t, socket =>
          socket.once('data', () => socket.end('HTTP/1.1 404 Not Found\r\nServer: nginx/9\r\n\r\n')),
        ),
      'tls',
      /no TLS.*web server: HTTP\/1\.1 404 Not Found, by nginx\/9/,
      /10943/,
    ],
    [
      'another protocol',
      t => startTcp(t, socket => socket.write('SSH-2.0-Test\r\n')),
      'tls',
      /no TLS.*'SSH-2\.0-Test'/,
      /10943/,
    ],
    [
      'a middlebox that opens TLS',
      t => startTls(t, 'inspected', socket => socket.resume()),
      'tls',
      /CN=octopus\.example, issued by O=Example Security, CN=Inspection CA.*Expected was F707/,
      /Somebody in between opens TLS.*untouched/,
    ],
    [
      'a web server with the certificate of the server',
      t =>
        startTls(t, 'server', socket =>
          socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
        ),
      'halibut',
      /web server is there: HTTP\/1\.1 400/,
      /10943/,
    ],
    [
      'a server that hangs up on us',
      t => startTls(t, 'server', socket => socket.once('data', () => socket.destroy())),
      'halibut',
      new RegExp(agentThumbprint),
      /register-with/,
    ],
    [
      'a server that says nothing',
      t => startTls(t, 'server', socket => socket.resume()),
      'halibut',
      /says nothing after TLS/,
      /restart the server/,
    ],
    [
      'something else after TLS',
      t => startTls(t, 'server', socket => socket.write('220 mail \x1b[31m\r\n')),
      'halibut',
      /'220 mail \?\[31m'/,
      /10943/,
    ],
  ]
  for (const [what, open, id, detail, next] of cases) {
    test(`${what}: ${id} fails`, async t => {
      const rig = await createAgentRig(t)
      await pollFrom(rig, `https://127.0.0.1:${await open(t)}`)
      const checked = await runCheck(rig, ['--timeout=1'])
      assert.equal(checked.exitCode, 1)
      const finding = checked.of(id)
      assert.equal(finding.Status, 'failed', checked.stdout)
      assert.match(finding.Detail, detail)
      assert.match(finding.Next ?? '', next)
      const way = checked.all
        .filter(({ Section }) => Section.startsWith('Server'))
        .map(({ Id, Status }) => [Id, Status])
      const at = way.findIndex(([step]) => step === id)
      for (const [step, status] of way.slice(0, at)) assert.equal(status, 'ok', step)
      for (const [step, status] of way.slice(at + 1)) assert.equal(status, 'skipped', step)
    })
  }

  test('a name that does not exist fails, and nothing further is tried', async t => {
    const rig = await createAgentRig(t)
    await pollFrom(rig, 'https://no-such-host.invalid:10943')
    const checked = await runCheck(rig)
    assert.equal(checked.of('name').Status, 'failed')
    assert.match(checked.of('name').Detail, /no-such-host\.invalid/)
    for (const id of ['tcp', 'tls', 'halibut']) assert.equal(checked.of(id).Status, 'skipped')
  })

  test('a server that trusts the agent is fine; one that does not is told, with what to do', async t => {
    const rig = await createAgentRig(t)
    const { port, certificate } = await startHalibut(t, [agentThumbprint])
    await pollFrom(rig, `https://localhost:${port}`, certificate.thumbprint)
    const checked = await runCheck(rig)
    for (const id of ['name', 'tcp', 'tls', 'halibut'])
      assert.equal(checked.of(id).Status, 'ok', checked.stdout)
    assert.match(checked.of('name').Detail, /localhost is .*127\.0\.0\.1/)
    assert.match(checked.of('tls').Detail, /as expected/)

    const strict = await startHalibut(t, [])
    const other = await createAgentRig(t)
    await pollFrom(other, `https://127.0.0.1:${strict.port}`, certificate.thumbprint)
    const refused = await runCheck(other)
    assert.equal(refused.of('halibut').Status, 'failed')
    assert.match(refused.of('halibut').Detail, new RegExp(`do not trust an agent.*${agentThumbprint}`))
  })

  test('a server with a new certificate of its own is told apart from a middlebox', async t => {
    const rig = await createAgentRig(t)
    const { port, certificate } = await startHalibut(t, [agentThumbprint])
    await pollFrom(rig, `https://127.0.0.1:${port}`)
    const { Next: next } = (await runCheck(rig)).of('tls')
    const command = `--oldThumbprint=${serverThumbprint} --newThumbprint=${certificate.thumbprint}`
    assert.match(next ?? '', new RegExp(`update-trust --instance T ${command}`))
  })

  test('a server that is polled by WebSocket is checked so', async t => {
    const rig = await createAgentRig(t)
    const { port, certificate } = await startHalibut(t, [agentThumbprint])
    await pollFrom(rig, `wss://127.0.0.1:${port}/HalibutWebSocket`, certificate.thumbprint)
    assert.equal((await runCheck(rig)).of('halibut').Status, 'ok')
    const elsewhere = await createAgentRig(t)
    await pollFrom(elsewhere, `wss://127.0.0.1:${port}/other`, certificate.thumbprint)
    assert.match((await runCheck(elsewhere)).of('halibut').Detail, /web server/)
    const strict = await startHalibut(t, [])
    const stranger = await createAgentRig(t)
    await pollFrom(stranger, `wss://127.0.0.1:${strict.port}/HalibutWebSocket`, certificate.thumbprint)
    assert.equal((await runCheck(stranger)).of('halibut').Status, 'warning')
  })

  test('a way can be tried before there is an instance', async t => {
    const rig = await createRig(t)
    const { port, certificate } = await startHalibut(t, [])
    const checked = await runCheck(rig, [`--server-comms-address=https://127.0.0.1:${port}`])
    assert.equal(checked.exitCode, 0, checked.stdout)
    assert.equal(checked.of('settings').Status, 'warning')
    assert.match(checked.of('tls').Detail, new RegExp(certificate.thumbprint))
    assert.equal(checked.of('halibut').Status, 'skipped')

    // That the server does not know the agent yet is no fault of the way.
    const agent = await createAgentRig(t)
    const tried = await runCheck(agent, [`--server-comms-address=https://127.0.0.1:${port}`])
    assert.equal(tried.exitCode, 0, tried.stdout)
    assert.equal(tried.of('halibut').Status, 'warning')
    assert.equal(tried.of('trust').Status, 'warning')
  })
})

describe('check through a proxy', () => {
  async function behindProxy(
    t: TestContext,
    proxyPort: number,
    serverPort: number,
    credentials: readonly string[] = [],
  ) {
    const rig = await createAgentRig(t)
    await pollFrom(rig, `https://127.0.0.1:${serverPort}`, (await serverCertificate()).thumbprint)
    const proxy = ['--proxyEnable=True', '--proxyHost=127.0.0.1', `--proxyPort=${proxyPort}`]
    await demand(rig, 'polling-proxy', '--instance=T', ...proxy, ...credentials)
    return rig
  }

  test('walks through the tunnel to the end', async t => {
    const server = await startHalibut(t, [agentThumbprint])
    const proxy = await startProxy(t)
    const credentials = ['--proxyUsername=me', '--proxyPassword=hunter2-secret']
    const checked = await runCheck(await behindProxy(t, proxy.port, server.port, credentials))
    for (const id of ['name', 'tcp', 'proxy', 'tls', 'halibut'])
      assert.equal(checked.of(id).Status, 'ok', checked.stdout)
    assert.match(
      proxy.requests[0] ?? '',
      new RegExp(`^CONNECT 127\\.0\\.0\\.1:${server.port} HTTP/1\\.0\\r\\n`),
    )
    assert.match(
      proxy.requests[0] ?? '',
      new RegExp(`Basic ${Buffer.from('me:hunter2-secret').toString('base64')}`),
    )
    assert.doesNotMatch(checked.stdout + checked.stderr, /hunter2/)
  })

  const refusals: readonly (readonly [string, string, RegExp, RegExp])[] = [
    [
      'wants credentials',
      'HTTP/1.1 407 Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n',
      /407.*none are set/,
      /--proxyUsername=NAME/,
    ],
    [
      'wants credentials that agents do not have',
      'HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\n\r\n',
      /407/,
      /NTLM only/,
    ],
    [
      'forbids it',
      'HTTP/1.1 403 Forbidden\r\nServer: squid\r\n\r\n',
      /403 Forbidden, by squid/,
      /allow CONNECT/,
    ],
    ['does not get there', 'HTTP/1.1 504 Gateway Timeout\r\n\r\n', /504/, /from the proxy's machine/],
    ['is none', 'hello\r\n\r\n', /is no HTTP proxy: it answered 'hello'/, /right host and port/],
  ]
  for (const [what, answer, detail, next] of refusals) {
    test(`a proxy that ${what} is told`, async t => {
      const { port } = await startProxy(t, answer)
      const checked = await runCheck(await behindProxy(t, port, 10943), ['--timeout=5'])
      assert.equal(checked.of('proxy').Status, 'failed', checked.stdout)
      assert.match(checked.of('proxy').Detail, detail)
      assert.match(checked.of('proxy').Next ?? '', next)
      assert.equal(checked.of('tls').Status, 'skipped')
    })
  }

  test('credentials that the proxy refuses are told without the password', async t => {
    const { port } = await startProxy(t, 'HTTP/1.1 407 hunter2-secret\r\n\r\n')
    const rig = await behindProxy(t, port, 10943, ['--proxyUsername=me', '--proxyPassword=hunter2-secret'])
    const checked = await runCheck(rig)
    assert.match(checked.of('proxy').Detail, /refuses those of me/)
    assert.doesNotMatch(checked.stdout + checked.stderr, /hunter2/)
  })

  test('a proxy that is not there is told as such', async t => {
    const checked = await runCheck(await behindProxy(t, await freePort(), 10943))
    assert.match(checked.of('tcp').Tried, /the proxy 127\.0\.0\.1/)
    assert.equal(checked.of('proxy').Status, 'skipped')
  })
})

test('check ends at once when it is stopped', async t => {
  const rig = await createAgentRig(t)
  const reached = Promise.withResolvers<void>()
  const port = await startTcp(t, socket => socket.once('data', () => reached.resolve()))
  await pollFrom(rig, `https://127.0.0.1:${port}`)
  const running = rig.start(['check', '--timeout=1000'])
  await reached.promise
  running.signal('SIGINT')
  const { exitCode, stderr } = await running.ended
  assert.equal(exitCode, 100)
  assert.match(stderr, /Stopped/)
})

test('check prints text that fits into 80 columns, and says at its end where to start', async t => {
  const rig = await createAgentRig(t)
  await pollFrom(rig, `https://127.0.0.1:${await startTls(t, 'inspected', socket => socket.resume())}`)
  const { stdout, stderr, exitCode } = await rig.run(['check'])
  assert.equal(exitCode, 1)
  for (const line of stdout.split('\n')) {
    const [, text = ''] = /^.{25}(.*)$/.exec(line) ?? []
    if (text.includes(' ')) assert.ok(line.length <= 80, line)
  }
  assert.match(stdout, /\n {2}FAILED {2}tls {12}The certificate is\n/)
  assert.match(stderr, /^2 checks failed: service, tls; start with service \(Instance T\)\.\n$/)
})

for (const [args, code, message] of [
  [['--timeout=0'], 1, /--timeout/],
  [['--timeout=soon'], 100, /not a whole number/],
  [['--format=xml'], 1, /not supported/],
  [['--server=ftp://x'], 100, /not the address of a server/],
  [['--server-comms-address=nonsense'], 100, /not an address/],
  [['--apiKey=API-1'], 1, /address of the server/],
  [['--nope'], 1, /Unrecognized/],
] as const) {
  test(`check ${args.join(' ')} is refused with ${code}`, async t => {
    const { exitCode, stdout, stderr } = await (await createRig(t)).run(['check', ...args])
    assert.deepEqual([exitCode, stdout], [code, ''])
    assert.match(stderr, message)
  })
}
