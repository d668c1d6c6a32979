import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ScriptServiceV2, type StartScriptCommandV2 } from '@tentacle/contracts'
import { until } from '@tentacle/testkit'
import { listeningEndpoint, openServer, serverCertificate, startAgent } from './agent-rig.ts'
import { createRig } from './rig.ts'
import { startCommand } from './script-agent.ts'

interface Listed {
  readonly Ticket: string
  readonly TaskId: string
  readonly State: string
  readonly ExitCode: number | null
  readonly ProcessId: number | null
  readonly Isolation: string
  readonly MutexName: string
  readonly WaitsFor: readonly string[]
}

describe('list-scripts', () => {
  test('tells what runs, what waits and for whom, what is over, and what nobody has noticed', async t => {
    const certificate = await serverCertificate()
    const agent = await startAgent(t, { configure: ['--trust', certificate.thumbprint] })
    const service = openServer(t, certificate).client(ScriptServiceV2, listeningEndpoint(agent))
    const list = async (): Promise<readonly Listed[]> => {
      const { exitCode, stdout } = await agent.rig.run(['list-scripts', '--instance=T', '--format=json'])
      assert.equal(exitCode, 0)
      return JSON.parse(stdout)
    }
    assert.deepEqual(await list(), [])
    const text = async () => (await agent.rig.run(['list-scripts', '--instance=T'])).stdout
    assert.equal(await text(), 'No scripts\n')

    const start = async (body: string, more: Partial<StartScriptCommandV2>) => {
      const command = startCommand(body, more)
      await service.startScript(command)
      return command.scriptTicket.taskId
    }
    const full = { isolation: 'FullIsolation' } as const
    const waitForGo = 'echo $$ > pid; until [ -e go ]; do sleep 0.02; done; exit 3'
    const holder = await start(waitForGo, { ...full, taskId: 'ServerTasks-1' })
    const second = await start('true', { ...full, taskId: 'ServerTasks-2' })
    const third = await start('true', { taskId: 'ServerTasks-3' })
    const other = await start(waitForGo, { taskId: 'ServerTasks-4', isolationMutexName: 'other' })
    const listed = await until('both are processes', async () => {
      const all = await list()
      return all.filter(({ ProcessId }) => ProcessId !== null).length === 2 && all
    })
    const brief = listed.map(one => [one.Ticket, one.TaskId, one.State, one.Isolation, one.WaitsFor])
    assert.deepEqual(brief, [
      [holder, 'ServerTasks-1', 'Running', 'FullIsolation', []],
      [second, 'ServerTasks-2', 'Waiting', 'FullIsolation', [holder]],
      [third, 'ServerTasks-3', 'Waiting', 'NoIsolation', [holder, second]],
      [other, 'ServerTasks-4', 'Running', 'NoIsolation', []],
    ])
    assert.match(await text(), new RegExp(`${holder} of ServerTasks-1: runs since .* UTC as process \\d+\\n`))
    assert.match(await text(), new RegExp(`Waits for: ${holder}, ${second}\\n`))

    // Without an agent: what it would say is read from the disk.
    agent.command.signal('SIGTERM')
    await agent.command.ended
    process.kill(listed[3]?.ProcessId ?? 0, 'SIGKILL')
    await writeFile(join(agent.rig.at('home/Work'), holder, 'go'), '')
    const ended = await until('both ends are seen', async () => {
      const all = await list()
      return all.every(({ State }) => State !== 'Running') && all
    })
    assert.deepEqual(
      ended.map(({ State, ExitCode, WaitsFor }) => [State, ExitCode, WaitsFor]),
      [
        ['Ended', 3, []],
        ['Waiting', null, []],
        ['Waiting', null, [second]],
        ['Ended', 137, []],
      ],
    )
    assert.match(await text(), /has ended with 3; no agent has taken note of it yet/)
  })

  test('says how a script ended', async t => {
    const certificate = await serverCertificate()
    const agent = await startAgent(t, { configure: ['--trust', certificate.thumbprint] })
    const service = openServer(t, certificate).client(ScriptServiceV2, listeningEndpoint(agent))
    const command = startCommand('exit 3', { durationToWaitForScriptToFinish: 30_000 })
    await service.startScript(command)
    const { stdout } = await agent.rig.run(['list-scripts', '--instance=T'])
    assert.match(stdout, /: ended with 3 at 20\d\d-/)
    await service.completeScript({ ticket: command.scriptTicket })
    assert.equal((await agent.rig.run(['list-scripts', '--instance=T'])).stdout, 'No scripts\n')
  })

  test('refuses what it does not know, and a folder that it may not read is no empty list', async t => {
    const rig = await createRig(t)
    const unknown = await rig.run(['list-scripts', '--instance=Nobody'])
    assert.equal(unknown.exitCode, 1)
    assert.match(unknown.stderr, /Nobody/)
    await rig.run([
      'create-instance',
      '--instance=T',
      `--config=${rig.at('T.config')}`,
      `--home=${rig.at('home')}`,
    ])
    assert.equal((await rig.run(['list-scripts', '--instance=T', '--format=xml'])).exitCode, 1)
    assert.equal((await rig.run(['list-scripts', '--instance=T'])).stdout, 'No scripts\n')
    await rig.write('home/Work', 'a file in the place of the folder')
    const unreadable = await rig.run(['list-scripts', '--instance=T'])
    assert.notEqual(unreadable.exitCode, 0)
    assert.match(unreadable.stderr, /Work cannot be read/)
  })
})
