import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import {
  createCertificate,
  createHalibut,
  DataStream,
  defineService,
  type Halibut,
  type HostedService,
  host,
  method,
  type ServiceEndPoint,
  types,
} from '@tentacle/halibut'
import {
  agentCapabilities,
  CapabilitiesServiceV2,
  FileTransferService,
  newScriptTicket,
  type ProcessOutput,
  ScriptService,
  ScriptServiceV2,
  type ScriptStatusResponse,
  ScriptStatusResponseV2,
  ScriptTicket,
} from '../src/index.ts'

const serverCertificate = await createCertificate({ commonName: 'server' })
const agentCertificate = await createCertificate({ commonName: 'agent' })

/** An agent that keeps files in memory and whose scripts print their body, line by line. */
class MemoryAgent {
  readonly files = new Map<string, Buffer>()
  readonly runs = new Map<string, ProcessOutput[]>()
  readonly received: string[] = []

  get services(): HostedService[] {
    return [
      host(CapabilitiesServiceV2, { getCapabilities: () => ({ supportedCapabilities: agentCapabilities }) }),
      host(FileTransferService, {
        uploadFile: async (path, upload) => {
          const bytes = (await upload?.bytes()) ?? Buffer.alloc(0)
          this.files.set(path, bytes)
          return { fullPath: `/home/${path}`, hash: sha1(bytes), length: bytes.length }
        },
        downloadFile: path => {
          const bytes = this.files.get(path)
          return bytes ? DataStream.fromBytes(bytes) : null
        },
      }),
      host(ScriptService, {
        startScript: async command => {
          for (const file of command.files) this.received.push(`${file.name}=${await file.contents.bytes()}`)
          const ticket = newScriptTicket()
          this.#run(ticket.taskId, command.scriptBody, command.arguments)
          return ticket
        },
        getStatus: ({ ticket, lastLogSequence }) => this.#status(ticket.taskId, lastLogSequence),
        cancelScript: ({ ticket, lastLogSequence }) => this.#status(ticket.taskId, lastLogSequence),
        completeScript: ({ ticket, lastLogSequence }) => this.#status(ticket.taskId, lastLogSequence),
      }),
      host(ScriptServiceV2, {
        startScript: async command => {
          for (const file of command.files) this.received.push(`${file.name}=${await file.contents.bytes()}`)
          this.#run(command.scriptTicket.taskId, command.scriptBody, command.arguments)
          return this.#status(command.scriptTicket.taskId, 0)
        },
        getStatus: ({ ticket, lastLogSequence }) => this.#status(ticket.taskId, lastLogSequence),
        cancelScript: ({ ticket, lastLogSequence }) => this.#status(ticket.taskId, lastLogSequence),
        completeScript: ({ ticket }) => void this.runs.delete(ticket.taskId),
      }),
    ]
  }

  #run(taskId: string, body: string, args: readonly string[]): void {
    const lines = [...body.split('\n'), args.join(' ')]
    const occurred = new Date(1_700_000_000_000)
    this.runs.set(
      taskId,
      lines.map((text, index) => ({ source: index === 0 ? 'StdOut' : 'StdErr', occurred, text })),
    )
  }

  #status(taskId: string, from: number): ScriptStatusResponse {
    const logs = this.runs.get(taskId) ?? []
    return {
      ticket: { taskId },
      logs: logs.slice(from),
      nextLogSequence: logs.length,
      state: 'Complete',
      exitCode: 0,
    }
  }
}

function sha1(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex')
}

async function start(t: TestContext, mode: 'listening' | 'polling') {
  const agent = new MemoryAgent()
  const server = createHalibut({ certificate: serverCertificate, trust: [agentCertificate.thumbprint] })
  const tentacle = createHalibut({
    certificate: agentCertificate,
    trust: [serverCertificate.thumbprint],
    services: agent.services,
  })
  t.after(() => Promise.all([server.close(), tentacle.close()]))
  const listener: Halibut = mode === 'listening' ? tentacle : server
  const baseUri = `https://127.0.0.1:${(await listener.listen({ port: 0, host: '127.0.0.1' })).port}`
  const { thumbprint } = agentCertificate
  if (mode === 'polling') {
    tentacle.poll({
      subscription: 'poll://agent/',
      server: { baseUri, thumbprint: serverCertificate.thumbprint },
    })
  }
  const endpoint: ServiceEndPoint =
    mode === 'listening' ? { baseUri, thumbprint } : { baseUri: 'poll://agent/', thumbprint }
  return { agent, server, endpoint }
}

for (const mode of ['listening', 'polling'] as const) {
  test(`halibut 13.66: ${mode}: files go to an agent and come back, and what is not there is null`, async t => {
    const { agent, server, endpoint } = await start(t, mode)
    const capabilities = await server.client(CapabilitiesServiceV2, endpoint).getCapabilities()
    assert.deepEqual(capabilities.supportedCapabilities, agentCapabilities)
    const files = server.client(FileTransferService, endpoint)
    const content = Buffer.alloc(1_000_000, 'content ')
    const uploaded = await files.uploadFile('a/b.nupkg', DataStream.fromBytes(content))
    assert.deepEqual(uploaded, {
      fullPath: '/home/a/b.nupkg',
      hash: sha1(content),
      length: content.length,
    })
    const downloaded = await files.downloadFile('a/b.nupkg')
    assert.ok((await downloaded?.bytes())?.equals(content))
    assert.equal(await files.downloadFile('missing'), null)
    assert.equal((await files.uploadFile('empty', null)).length, 0)
    assert.equal(agent.files.size, 2)
  })

  test(`halibut 13.66: ${mode}: scripts are run by both versions of the service, with files and arguments, and their logs are read on`, async t => {
    const { agent, server, endpoint } = await start(t, mode)
    const script = {
      scriptBody: 'echo one\necho two',
      isolation: 'FullIsolation',
      scriptIsolationMutexTimeout: 86_400_000,
      isolationMutexName: 'mutex',
      scripts: new Map([['Bash', 'echo bash']] as const),
      arguments: ['--a', 'b c'],
      taskId: 'ServerTasks-1',
    } as const
    const file = (name: string) => ({
      name,
      contents: DataStream.fromText(`of ${name}`),
      encryptionPassword: null,
    })

    const v1 = server.client(ScriptService, endpoint)
    const ticket = await v1.startScript({ ...script, files: [file('one'), file('two')] })
    const first = await v1.getStatus({ ticket, lastLogSequence: 0 })
    assert.deepEqual(
      first.logs.map(({ source, text }) => [source, text]),
      [
        ['StdOut', 'echo one'],
        ['StdErr', 'echo two'],
        ['StdErr', '--a b c'],
      ],
    )
    const rest = await v1.completeScript({ ticket, lastLogSequence: 2 })
    assert.equal(rest.logs.length, 1)
    assert.equal(rest.logs[0]?.occurred.getTime(), 1_700_000_000_000)

    const v2 = server.client(ScriptServiceV2, endpoint)
    const scriptTicket = newScriptTicket()
    const started = await v2.startScript({
      ...script,
      scriptTicket,
      durationToWaitForScriptToFinish: 5000,
      files: [file('three')],
    })
    assert.deepEqual([started.state, started.logs.length, started.nextLogSequence], ['Complete', 3, 3])
    const status = await v2.getStatus({ ticket: scriptTicket, lastLogSequence: 3 })
    assert.deepEqual(status.logs, [])
    assert.equal((await v2.cancelScript({ ticket: scriptTicket, lastLogSequence: 0 })).logs.length, 3)
    assert.equal(await v2.completeScript({ ticket: scriptTicket }), undefined)
    assert.ok(!agent.runs.has(scriptTicket.taskId))
    assert.deepEqual(agent.received, ['one=of one', 'two=of two', 'three=of three'])
  })
}

test('tentacle 12.42: a caller may have seen any number of log entries that .NET can count to', async t => {
  const { server, endpoint } = await start(t, 'listening')
  const request = types.record({
    dotnet: 'Octopus.Tentacle.Contracts.ScriptServiceV2.ScriptStatusRequestV2, Octopus.Tentacle.Contracts',
    fields: { ticket: ScriptTicket, lastLogSequence: types.int64 },
  })
  const Asks = defineService(ScriptServiceV2.wireName, {
    getStatus: method([request], ScriptStatusResponseV2),
  })
  const ticket = newScriptTicket()
  for (const lastLogSequence of [2n ** 63n - 1n, -(2n ** 63n)]) {
    const answer = await server.client(Asks, endpoint).getStatus({ ticket, lastLogSequence })
    assert.deepEqual([answer.state, answer.logs], ['Complete', []])
  }
})
