import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect as connectPlain } from 'node:net'
import { describe, test } from 'node:test'
import { connect } from 'node:tls'
import {
  FileTransferService,
  ResumableFileTransferService,
  ScriptServiceV2,
  type StartScriptCommandV2,
} from '@tentacle/contracts'
import { createCertificate, DataStream } from '@tentacle/halibut'
import { until } from '@tentacle/testkit'
import { informationalVersion } from '../src/cli/version.ts'
import { capabilitiesOf, listeningEndpoint, openServer, runScript, serverCertificate } from './agent-rig.ts'
import { agentThumbprint, createAgentRig, demand, freePort, pollFrom } from './check-rig.ts'
import { metricsAt, startWatched, type WatchedAgent } from './metrics-rig.ts'
import type { ReadMetrics } from './metrics-text.ts'
import { startCommand } from './script-agent.ts'

/** Starts a script that says so, and runs until a file called `go` is in its workspace. */
async function startHolder(agent: WatchedAgent, more: Partial<StartScriptCommandV2> = {}) {
  const service = agent.halibut.client(ScriptServiceV2, listeningEndpoint(agent))
  const command = startCommand('echo up; while [ ! -e go ]; do sleep 0.02; done', more)
  const { scriptTicket: ticket } = command
  await service.startScript(command)
  const isComplete = async () =>
    (await service.getStatus({ ticket, lastLogSequence: 0 })).state === 'Complete'
  return {
    ticket,
    service,
    letGo: () => writeFile(agent.rig.at('home/Work', ticket.taskId, 'go'), ''),
    untilRuns: () =>
      until('the script runs', async () =>
        (await service.getStatus({ ticket, lastLogSequence: 0 })).logs.some(({ text }) => text === 'up'),
      ),
    untilComplete: () => until('the script is complete', isComplete),
  }
}

describe('what is measured', () => {
  test('the agent itself, and its home', async t => {
    const agent = await startWatched(t)
    const read = await agent.metrics()
    assert.equal(read.value('tentacle_up'), 1)
    assert.ok(read.samples.every(({ labels }) => labels.agent === 'T'))
    const build = { version: informationalVersion, node: process.versions.node, platform: process.platform }
    assert.equal(read.value('tentacle_build_info', build), 1)
    const started = read.value('tentacle_process_start_time_seconds')
    assert.ok(Math.abs(started + process.uptime() - Date.now() / 1000) < 5, String(started))
    assert.ok(read.value('tentacle_process_resident_memory_bytes') > 10_000_000)
    assert.ok(read.value('tentacle_heap_used_bytes') <= read.value('tentacle_heap_size_bytes'))
    assert.ok(read.value('tentacle_process_open_fds') > 3)
    assert.ok(read.value('tentacle_process_cpu_seconds_total') > 0)
    assert.ok(read.value('tentacle_home_free_bytes') > 1_000_000)
    assert.equal(read.value('tentacle_workspaces'), 0)
    assert.equal(read.value('tentacle_keepers'), 0)
    await until('the event loop was asked', async () =>
      (await agent.metrics()).samples.some(({ name }) => name === 'tentacle_event_loop_delay_seconds_sum'),
    )
  })

  test('scripts by how they end, and the calls and workspaces that they need', async t => {
    const agent = await startWatched(t)
    const endpoint = listeningEndpoint(agent)
    await runScript(agent.halibut, endpoint, 'exit 0')
    await runScript(agent.halibut, endpoint, 'exit 0')
    await runScript(agent.halibut, endpoint, 'exit 3')
    const cancelled = await startHolder(agent)
    await cancelled.untilRuns()
    await cancelled.service.cancelScript({ ticket: cancelled.ticket, lastLogSequence: 0 })
    await cancelled.untilComplete()

    const read = await agent.metrics()
    const finished = (outcome: string) => read.value('tentacle_scripts_finished_total', { outcome })
    assert.equal(read.value('tentacle_scripts_started_total'), 4)
    assert.deepEqual(['succeeded', 'failed', 'cancelled', 'not_started'].map(finished), [2, 1, 1, 0])
    assert.equal(read.value('tentacle_script_duration_seconds_count'), 4)
    assert.ok(read.value('tentacle_script_duration_seconds_sum') < 60)
    assert.equal(read.value('tentacle_workspaces'), 1)
    assert.equal(read.value('tentacle_keepers'), 1)
    const call = { service: 'IScriptServiceV2', method: 'StartScript' }
    assert.equal(read.value('tentacle_rpc_calls_total', { ...call, outcome: 'result' }), 4)
    assert.equal(read.value('tentacle_rpc_call_duration_seconds_count', call), 4)
    assert.equal(read.value('tentacle_rpc_calls_running'), 0)
    assert.ok(!read.samples.some(({ labels }) => labels.outcome === 'error'))
  })

  test('scripts that run and wait, by their isolation', async t => {
    const agent = await startWatched(t)
    const holder = await startHolder(agent, { isolation: 'FullIsolation', isolationMutexName: 'one' })
    await holder.untilRuns()
    const waiting = await startHolder(agent, { isolationMutexName: 'one' })
    const late = await startHolder(agent, { isolationMutexName: 'one', scriptIsolationMutexTimeout: 1 })
    await late.untilComplete()
    const during = await agent.metrics()
    assert.equal(during.value('tentacle_scripts_running', { isolation: 'FullIsolation' }), 1)
    assert.equal(during.value('tentacle_scripts_running', { isolation: 'NoIsolation' }), 0)
    assert.equal(during.value('tentacle_scripts_waiting', { isolation: 'NoIsolation' }), 1)
    assert.equal(during.value('tentacle_scripts_finished_total', { outcome: 'timed_out_waiting' }), 1)
    assert.equal(during.value('tentacle_scripts_started_total'), 1)
    await holder.letGo()
    await waiting.letGo()
    await waiting.untilComplete()
    const after = await agent.metrics()
    assert.deepEqual(
      after.samples.filter(({ name }) => /_scripts_(running|waiting)$/.test(name)).map(({ value }) => value),
      [0, 0, 0, 0],
    )
    assert.equal(after.value('tentacle_scripts_started_total'), 2)
  })

  test('files and their bytes, and calls that fail', async t => {
    const agent = await startWatched(t)
    const files = agent.halibut.client(FileTransferService, listeningEndpoint(agent))
    await files.uploadFile('a.bin', DataStream.fromBytes(Buffer.alloc(1000)))
    await files.uploadFile('nothing.bin', null)
    assert.equal((await (await files.downloadFile('a.bin'))?.bytes())?.length, 1000)
    assert.equal(await files.downloadFile('none.bin'), null)
    await assert.rejects(files.downloadFile('Work'), { code: 'ERR_SERVICE_INVOCATION' })
    const read = await agent.metrics()
    assert.equal(read.value('tentacle_files_received_total'), 1)
    assert.equal(read.value('tentacle_files_received_bytes_total'), 1000)
    assert.equal(read.value('tentacle_files_sent_total'), 1)
    assert.equal(read.value('tentacle_files_sent_bytes_total'), 1000)
    const call = { service: 'IFileTransferService', method: 'DownloadFile' }
    assert.equal(read.value('tentacle_rpc_calls_total', { ...call, outcome: 'result' }), 2)
    assert.equal(read.value('tentacle_rpc_calls_total', { ...call, outcome: 'error' }), 1)
  })

  test('files that come and go in parts', async t => {
    const agent = await startWatched(t)
    const files = agent.halibut.client(ResumableFileTransferService, listeningEndpoint(agent))
    const content = Buffer.from('a file in two parts')
    const hash = createHash('sha1').update(content).digest('hex')
    const upload = { remotePath: 'parts.bin', length: content.length, hash, sender: 'test' }
    await files.startUpload(upload)
    await files.uploadPart(upload, 0, DataStream.fromBytes(content.subarray(0, 5)))
    assert.equal((await agent.metrics()).value('tentacle_files_received_total'), 0)
    const { status } = await files.uploadPart(upload, 5, DataStream.fromBytes(content.subarray(5)))
    assert.equal(status, 'Complete')
    const wanted = { remotePath: 'parts.bin', version: '', maximumBytes: 10 }
    assert.equal((await (await files.downloadPart({ ...wanted, offset: 0 }))?.content?.bytes())?.length, 10)
    assert.equal((await agent.metrics()).value('tentacle_files_sent_total'), 0)
    await files.downloadPart({ ...wanted, offset: 10 })
    const read = await agent.metrics()
    assert.equal(read.value('tentacle_files_received_total'), 1)
    assert.equal(read.value('tentacle_files_received_bytes_total'), content.length)
    assert.equal(read.value('tentacle_files_sent_total'), 1)
    assert.equal(read.value('tentacle_files_sent_bytes_total'), content.length)
  })

  test('scripts that an agent before this one has started', async t => {
    const agent = await startWatched(t)
    const holder = await startHolder(agent)
    await holder.untilRuns()
    agent.command.signal('SIGTERM')
    await agent.command.ended
    const next = agent.rig.start(['run', '--instance=T', '--noninteractive'], { env: agent.env })
    t.after(async () => {
      next.signal('SIGTERM')
      await next.ended
    })
    await next.printed('LivenessHeartbeatTask.Start(): Starting')
    const before = await agent.metrics()
    assert.equal(before.value('tentacle_scripts_adopted_total'), 1)
    assert.equal(before.value('tentacle_scripts_started_total'), 0)
    assert.equal(before.value('tentacle_scripts_running', { isolation: 'NoIsolation' }), 1)
    await holder.letGo()
    await until('the script is over', async () => {
      const now = await agent.metrics()
      return now.value('tentacle_scripts_finished_total', { outcome: 'succeeded' }) === 1
    })
  })

  test('connections: open, accepted, and refused by the reason', async t => {
    const agent = await startWatched(t)
    await capabilitiesOf(agent.halibut, listeningEndpoint(agent))
    const during = await agent.metrics()
    const incoming = { direction: 'incoming' }
    assert.equal(during.value('tentacle_connections_open', incoming), 1)
    assert.equal(during.value('tentacle_connections_accepted_total', incoming), 1)
    const received = during.value('tentacle_connections_received_bytes_total', incoming)
    assert.ok(received > 100, 'what a connection carries is counted while it lives')
    agent.halibut.disconnect(listeningEndpoint(agent))

    const stranger = openServer(t, await createCertificate({ commonName: 'Stranger' }))
    await assert.rejects(capabilitiesOf(stranger, listeningEndpoint(agent)))
    const browser = connect({ port: agent.port, host: '127.0.0.1', rejectUnauthorized: false })
    browser.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n').resume()
    await once(browser, 'close')
    const plain = connectPlain(agent.port, '127.0.0.1', () => plain.write('not TLS at all'))
    plain.resume().on('error', () => {})
    await once(plain, 'close')

    const after = await until('all connections have ended', async () => {
      const read = await agent.metrics()
      return read.value('tentacle_connections_open', incoming) === 0 && read
    })
    const refused = (reason: string) => after.value('tentacle_connections_refused_total', { reason })
    assert.ok(refused('untrusted') >= 1)
    assert.equal(refused('no_certificate'), 1)
    assert.deepEqual([refused('unidentified'), refused('wrong_server')], [0, 0])
    assert.deepEqual([refused('handshake_failed'), refused('too_many_connections')], [1, 0])
    assert.ok(after.value('tentacle_connections_received_bytes_total', incoming) > received)
    assert.ok(after.value('tentacle_connections_sent_bytes_total', incoming) > 100)
  })

  test('the servers that are polled, and whether they can be reached', async t => {
    const certificate = await serverCertificate()
    const server = openServer(t, certificate, [agentThumbprint])
    const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
    const gone = await freePort()
    const at = `http://127.0.0.1:${await freePort()}`
    const rig = await createAgentRig(t)
    await pollFrom(rig, `https://127.0.0.1:${port}`, certificate.thumbprint)
    await pollFrom(rig, `https://127.0.0.1:${gone}`, 'B'.repeat(40))
    await demand(rig, 'configure', '--instance=T', `--metricsPort=${new URL(at).port}`)
    const command = rig.start(['run', '--instance=T', '--noninteractive'])
    t.after(async () => {
      command.signal('SIGTERM')
      await command.ended
    })
    await command.printed('LivenessHeartbeatTask.Start(): Starting')
    const stateOf = (read: ReadMetrics, one: number, state: string) =>
      read.value('tentacle_polling_state', { server: `127.0.0.1:${one}`, state })
    const read = await until('one server is polled and the other is waited for', async () => {
      const now = await metricsAt(at)
      return stateOf(now, port, 'connected') === 1 && stateOf(now, gone, 'waiting') === 1 && now
    })
    assert.equal(stateOf(read, port, 'waiting') + stateOf(read, gone, 'connected'), 0)
    assert.equal(read.value('tentacle_polling_connections', { thumbprint: 'B'.repeat(8), index: '1' }), 1)
    assert.equal(read.value('tentacle_connections_open', { direction: 'outgoing' }), 1)
  })
})
