import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createCertificate, createHalibut, type Halibut, host } from '@tentacle/halibut'
import { asObject, dialTls, frameOf, type Json, messageOf, WireSocket } from '@tentacle/testkit'
import {
  FileTransferService,
  ScriptService,
  ScriptServiceV2,
  type ScriptStatusResponseV2,
  type StartScriptCommand,
  type StartScriptCommandV2,
} from '../src/index.ts'

/*
 * What peers of other ages and other makers send: messages are written by hand, and the typed values that a service
 * gets are looked at.
 */

const ours = await createCertificate({ commonName: 'ours' })
const theirs = await createCertificate({ commonName: 'theirs' })

let service: Halibut
let wire: WireSocket
let isFirst = true
let v1Command: StartScriptCommand | undefined
let v2Command: StartScriptCommandV2 | undefined
let uploads: [string, string | null][] = []

const status = (taskId: string): ScriptStatusResponseV2 => ({
  ticket: { taskId },
  logs: [],
  nextLogSequence: 0,
  state: 'Pending',
  exitCode: 0,
})

before(async () => {
  service = createHalibut({
    certificate: ours,
    trust: [theirs.thumbprint],
    services: [
      host(ScriptService, {
        startScript: command => {
          v1Command = command
          return { taskId: 'made-by-agent' }
        },
        getStatus: ({ ticket }) => status(ticket.taskId),
        cancelScript: ({ ticket }) => status(ticket.taskId),
        completeScript: ({ ticket }) => status(ticket.taskId),
      }),
      host(ScriptServiceV2, {
        startScript: command => {
          v2Command = command
          return status(command.scriptTicket.taskId)
        },
        getStatus: ({ ticket }) => status(ticket.taskId),
        cancelScript: ({ ticket }) => status(ticket.taskId),
        completeScript: () => undefined,
      }),
      host(FileTransferService, {
        uploadFile: async (path, upload) => {
          uploads.push([path, upload === null ? null : (await upload.bytes()).toString()])
          return { fullPath: path, hash: null, length: 0 }
        },
        downloadFile: () => null,
      }),
    ],
  })
  const { port } = await service.listen({ port: 0, host: '127.0.0.1' })
  wire = new WireSocket(await dialTls(port, theirs))
  await wire.write('MX\n\nMX-CLIENT 1.0\r\n\r\n')
  assert.equal(await wire.text(17), 'MX-SERVER 1.0\r\n\r\n')
})

after(async () => {
  wire.destroy()
  await service.close()
})

/** Sends a request made by hand and answers the response. */
async function call(serviceName: string, method: string, params: Json[]): Promise<{ [name: string]: Json }> {
  if (!isFirst) {
    await wire.write('NEXT\r\n')
    assert.equal(await wire.text(9), 'PROCEED\r\n')
  }
  isFirst = false
  const $type = 'Halibut.Transport.Protocol.RequestMessage, Halibut'
  await wire.write(frameOf({ Message: { $type, id: 'by hand', service: serviceName, method, params } }))
  const response = messageOf(await wire.message())
  assert.ok(response)
  assert.equal(response.error, null, JSON.stringify(response.error))
  return response
}

const current = (name: string) => `Octopus.Tentacle.Contracts.${name}, Octopus.Tentacle.Contracts`
const legacy = (name: string) => `Octopus.Shared.Contracts.${name}, Octopus.Shared`
const v2 = (name: string) => current(`ScriptServiceV2.${name}`)

for (const [form, named] of [
  ['old', legacy],
  ['current', current],
] as const) {
  test(`tentacle 12.40: the ${form} names are read, also inside generic types, and the old ones written`, async () => {
    v1Command = undefined
    const { result } = await call('IScriptService', 'StartScript', [
      {
        $type: named('StartScriptCommand'),
        ScriptBody: 'echo hi',
        Isolation: { $numberInt: '1' },
        Scripts: {
          $type: `System.Collections.Generic.Dictionary\`2[[${named('ScriptType')}],[System.String, mscorlib]], mscorlib`,
          Bash: 'echo hi',
        },
        Files: {
          $type: `System.Collections.Generic.List\`1[[${named('ScriptFile')}]], System.Private.CoreLib`,
          $values: [],
        },
        Arguments: { $type: 'System.String[], mscorlib', $values: ['a', 'b'] },
        TaskId: 'ServerTasks-1',
        ScriptIsolationMutexTimeout: '00:05:00',
        IsolationMutexName: null,
      },
    ])
    assert.deepEqual(v1Command, {
      scriptBody: 'echo hi',
      isolation: 'FullIsolation',
      scripts: new Map([['Bash', 'echo hi']]),
      files: [],
      arguments: ['a', 'b'],
      taskId: 'ServerTasks-1',
      scriptIsolationMutexTimeout: 300_000,
      isolationMutexName: null,
    })
    assert.deepEqual(result, { $type: legacy('ScriptTicket'), TaskId: 'made-by-agent' })
    const answer = await call('IScriptService', 'GetStatus', [
      { $type: named('ScriptStatusRequest'), Ticket: { TaskId: 'T' }, LastLogSequence: { $numberLong: '7' } },
    ])
    assert.equal(asObject(answer.result).$type, legacy('ScriptStatusResponse'))
  })
}

test('members that are missing, unknown or null do not matter, and enums may be names', async () => {
  v2Command = undefined
  const { result } = await call('IScriptServiceV2', 'StartScript', [
    {
      $type: v2('StartScriptCommandV2'),
      SomethingNewer: { Deep: [{ $numberInt: '1' }] },
      ScriptTicket: { TaskId: 'abc', Extra: null },
      ScriptBody: null,
      Isolation: 'FullIsolation',
      DurationToWaitForScriptToFinish: null,
      Files: null,
    },
  ])
  assert.deepEqual(v2Command, {
    scriptTicket: { taskId: 'abc' },
    scriptBody: '',
    taskId: '',
    durationToWaitForScriptToFinish: null,
    isolation: 'FullIsolation',
    scriptIsolationMutexTimeout: 0,
    isolationMutexName: null,
    scripts: new Map(),
    files: [],
    arguments: [],
  })
  assert.deepEqual(result, {
    $type: v2('ScriptStatusResponseV2'),
    Ticket: { TaskId: 'abc' },
    Logs: [],
    NextLogSequence: { $numberLong: '0' },
    State: { $numberInt: '0' },
    ExitCode: { $numberInt: '0' },
  })
})

test('an upload may have no stream, and a download no file', async () => {
  uploads = []
  const { result } = await call('IFileTransferService', 'UploadFile', ['/tmp/none', null])
  assert.deepEqual(uploads, [['/tmp/none', null]])
  assert.deepEqual(result, {
    $type: legacy('UploadResult'),
    FullPath: '/tmp/none',
    Hash: null,
    Length: { $numberLong: '0' },
  })
  assert.equal((await call('IFileTransferService', 'DownloadFile', ['/no/such/file'])).result, null)
})

test('CompleteScript of the second version answers nothing', async () => {
  const response = await call('IScriptServiceV2', 'CompleteScript', [
    { $type: v2('CompleteScriptCommandV2'), Ticket: { TaskId: 'abc' } },
  ])
  assert.equal(response.result, null)
})
