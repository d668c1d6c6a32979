import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, utimes } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { until } from '@tentacle/testkit'
import {
  capabilitiesOf,
  listeningEndpoint,
  openServer,
  runScript,
  serverCertificate,
  startAgent,
} from './agent-rig.ts'
import { createAgentRig, demand } from './check-rig.ts'
import { startWatched } from './metrics-rig.ts'
import { readMetrics } from './metrics-text.ts'

describe('the port', () => {
  test('answers GET of two addresses, and nobody from elsewhere', async t => {
    const { at, rig } = await startWatched(t)
    const ask = async (path: string, method = 'GET') => {
      const response = await fetch(at + path, { method })
      await response.arrayBuffer()
      return `${response.status} ${response.headers.get('allow') ?? ''}`.trim()
    }
    assert.equal(await ask('/metrics?name=x'), '200')
    assert.equal(await ask('/'), '404')
    assert.equal(await ask('/metrics/'), '404')
    assert.equal(await ask('/metrics', 'POST'), '405 GET')
    assert.equal(await ask('/metrics', 'HEAD'), '405 GET')
    await assert.rejects(fetch(at.replace('127.0.0.1', '127.0.0.2')), { name: 'TypeError' })

    await until('there is a heartbeat', async () => (await ask('/livez')) === '200')
    const old = new Date(Date.now() - 100_000)
    await until('the heartbeat is old', async () => {
      await utimes(rig.at('home/livez.heartbeat'), old, old) // the agent may touch it in between
      return (await ask('/livez')) === '503'
    })
  })

  test('that is taken is told with what to do, and the agent works', async t => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    t.after(() => other.close())
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : 0
    const certificate = await serverCertificate()
    const configure = [`--metricsPort=${port}`, `--trust=${certificate.thumbprint}`]
    const agent = await startAgent(t, { configure })
    assert.match(
      agent.command.stderr(),
      new RegExp(`port ${port} of 127\\.0\\.0\\.1 is used by another program.*--metricsPort=NUMBER`),
    )
    assert.ok((await capabilitiesOf(openServer(t, certificate), listeningEndpoint(agent))).length > 0)
    agent.command.signal('SIGTERM')
    assert.equal((await agent.command.ended).exitCode, 0)
  })

  test('is not opened unless that is wanted', async t => {
    const { command } = await startAgent(t)
    await until('there is one port, the one for servers', () => {
      const open = process.getActiveResourcesInfo().filter(kind => kind === 'TCPServerWrap')
      return open.length === 1 // those of tests before this one may still be closing
    })
    assert.doesNotMatch(command.stdout(), /metrics/i)
  })
})

describe('the file', () => {
  test('has the same, and says at the end that the agent is gone', async t => {
    const certificate = await serverCertificate()
    const configure = [`--trust=${certificate.thumbprint}`, '--metricsFile=agent.prom']
    const agent = await startAgent(t, { configure, env: { PATH: process.env.PATH ?? '' } })
    const path = agent.rig.at('agent.prom')
    const read = async () => readMetrics(await readFile(path, 'utf8'))
    await until('there is a file', () => read().catch(() => undefined))
    assert.equal((await read()).value('tentacle_up'), 1)
    await runScript(openServer(t, certificate), listeningEndpoint(agent), 'true')
    agent.command.signal('SIGTERM')
    assert.equal((await agent.command.ended).exitCode, 0)
    const last = await read()
    assert.equal(last.value('tentacle_up'), 0)
    assert.equal(last.value('tentacle_scripts_finished_total', { outcome: 'succeeded' }), 1)
  })

  test('that cannot be written is told, and the agent works', async t => {
    const certificate = await serverCertificate()
    const configure = [`--trust=${certificate.thumbprint}`, '--metricsFile=no-such-folder/agent.prom']
    const agent = await startAgent(t, { configure })
    await until('it is told', () => agent.command.stderr().includes('no such file or folder'))
    assert.match(agent.command.stderr(), /The file with the metrics is not written: .*--metricsFile=PATH/)
    assert.ok((await capabilitiesOf(openServer(t, certificate), listeningEndpoint(agent))).length > 0)
  })
})

describe('configure', () => {
  test('stores what is wanted, shows it, and takes it back', async t => {
    const rig = await createAgentRig(t)
    const shown = async (): Promise<unknown> =>
      JSON.parse((await rig.run(['show-configuration', '--instance=T'])).stdout).Tentacle.Metrics
    assert.equal(await shown(), undefined)
    const { stdout } = await rig.run([
      'configure',
      '--instance=T',
      '--metricsPort=9101',
      '--metricsFile=a/b.prom',
    ])
    assert.equal(
      stdout,
      `Metrics port set to: 9101\nMetrics file set to: ${rig.at('a/b.prom')}\nThese changes require a restart of the Tentacle.\n`,
    )
    assert.deepEqual(await shown(), { File: rig.at('a/b.prom'), Port: 9101 })
    assert.match(await rig.read('home/T.config'), /<set key="Tentacle\.Metrics\.Port">9101</)
    for (const wrong of ['-1', '70000', 'x']) {
      const { exitCode, stderr } = await rig.run(['configure', '--instance=T', `--metricsPort=${wrong}`])
      assert.equal(exitCode, 100)
      assert.match(stderr, /not a TCP port|--metricsPort is not a whole number/)
    }
    await demand(rig, 'configure', '--instance=T', '--metricsPort=0', '--metricsFile=none')
    assert.equal(await shown(), undefined)
  })

  test('a setting that means nothing leaves the agent without metrics, and at work', async t => {
    const rig = await createAgentRig(t)
    await demand(rig, 'configure', '--instance=T', '--port=0', '--metricsPort=9101')
    const config = await rig.read('home/T.config')
    await rig.write('home/T.config', config.replace('>9101<', '>many<'))
    const command = rig.start(['run', '--instance=T', '--noninteractive'])
    await command.printed('LivenessHeartbeatTask.Start(): Starting')
    command.signal('SIGTERM')
    const { exitCode, stderr } = await command.ended
    assert.equal(exitCode, 0)
    assert.match(stderr, /There are no metrics: .*Tentacle\.Metrics\.Port.*'many', expected a whole number/)
  })
})

test('the page about the metrics names each of them, with its type, and no other', async t => {
  const agent = await startWatched(t)
  await capabilitiesOf(agent.halibut, listeningEndpoint(agent))
  const wanted = 'tentacle_event_loop_delay_seconds'
  const read = await until('the event loop was asked', async () => {
    const now = await agent.metrics()
    return now.types.has(wanted) && now
  })
  const page = await readFile(join(import.meta.dirname, '../../../docs/wire/tentacle-metrics.md'), 'utf8')
  const described = [...page.matchAll(/^\| `(tentacle_\w+)`[^|]*\| (\w+) \|/gm)].map(([, name, type]) => [
    name,
    type,
  ])
  // Without scripts and polled servers some are not there yet.
  const later = new Set([
    'tentacle_script_duration_seconds',
    'tentacle_polling_state',
    'tentacle_polling_connections',
  ])
  const there = described.filter(([name = '']) => !later.has(name))
  assert.deepEqual(there.toSorted(), [...read.types].toSorted())
  assert.equal(described.length - there.length, later.size)
})
