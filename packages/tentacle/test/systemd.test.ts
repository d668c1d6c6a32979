import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, describe, type TestContext, test } from 'node:test'
import { type ProcessOutput, ScriptServiceV2, type ScriptStatusResponseV2 } from '@tentacle/contracts'
import { type Halibut, parseThumbprint, type ServiceEndPoint } from '@tentacle/halibut'
import { until } from '@tentacle/testkit'
import { capabilitiesOf, openServer, serverCertificate } from './agent-rig.ts'
import { type BootedDebian, bootDebian, whyNotBooted } from './booted-debian.ts'
import { limitMemory } from './memory-limit.ts'
import { printed, startCommand } from './script-agent.ts'

const why = whyNotBooted()

/** A busy machine takes seconds to start a process. */
const patience = { timeoutMs: 60_000, everyMs: 100 }

describe('the service under a real systemd', { skip: why ?? false }, () => {
  let debian: BootedDebian
  before(async () => {
    debian = await bootDebian()
  })
  after(() => debian?.shutDown())

  for (const account of ['root', 'deploy']) {
    test(`tentacle 12.65: is installed, started, stopped and removed, and its scripts outlive it, as ${account}`, async t => {
      const agent = await setUp(t, debian, account === 'root' ? 'T1' : 'Second One')
      const { unit } = agent
      if (account !== 'root')
        await agent.command('useradd', '--system', '--shell', '/usr/sbin/nologin', account)
      const asAccount = account === 'root' ? [] : ['--username', account]
      assert.equal(
        await agent.service('--install', ...asAccount, '--start'),
        `Service installed: ${unit}\nService started: ${unit}\n`,
      )
      assert.equal(
        await agent.command('stat', '-c', '%a %U', `/etc/systemd/system/${unit}.service`),
        '644 root\n',
      )
      assert.equal(await agent.command('stat', '-c', '%a %U', agent.settings), `600 ${account}\n`)
      assert.equal(await agent.command('systemctl', 'is-enabled', unit), 'enabled\n')
      // Started means ready: no waiting, no second try.
      assert.ok((await agent.capabilities()).includes('IScriptServiceV2'))
      assert.match(await agent.property('StatusText'), /^listens on port \d+$/)

      const script = await agent.startScript(
        `id -un; echo "notify=$NOTIFY_SOCKET watchdog=$WATCHDOG_USEC"; for ((i = 1; ; i++)); do echo "line $i"; [ -e go ] && break; sleep 0.05; done; exit 7`,
      )
      await script.printed('line 5')
      assert.match(await agent.service('--restart'), /Service has been restarted\n$/)
      const [restarted] = await agent.mainProcess()
      assert.equal((await script.status()).state, 'Running')

      await agent.command('sh', '-c', `kill -9 ${restarted}`)
      await agent.startedAnew(restarted)
      assert.equal((await script.status()).state, 'Running')
      assert.equal(await agent.property('NRestarts'), '1')

      await agent.command('touch', `${agent.home}/Work/${script.ticket.taskId}/go`)
      const { exitCode, lines: all } = await script.end()
      assert.equal(exitCode, 7)
      assert.deepEqual(all.slice(0, 2), [account, 'notify= watchdog='])
      const lines = all.slice(2)
      assert.deepEqual(
        lines,
        lines.map((_, index) => `line ${index + 1}`),
      )

      const left = await agent.startScript('echo "$$"; exec sleep 4321')
      const [pid = ''] = await left.printed('')
      const before = Date.now()
      assert.equal(await agent.service('--stop'), `Stopping service: ${unit}\nService stopped\n`)
      assert.ok(Date.now() - before < 20_000, 'it does not wait for its script')
      assert.equal(await agent.property('ActiveState'), 'inactive')
      assert.deepEqual(
        [await agent.property('Result'), await agent.property('ExecMainStatus')],
        ['success', '0'],
      )
      assert.match(await agent.command('cat', `/proc/${pid}/cmdline`), /^sleep/, 'the script runs on')
      await agent.command('sh', '-c', `kill -9 ${pid}`)

      assert.match(await agent.service('--uninstall'), /Service uninstalled\n$/)
      assert.equal(await agent.property('LoadState'), 'not-found')
      assert.equal(
        await agent.command('find', '/etc/systemd', '/run/systemd/system', '-name', `*${unit}*`),
        '',
      )
      assert.match(await agent.service('--stop', '--uninstall'), /Service uninstalled\n$/)
    })
  }

  test('tentacle 12.64: a script that restarts its own agent goes on and is complete', async t => {
    const agent = await setUp(t, debian, 'Own')
    await agent.service('--install', '--start')
    const [before] = await agent.mainProcess()
    const script = await agent.startScript(
      `echo begun; "$TentacleExecutablePath" service --instance=Own --restart && echo restarted; exit 3`,
    )
    await agent.startedAnew(before)
    const { exitCode, lines } = await script.end()
    assert.deepEqual([exitCode, lines.at(0), lines.at(-1)], [3, 'begun', 'restarted'])
    const [second] = await agent.mainProcess()
    const last = await agent.startScript(`kill -9 ${second}; sleep 0.2; echo alive`)
    await agent.startedAnew(second)
    assert.deepEqual((await last.end()).lines, ['alive'])
    await agent.service('--stop', '--uninstall')
  })

  test('an agent that the kernel ends for want of memory comes back, and its script is complete', async t => {
    const agent = await setUp(t, debian, 'Starved')
    await agent.service('--install', '--start')
    const script = await agent.startScript(
      'echo begun; until [ -e go ]; do sleep 0.05; done; echo done; exit 4',
    )
    await script.printed('begun')
    const [pid = ''] = await agent.mainProcess()
    const limit = limitMemory(debian.outerPid(pid), 16 * 1024 * 1024)
    t.after(() => limit.remove())
    await assert.rejects(agent.startScript('# much\n'.repeat(5_000_000)))
    assert.equal(limit.kills(), 1)
    await agent.startedAnew(pid)
    assert.equal(await agent.property('NRestarts'), '1')
    await agent.command('touch', `${agent.home}/Work/${script.ticket.taskId}/go`)
    const { exitCode, lines } = await script.end()
    assert.deepEqual([exitCode, lines], [4, ['begun', 'done']])
    await agent.service('--stop', '--uninstall')
  })

  test('an upgrade replaces the program while a script runs, which goes on under the new one', async t => {
    await debian.run('cp', '-r', debian.installed, '/srv/program')
    const agent = await setUp(t, debian, 'Upgraded', '/srv/program')
    await agent.service('--install', '--start')
    const version = async () => (await agent.command(agent.program, 'version')).trim()
    const before = await version()
    const script = await agent.startScript(
      'v() { echo "$("$TentacleExecutablePath" version)"; }; v; until [ -e go ]; do sleep 0.05; done; v; exit 6',
    )
    await script.printed(before)
    const shell = [
      'cp -r /srv/program /srv/next',
      `sed -i 's/"0\\.1\\.0"/"0.9.9"/' /srv/next/lib/*.cjs`,
      'mv /srv/program /srv/old && mv /srv/next /srv/program && rm -r /srv/old',
    ]
    await agent.command('sh', '-c', shell.join(' && '))
    const after = await version()
    assert.notEqual(after, before)
    await agent.service('--restart')
    assert.equal((await script.status()).state, 'Running')
    await agent.command('touch', `${agent.home}/Work/${script.ticket.taskId}/go`)
    const { exitCode, lines } = await script.end()
    assert.deepEqual([exitCode, lines], [6, [before, after]])
    assert.deepEqual((await (await agent.startScript('echo next')).end()).lines, ['next'])
    await agent.service('--stop', '--uninstall')
  })

  test('an agent that hangs is started again, and one that works is left alone', async t => {
    const agent = await setUp(t, debian, 'Hanging')
    const folder = `/etc/systemd/system/${agent.unit}.service.d`
    await agent.service('--install')
    await agent.command(
      'sh',
      '-c',
      `printf '[Service]\\nWatchdogSec=4\\nRestartSec=100ms\\n' > ${folder}/50-test.conf`,
    )
    await agent.command('systemctl', 'daemon-reload')
    await agent.service('--start')
    const [first] = await agent.mainProcess()
    const beats = () => agent.property('WatchdogTimestampMonotonic')
    for (let seen = await beats(), heard = 0; heard < 3; heard++) {
      seen = await until(
        'the agent has shown that it is alive',
        async () => {
          const now = await beats()
          return now !== seen && now
        },
        patience,
      )
    }
    assert.deepEqual(await agent.mainProcess(), [first, 'active'])
    await agent.command('sh', '-c', `kill -STOP ${first}`)
    await agent.startedAnew(first)
    // What an administrator has put beside the unit is not ours to remove.
    assert.match(await agent.service('--stop', '--uninstall'), /50-test\.conf/)
    assert.equal(await agent.command('ls', folder), '50-test.conf\n')
  })

  test('an agent under the unit of the original says that its scripts end with it, and how to change that', async t => {
    const agent = await setUp(t, debian, 'Old')
    await agent.service('--install', '--username', 'daemon')
    await agent.command('rm', '-r', `/etc/systemd/system/${agent.unit}.service.d`)
    await agent.command('systemctl', 'daemon-reload')
    await agent.service('--start')
    const said = async () => agent.command('journalctl', '-u', agent.unit, '--no-pager')
    await until('the agent says it', async () => /--reconfigure --start/.test(await said()), patience)
    assert.match(await said(), /When Old\.service is stopped or restarted, systemd ends the scripts/)
    await agent.service('--reconfigure', '--start')
    assert.deepEqual([await agent.property('User'), await agent.property('KillMode')], ['daemon', 'process'])
    await agent.service('--stop', '--uninstall')
  })

  test('tentacle 12.11: who may not change services is told so', async t => {
    const agent = await setUp(t, debian, 'Foreign')
    const asNobody = (...args: string[]) =>
      debian.run(
        'setpriv',
        '--reuid=65534',
        '--regid=65534',
        '--clear-groups',
        agent.program,
        'service',
        '--instance=Foreign',
        ...args,
      )
    const installed = await asNobody('--install')
    assert.deepEqual(
      [installed.exitCode, installed.stdout, installed.stderr],
      [1, '', 'Only root may install a service. Run the command again with sudo, or as root.\n'],
    )
    await agent.service('--install', '--start')
    const stopped = await asNobody('--stop')
    assert.equal(stopped.exitCode, 1)
    assert.match(stopped.stderr, /sudo/)
    assert.equal(await agent.property('ActiveState'), 'active')
    await agent.service('--stop', '--uninstall')
  })

  test('an agent that cannot start makes --start fail, with where to look', async t => {
    const agent = await setUp(t, debian, 'Broken')
    await agent.command(agent.program, 'configure', '--instance=Broken', '--listenIpAddress=192.0.2.1')
    await agent.service('--install')
    const { exitCode, stderr } = await debian.run(agent.program, 'service', '--instance=Broken', '--start')
    assert.equal(exitCode, 1)
    assert.match(stderr, /could not be started.*\n[\s\S]*journalctl -u Broken/)
    assert.match(
      await agent.command('journalctl', '-u', 'Broken', '--no-pager'),
      /does not have the address 192\.0\.2\.1/,
    )
    await agent.service('--stop', '--uninstall')
  })
})

/** An instance in the machine, reachable from here: the machine has no network of its own. */
async function setUp(t: TestContext, debian: BootedDebian, name: string, folder = debian.installed) {
  const certificate = await serverCertificate()
  const program = `${folder}/Tentacle`
  const unit = name.replaceAll(' ', '-')
  const home = `/srv/${unit}`
  const settings = `${home}/Tentacle.config`
  const command = async (file: string, ...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await debian.run(file, ...args)
    assert.equal(exitCode, 0, `${file} ${args.join(' ')}\n${stdout}${stderr}`)
    return stdout
  }
  const instance = ['--instance', name]
  const port = await freePort()
  await command(program, 'create-instance', ...instance, '--config', settings, '--home', home)
  await command(program, 'new-certificate', ...instance)
  await command(
    program,
    'configure',
    ...instance,
    '--listenIpAddress=127.0.0.1',
    `--port=${port}`,
    `--app=${home}/apps`,
  )
  await command(program, 'configure', ...instance, '--trust', certificate.thumbprint)
  const thumbprint = await command(program, 'show-thumbprint', ...instance)
  const halibut = openServer(t, certificate)
  const endpoint: ServiceEndPoint = {
    baseUri: `https://127.0.0.1:${port}/`,
    thumbprint: parseThumbprint(thumbprint),
  }
  const property = async (key: string) =>
    (await command('systemctl', 'show', unit, '--property', key, '--value')).trimEnd()
  const mainProcess = async () => [await property('MainPID'), await property('ActiveState')] as const
  return {
    program,
    unit,
    home,
    settings,
    command,
    property,
    service: (...args: string[]) => command(program, 'service', ...instance, ...args),
    mainProcess,
    /** Waits until another process than this one is the agent. */
    startedAnew: (before: string | undefined) =>
      until(
        'another agent is active',
        async () => {
          const [pid, state] = await mainProcess()
          return state === 'active' && pid !== before
        },
        patience,
      ),
    capabilities: () => capabilitiesOf(halibut, endpoint),
    startScript: (body: string) => startScript(halibut, endpoint, body),
  }
}

/** A script that is followed over the life of several agents. */
async function startScript(halibut: Halibut, endpoint: ServiceEndPoint, scriptBody: string) {
  const service = halibut.client(ScriptServiceV2, endpoint)
  const command = startCommand(scriptBody)
  const ticket = command.scriptTicket
  const logs: ProcessOutput[] = []
  let after = 0
  const take = (status: ScriptStatusResponseV2) => {
    after = status.nextLogSequence
    logs.push(...status.logs)
    return status
  }
  take(await service.startScript(command))
  const status = async () => take(await service.getStatus({ ticket, lastLogSequence: after }))
  return {
    ticket,
    status,
    /** Waits for a line that contains the text. */
    printed: (text: string) =>
      until(
        `the script has printed '${text}'`,
        async () => {
          await status()
          const lines = printed(logs)
          return lines.some(line => line.includes(text)) && lines
        },
        patience,
      ),
    async end() {
      const { exitCode } = await until(
        'the script is complete',
        async () => {
          const now = await status()
          return now.state === 'Complete' && now
        },
        patience,
      )
      await service.completeScript({ ticket })
      return { exitCode, lines: printed(logs) }
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  return await new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
