import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { ApiError, type Resource } from '@tentacle/quickstart'
import { until } from '@tentacle/testkit'
import { createProject, logLines, startDeployment, upload } from './deployments.ts'
import { type System, startSystem } from './system.ts'

const space = '/api/Spaces-1'
const machines = ['listening-agent', 'polling-agent']

describe('bad input', { timeout: 300_000 }, () => {
  let system: System
  before(async () => {
    system = await startSystem({ agents: true })
  })
  after(() => system.stop())

  async function finished(taskId: string, timeoutMs = 60_000): Promise<Resource> {
    return until(
      `task ${taskId} has ended`,
      async () => {
        const task = await system.api.get(`/api/tasks/${taskId}`)
        return task.IsCompleted === true ? task : undefined
      },
      { timeoutMs, everyMs: 50 },
    )
  }

  async function runScript(body: string, machineIds: readonly string[]): Promise<Resource> {
    const task = await system.api.post('/api/tasks', {
      Name: 'AdHocScript',
      Description: 'A script of the tests',
      SpaceId: 'Spaces-1',
      Arguments: { ScriptBody: body, Syntax: 'Bash', MachineIds: machineIds, TargetType: 'Machines' },
    })
    return finished(task.Id)
  }

  /** By default calls are tried again for two and a half minutes; the tests do not wait for that. */
  async function doNotRetryCalls(): Promise<void> {
    const [policy] = await system.api.items(`${space}/machinepolicies?take=1`)
    assert.ok(policy)
    const retries = { Enabled: false, RetryDuration: '00:00:01', HealthCheckRetryDuration: '00:00:01' }
    const text = JSON.stringify({ ...policy, MachineRpcCallRetryPolicy: retries })
    await system.api.put(`${space}/machinepolicies/${policy.Id}`, JSON.parse(text))
  }

  async function machineIds(): Promise<ReadonlyMap<string, string>> {
    const found = await system.api.items(`${space}/machines?take=2147483647`)
    return new Map(found.map(machine => [String(machine.Name), machine.Id]))
  }

  /** What came back until the other side closed the connection. */
  function answerTo(port: number, bytes: string | Buffer, secure: boolean): Promise<string> {
    return new Promise(resolve => {
      const socket = secure
        ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
        : connect({ port, host: '127.0.0.1' })
      const received: Buffer[] = []
      socket.on('data', chunk => received.push(chunk))
      socket.on('error', () => {})
      socket.on('close', () => resolve(Buffer.concat(received).toString('latin1')))
      socket.once(secure ? 'secureConnect' : 'connect', () => socket.write(bytes))
    })
  }

  test('a file that is not an archive is refused, and nothing of it is kept', async () => {
    const file = join(system.home.path, 'Not.An.Archive.1.0.0.zip')
    writeFileSync(file, 'this is text')
    await assert.rejects(upload(system.api, file), (error: unknown) => {
      assert.ok(error instanceof ApiError)
      assert.equal(error.status, 400)
      assert.match(error.message, /Not\.An\.Archive|archive/)
      return true
    })
    const packages = await system.api.items(`${space}/packages?filter=Not.An.Archive`)
    assert.deepEqual(packages, [])
  })

  test('a command that does not exist fails the task with the words of the shell and its exit code', async () => {
    const id = (await machineIds()).get('listening-agent') ?? ''
    const task = await runScript('no_such_command_here', [id])
    assert.equal(task.State, 'Failed')
    const text = (await logLines(system.api, task.Id, machines)).map(line => line.text).join('\n')
    assert.match(text, /no_such_command_here: command not found/)
    assert.match(`${task.ErrorMessage}\n${text}`, /127/)
  })

  test('a deployment of a package that the feed does not have fails and names it', async () => {
    await createProject(system.api, 'Missing', 'Missing.Package')
    const task = await finished(await startDeployment(system.api, 'Missing', '9.9.9'))
    assert.equal(task.State, 'Failed')
    const text = (await logLines(system.api, task.Id, machines)).map(line => line.text).join('\n')
    assert.match(`${task.ErrorMessage}\n${text}`, /Missing\.Package.*9\.9\.9/)
  })

  test('a wrong password is refused without saying which of the two was wrong', async () => {
    const answer = await fetch(`${system.base}/api/users/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ Username: 'admin', Password: 'wrong' }),
    })
    assert.equal(answer.status, 400)
    assert.equal(answer.headers.getSetCookie().length, 0)
  })

  test('garbage on the port of the Tentacles changes nothing for them', async () => {
    await answerTo(system.commsPort, 'GET / HTTP/1.1\r\n\r\n', false)
    await answerTo(system.commsPort, Buffer.alloc(2_000, 7), false)
    assert.match(await answerTo(system.commsPort, 'HELLO\n\n', true), /^HTTP\/1\.[01] 200/)
    await answerTo(system.commsPort, Buffer.concat([Buffer.from('MX\r\n\r\n'), Buffer.alloc(500, 9)]), true)
    const ids = [...(await machineIds()).values()]
    assert.equal((await runScript('echo still here', ids)).State, 'Success')
  })

  test('a machine that is off is reported as unavailable; the others are not held up', async () => {
    const ids = await machineIds()
    await doNotRetryCalls()
    await system.agent('listening-agent').stop()
    const health = await system.api.post('/api/tasks', {
      Name: 'Health',
      SpaceId: 'Spaces-1',
      Arguments: { MachineIds: [...ids.values()], Timeout: '00:02:00', MachineTimeout: '00:00:30' },
    })
    const ended = await finished(health.Id, 120_000)
    assert.equal(ended.State, 'Failed')
    const states = new Map(
      (await system.api.items(`${space}/machines?take=2147483647`)).map(machine => [
        machine.Name,
        machine.HealthStatus,
      ]),
    )
    assert.equal(states.get('listening-agent'), 'Unavailable')
    assert.equal(states.get('polling-agent'), 'Healthy')

    const script = await runScript('echo reached', [...ids.values()])
    assert.equal(script.State, 'Failed')
    const lines = await logLines(system.api, script.Id, machines)
    assert.ok(lines.some(line => line.machine === 'polling-agent' && line.text === 'reached'))
    const told = lines.filter(line => line.machine === 'listening-agent').map(line => line.text)
    assert.match(told.join('\n'), /refused|reach/i)
  })
})
