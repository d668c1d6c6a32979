import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { FileTransferService } from '@tentacle/contracts'
import { DataStream, parseThumbprint, type ServiceEndPoint } from '@tentacle/halibut'
import { until } from '@tentacle/testkit'
import { compatibleVersion } from '../../src/cli/version.ts'
import { capabilitiesOf, openServer, serverCertificate } from '../agent-rig.ts'
import { freePort } from '../check-rig.ts'
import { startStandInServer } from '../stand-in-server.ts'
import { fileVersion, holdFile, holdMutex, protect } from './foreign-program.ts'
import { bootWine, type Wine, whyNoWine } from './wine.ts'

const why = whyNoWine()

/** A busy machine takes seconds to start a program of Windows. */
const patience = { timeoutMs: 60_000, everyMs: 50 }

const home = 'C:\\Octopus\\My Agent'
const config = `${home}\\Tentacle.config`
const log = `${home}\\Logs\\OctopusTentacle.txt`
const index = 'C:\\ProgramData\\Octopus\\Tentacle\\Instances'

// A program of Windows takes a second to start, so these tests go on with one instance.
describe('the agent as a Windows program', { skip: why ?? false, timeout: 600_000 }, () => {
  let wine: Wine
  let endpoint: ServiceEndPoint

  const tentacle = async (...args: readonly string[]) => {
    const { exitCode, stdout, stderr } = await wine.tentacle(...args)
    assert.equal(exitCode, 0, `${args.join(' ')}: ${stdout}${stderr}`)
    return stdout
  }
  /** A file of drive C:. */
  const textOf = (path: string) => readFileSync(wine.onLinux(path), 'utf8')
  const refusal = async (...args: readonly string[]) => {
    const { exitCode, stdout, stderr } = await wine.tentacle(...args)
    assert.deepEqual([exitCode, stdout], [1, ''])
    return stderr
  }

  before(async () => {
    wine = await bootWine()
    await tentacle('create-instance', '--instance=My Agent', `--config=${config}`)
    const made = await tentacle('new-certificate', '--instance=My Agent')
    const port = await freePort()
    const { thumbprint } = await serverCertificate()
    const listening = [`--port=${port}`, '--listenIpAddress=127.0.0.1', `--trust=${thumbprint}`]
    await tentacle('configure', '--instance=My Agent', ...listening)
    const own = parseThumbprint(/^[0-9A-F]{40}$/m.exec(made)?.[0] ?? '')
    endpoint = { baseUri: `https://127.0.0.1:${port}/`, thumbprint: own }
  })
  after(() => wine?.shutDown())

  test('tentacle 12.5: says its version and its help, and ends with the exit codes of the original', async () => {
    const version = JSON.parse(await tentacle('version', '--format=json'))
    assert.match(version.MajorMinorPatch, /^\d+\.\d+\.\d+$/)
    assert.match(await tentacle('version', '/help'), /^Usage: Tentacle version /)
    assert.deepEqual(await wine.tentacle('nonsense'), {
      exitCode: 2,
      stdout: "See 'Tentacle help'\n",
      stderr: "Command 'nonsense' is not supported\n",
    })
    assert.match(await refusal('show-thumbprint', '--instance=nobody'), /Available instances: My Agent\./)
  })

  test('shows Windows what it is', async () => {
    const shown = await fileVersion(wine, wine.program, 'FileVersion', 'FileDescription', 'OriginalFilename')
    assert.match(shown, /^\d+\.\d+\.\d+\.\d+\nTentacle agent\nTentacle\.exe\n$/)
    assert.ok(shown.startsWith(`${compatibleVersion}.`), shown)
  })

  test('tentacle 12.18: instances and settings are where and as the original has them', async () => {
    assert.deepEqual(JSON.parse(textOf(`${index}\\my-agent.config`)), {
      Name: 'My Agent',
      ConfigurationFilePath: config,
    })
    const settings = textOf(config)
    assert.match(
      settings,
      /^\uFEFF<\?xml version="1\.0" encoding="utf-8"\?>\r?\n<octopus-settings xmlns:xsi=[^>]+>\r?\n {2}<set key="Octopus\.Home">C:\\Octopus\\My Agent<\/set>/,
    )
    assert.deepEqual(
      [...settings.matchAll(/<set key="([^"]+)"/g)].map(([, key]) => key),
      [
        'Octopus.Home',
        'Tentacle.Certificate',
        'Tentacle.CertificateThumbprint',
        'Tentacle.Communication.TrustedOctopusServers',
        'Tentacle.Services.ListenIP',
        'Tentacle.Services.PortNumber',
      ],
    )
    const shown = JSON.parse(await tentacle('show-configuration', '--instance=My Agent'))
    assert.equal(shown.Tentacle.Deployment.ApplicationDirectory, 'C:\\Octopus\\Applications')
    assert.match(textOf(log), /CommandLine: new-certificate --instance=My Agent/)
    const left = readdirSync(wine.onLinux(home)).sort()
    assert.deepEqual(left, ['Logs', 'Tentacle.config'], 'no lock and no temporary file')
  })

  test('tentacle 12.20: secrets are those of the original: either program opens what the other has sealed', async () => {
    const settings = textOf(config)
    const sealed = /key="Tentacle\.Certificate">([^<]+)</.exec(settings)?.[1] ?? ''
    const opened = await protect(wine, 'open', sealed)
    assert.match(opened, /^MII[A-Za-z0-9+/=]+$/, 'a PFX in base64')
    const foreign = await protect(wine, 'seal', opened)
    assert.notEqual(foreign, sealed)
    // The tests that follow work with this one.
    writeFileSync(wine.onLinux(config), settings.replace(sealed, foreign))
    const checked = await wine.tentacle('check', '--instance=My Agent')
    assert.match(checked.stdout, /ok +secrets +The certificate can be decrypted\./)
    assert.match(checked.stdout, /FAILED +port +Nobody listens/)
  })

  test('tentacle 12.17: an instance of an old version is found in the registry, and forgotten there', async () => {
    const key = 'HKLM\\Software\\Octopus\\Tentacle\\Old One'
    const old = 'C:\\Old\\Tentacle.config'
    await tentacle('create-instance', `--config=${old}`, '--instance=Old One')
    await tentacle('delete-instance', '--instance=Old One')
    const registered = ['add', key, '/v', 'ConfigurationFilePath', '/d', old]
    assert.equal((await wine.run('reg.exe', registered)).exitCode, 0)

    const listed: unknown = JSON.parse(await tentacle('list-instances', '--format=json'))
    assert.deepEqual(listed, [
      { InstanceName: 'My Agent', ConfigurationFilePath: config },
      { InstanceName: 'Old One', ConfigurationFilePath: old },
    ])
    await tentacle('configure', '--instance=old one', '--port=10999')
    assert.equal(JSON.parse(textOf(`${index}\\old-one.config`)).ConfigurationFilePath, old)
    await tentacle('delete-instance', '--instance=Old One')
    assert.deepEqual(readdirSync(wine.onLinux(index)), ['my-agent.config'])
    assert.notEqual((await wine.run('reg.exe', ['query', key])).exitCode, 0)
  })

  test('changes its settings although another program has them open for a moment', async () => {
    const holder = await holdFile(wine, config)
    await until('the file is open', async () => (await holder.output()).stdout === 'open', patience)
    const changed = await wine.start(wine.program, ['configure', '--instance=My Agent', '--noListen=false'])
    // The new file lies beside the old one until that can be replaced.
    const waits = () => readdirSync(wine.onLinux(home)).some(name => name.endsWith('.tmp'))
    await until('the settings wait', waits, { ...patience, everyMs: 5 })
    holder.process.kill('SIGKILL')
    const { exitCode, stderr } = await changed.end
    assert.equal(exitCode, 0, stderr)
    assert.match(textOf(config), /"Tentacle\.Services\.NoListen">false</)
    assert.deepEqual(readdirSync(wine.onLinux(home)).sort(), ['Logs', 'Tentacle.config'])
  })

  test('registers with a server', async t => {
    const portal = await startStandInServer()
    t.after(() => portal.close())
    const server = [`--server=http://127.0.0.1:${portal.httpPort}`, '--apiKey=API-KEY1']
    const target = ['--environment=Test Area', '--role=web', '--name=W1', '--publicHostName=w1']
    await tentacle('register-with', '--instance=My Agent', ...server, ...target)
    const posted = portal.seen.find(({ method, path }) => method === 'POST' && path.includes('/machines'))
    assert.partialDeepStrictEqual(posted?.body, {
      Name: 'W1',
      Endpoint: { CommunicationStyle: 'TentaclePassive', Thumbprint: endpoint.thumbprint },
    })
  })

  test('tentacle 12.13: runs in the foreground until Ctrl+C, or until a mutex is free', async t => {
    const certificate = await serverCertificate()
    const server = openServer(t, certificate, [endpoint.thumbprint ?? ''])
    const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
    const polled = [`--thumbprint=${certificate.thumbprint}`, '--host=127.0.0.1', `--port=${port}`]
    await tentacle('server-comms', '--instance=My Agent', '--style=TentacleActive', ...polled)
    const run = async (way: string) => {
      const agent = await wine.start(wine.program, ['run', '--instance=My Agent', way])
      const runs = async () => (await agent.output()).stdout.includes('HeartbeatTask.Start(): Starting')
      await until('the agent runs', runs, patience)
      const subscription = /subscription (poll:\S+)/.exec((await agent.output()).stdout)?.[1] ?? ''
      for (const baseUri of [endpoint.baseUri, subscription]) {
        const capabilities = await capabilitiesOf(server, { ...endpoint, baseUri })
        assert.ok(capabilities.includes('IScriptServiceV2'), baseUri)
      }
      return agent
    }
    const stopped = await run('--noninteractive')
    stopped.process.kill('SIGINT')
    const holder = await holdMutex(wine, 'Global\\Held')
    await until('the mutex is held', async () => (await holder.output()).stdout === 'held', patience)
    const { exitCode, stdout } = await stopped.end
    assert.equal(exitCode, 0, stdout)
    assert.match(stdout, /Listener stopped\n$/)

    const held = await run('--monitorMutex=Global\\Held')
    holder.process.kill('SIGKILL')
    assert.match((await held.end).stdout, /Listener stopped\n$/)
  })

  describe('as a service', () => {
    const name = 'OctopusDeploy Tentacle: My Agent'
    const service = (...args: readonly string[]) => tentacle('service', '--instance=My Agent', ...args)
    const state = async () => (await wine.run('sc.exe', ['query', name])).stdout
    /** What Windows has noted of the service. */
    const noted = async (of = name) => {
      const key = `HKLM\\SYSTEM\\CurrentControlSet\\Services\\${of}`
      const { stdout } = await wine.run('reg.exe', ['query', key])
      const values = [...stdout.matchAll(/^ {4}(\w+) {4}\w+ {4}(.*?)\r?$/gm)]
      return Object.fromEntries(values.map(([, value, data]) => [value, data]))
    }

    test('tentacle 12.66: is installed, started, restarted and stopped, and a server can talk to it', async t => {
      const server = openServer(t, await serverCertificate())
      assert.equal(await service('--install', '--start'), 'Service installed\nService started\n')
      // Started means that it listens.
      assert.ok((await capabilitiesOf(server, endpoint)).includes('IScriptServiceV2'))
      assert.match(await state(), /STATE +: 4 +RUNNING/)
      const { ImagePath, DependOnService, Description } = await noted()
      assert.equal(ImagePath, `"${wine.program}" run --instance="My Agent"`)
      assert.equal(DependOnService, 'LanmanWorkstation\\0TCPIP')
      assert.equal(Description, 'Octopus Deploy: Tentacle deployment agent')
      const events = await noted('EventLog\\Application\\Octopus Tentacle')
      assert.equal(events.EventMessageFile, '%SystemRoot%\\System32\\EventCreate.exe')

      const restarted = [
        `Restarting service ${name}`,
        'Stopping service...',
        'Service stopped',
        'Service started',
      ]
      assert.equal(await service('--restart'), `${restarted.join('\n')}\n`)
      assert.ok((await capabilitiesOf(server, endpoint)).includes('IScriptServiceV2'))
      assert.equal(await service('--stop'), 'Stopping service...\nService stopped\n')
      assert.match(await state(), /STATE +: 1 +STOPPED[\s\S]*WIN32_EXIT_CODE +: 0 /)
      assert.match(textOf(log), /Listener stopped\n$/)
      assert.equal(await tentacle('checkservices', '--instances=*'), 'Service started\n')
    })

    test('tentacle 12.56: takes and gives files at paths of Windows', async t => {
      const files = openServer(t, await serverCertificate()).client(FileTransferService, endpoint)
      const content = randomBytes(300_000)
      for (const path of ['Files/sub\\some file.bin', 'C:\\Octopus\\Applications\\some file.bin']) {
        // Twice: the second one replaces the first.
        await files.uploadFile(path, DataStream.fromBytes(Buffer.from('old')))
        const { fullPath, length } = await files.uploadFile(path, DataStream.fromBytes(content))
        assert.equal(fullPath, path.startsWith('C:') ? path : `${home}\\Files\\sub\\some file.bin`)
        assert.equal(length, content.length)
        assert.deepEqual(readFileSync(wine.onLinux(fullPath)), content)
        assert.deepEqual(await (await files.downloadFile(path))?.bytes(), content)
      }
      assert.equal(await files.downloadFile('C:\\no such file'), null)
    })

    test('tentacle 12.66: gets another account and dependency, and is removed', async () => {
      const account = ['--username=.\\root', '--password=secret1']
      assert.equal(
        await service('--reconfigure', '--dependOn=EventLog', ...account),
        'Service reconfigured\nService credentials set\n',
      )
      const { DependOnService, ObjectName } = await noted()
      assert.equal(DependOnService, 'LanmanWorkstation\\0TCPIP\\0EventLog')
      assert.equal(ObjectName, '.\\root')
      const stranger = ['--install', '--username=nobody1']
      assert.match(await refusal('service', '--instance=My Agent', ...stranger), /nobody1 is not known/)
      assert.match(await service('--uninstall'), /Service stopped\nService uninstalled\n$/)
      assert.doesNotMatch(await state(), /STATE/)
    })

    test('tentacle 12.66: tells Windows that it has failed, and its log why', async () => {
      await tentacle('configure', '--instance=My Agent', '--listenIpAddress=192.0.2.1')
      const failed = await wine.tentacle('service', '--instance=My Agent', '--install', '--start')
      assert.equal(failed.exitCode, 1)
      assert.match(failed.stderr, /could not be started: it has ended at once/)
      assert.match(await state(), /WIN32_EXIT_CODE +: 1066 [\s\S]*SERVICE_EXIT_CODE +: 100 /)
      assert.match(textOf(log), /FATAL .*192\.0\.2\.1/)
    })
  })
})
