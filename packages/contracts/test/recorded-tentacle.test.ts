import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createCertificate,
  createHalibut,
  type Halibut,
  type HostedService,
  host,
  type ServiceEndPoint,
} from '@tentacle/halibut'
import { acceptTls, dialTls, type Entry, messageOf, playSide, readRecording } from '@tentacle/testkit'
import {
  CapabilitiesServiceV2,
  FileTransferService,
  type ProcessOutput,
  ScriptService,
  ScriptServiceV2,
  type StartScriptCommandV2,
} from '../src/index.ts'

const ours = await createCertificate({ commonName: 'ours' })
const theirs = await createCertificate({ commonName: 'theirs' })

/** What passed through, as typed values. */
interface Seen {
  readonly commands: StartScriptCommandV2[]
  readonly logs: ProcessOutput[]
}

/** The services of an agent, each call passed on to the agent at `endpoint`. */
function forwarding(caller: Halibut, endpoint: ServiceEndPoint, seen: Seen): HostedService[] {
  const v1 = caller.client(ScriptService, endpoint)
  const v2 = caller.client(ScriptServiceV2, endpoint)
  const files = caller.client(FileTransferService, endpoint)
  const note = <R extends { readonly logs: readonly ProcessOutput[] }>(response: R): R => {
    seen.logs.push(...response.logs)
    return response
  }
  return [
    host(CapabilitiesServiceV2, {
      getCapabilities: () => caller.client(CapabilitiesServiceV2, endpoint).getCapabilities(),
    }),
    host(ScriptServiceV2, {
      startScript: async command => {
        seen.commands.push(command)
        return note(await v2.startScript(command))
      },
      getStatus: async request => note(await v2.getStatus(request)),
      cancelScript: async command => note(await v2.cancelScript(command)),
      completeScript: command => v2.completeScript(command),
    }),
    host(ScriptService, {
      startScript: command => v1.startScript(command),
      getStatus: async request => note(await v1.getStatus(request)),
      cancelScript: async command => note(await v1.cancelScript(command)),
      completeScript: async command => note(await v1.completeScript(command)),
    }),
    host(FileTransferService, {
      uploadFile: (path, upload) => files.uploadFile(path, upload),
      downloadFile: path => files.downloadFile(path),
    }),
  ]
}

/**
 * Plays both recorded ends of a connection with our library in the middle: a service that the recorded caller calls,
 * and a client that passes the calls on to the recorded agent. So each argument and each result is decoded to typed
 * values and encoded again, and both players check that the result is the recorded document.
 */
async function playThrough(entries: readonly Entry[], seen: Seen, packetBytes: number): Promise<void> {
  const agent = await acceptTls(theirs)
  const endpoint = { baseUri: `https://127.0.0.1:${agent.port}/`, thumbprint: theirs.thumbprint }
  const caller = createHalibut({ certificate: ours })
  const services = forwarding(caller, endpoint, seen)
  const service = createHalibut({ certificate: ours, trust: [theirs.thumbprint], services })
  try {
    const { port } = await service.listen({ port: 0, host: '127.0.0.1' })
    const agentPlays = agent.accept().then(socket => playSide('acceptor', entries, socket, { packetBytes }))
    const callerPlays = playSide('connector', entries, await dialTls(port, theirs), { packetBytes })
    // The recorded caller says END when it closes a connection, and so must ours. One was cut in the middle of a call.
    const last = entries.at(-1)
    const isEnded = last?.kind === 'control' && last.text === 'END\r\n'
    await Promise.all([agentPlays, isEnded ? callerPlays.then(() => caller.close()) : callerPlays])
  } finally {
    await Promise.all([service.close(), caller.close()])
    await agent.close()
  }
}

const connections = readRecording('tentacle')

for (const packetBytes of [7, 65_536]) {
  test(`tentacle 12.40: every recorded message becomes typed values and the same document again (packets of ${packetBytes} bytes)`, async () => {
    const seen: Seen = { commands: [], logs: [] }
    for (const entries of connections) {
      await playThrough(entries, seen, packetBytes)
    }
    assert.equal(seen.commands.length, 30)
    assert.ok(seen.logs.length > 1000)
    const [first] = seen.commands
    assert.deepEqual(first, {
      scriptTicket: { taskId: '3OmZ6JPkyP6DH1gd7nqw' },
      scriptBody: 'echo hi',
      taskId: 'ServerTasks-1',
      durationToWaitForScriptToFinish: 5000,
      isolation: 'FullIsolation',
      scriptIsolationMutexTimeout: 2_147_483_647,
      isolationMutexName: 'RunningScript',
      scripts: new Map([['Bash', 'echo hi']]),
      files: [],
      arguments: [],
    })
    assert.deepEqual(seen.logs[0], {
      source: 'StdOut',
      occurred: new Date(1_795_479_796_316),
      text: '##octopus[stdout-verbose]',
    })
    const files = seen.commands.flatMap(command => command.files)
    assert.deepEqual(
      files.map(file => [file.name, file.contents.length]),
      [['extra.txt', 16]],
    )
  })
}

test('the recording has every method of the four services', () => {
  const called = connections.flat().flatMap(entry => {
    const message = entry.kind === 'message' ? messageOf(entry.document) : null
    return message?.method === undefined ? [] : [`${message.service}.${message.method}`]
  })
  assert.deepEqual([...new Set(called)].sort(), [
    'ICapabilitiesServiceV2.GetCapabilities',
    'IFileTransferService.DownloadFile',
    'IFileTransferService.UploadFile',
    'IScriptService.CancelScript',
    'IScriptService.CompleteScript',
    'IScriptService.GetStatus',
    'IScriptService.StartScript',
    'IScriptServiceV2.CancelScript',
    'IScriptServiceV2.CompleteScript',
    'IScriptServiceV2.GetStatus',
    'IScriptServiceV2.StartScript',
  ])
})
