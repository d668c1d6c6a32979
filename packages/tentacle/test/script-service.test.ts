import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { agentCapabilities, ScriptService, ScriptServiceV2 } from '@tentacle/contracts'
import { until } from '@tentacle/testkit'
import { caller, openServices, printed, startCommand, temporaryHome } from './script-agent.ts'

function v1(body: string) {
  const { scriptTicket, durationToWaitForScriptToFinish, ...command } = startCommand(body)
  return command
}

test('tentacle 12.41: runs a script of the first version, and gives its last lines when it is completed', async t => {
  const agent = await openServices(t)
  const ticket = await agent.scripts.startScript(v1('echo one; echo two; exit 6'), caller)
  assert.match(ticket.taskId, /^\d{14}-1-1$/)
  const status = await until('the script is complete', async () => {
    const answer = await agent.scripts.getStatus({ ticket, lastLogSequence: 0 }, caller)
    return answer.state === 'Complete' && answer
  })
  assert.equal(status.exitCode, 6)
  assert.deepEqual(printed(status.logs), ['one', 'two'])
  const last = await agent.scripts.completeScript(
    { ticket, lastLogSequence: status.nextLogSequence - 1 },
    caller,
  )
  assert.equal(last.exitCode, 6)
  assert.deepEqual(last.logs, status.logs.slice(-1))
  await assert.rejects(access(join(agent.home, 'Work', ticket.taskId)))
})

test('tentacle 12.69: each start of the first version is another run with another ticket', async t => {
  const agent = await openServices(t)
  const tickets = await Promise.all(
    Array.from({ length: 5 }, () => agent.scripts.startScript(v1('true'), caller)),
  )
  assert.equal(new Set(tickets.map(ticket => ticket.taskId.toLowerCase())).size, 5)
})

test('tentacle 12.41: answers 0 for tickets of the first version that nobody knows', async t => {
  const agent = await openServices(t)
  const ticket = { taskId: '20260101000000-1-1' }
  const expected = { ticket, state: 'Complete', exitCode: 0, logs: [], nextLogSequence: 0 }
  assert.deepEqual(await agent.scripts.getStatus({ ticket, lastLogSequence: 0 }, caller), expected)
  assert.deepEqual(await agent.scripts.cancelScript({ ticket, lastLogSequence: 0 }, caller), expected)
  assert.deepEqual(await agent.scripts.completeScript({ ticket, lastLogSequence: 0 }, caller), expected)
})

test('a script of the first version keeps its result over a restart', async t => {
  const home = await temporaryHome(t)
  const first = await openServices(t, { home })
  const ticket = await first.scripts.startScript(v1('echo x; exit 8'), caller)
  const isOver = async () =>
    (await first.scripts.getStatus({ ticket, lastLogSequence: 0 }, caller)).state === 'Complete'
  await until('it has run', isOver)
  await first.stop()
  const second = await openServices(t, { home })
  const status = await second.scripts.getStatus({ ticket, lastLogSequence: 0 }, caller)
  assert.equal(status.exitCode, 8)
  assert.deepEqual(printed(status.logs), ['x'])
})

test('tentacle 12.39: names its services, and its own program', async t => {
  const agent = await openServices(t)
  const { supportedCapabilities } = await agent.capabilities.getCapabilities(caller)
  assert.deepEqual(supportedCapabilities, [
    ...agentCapabilities,
    'TentacleDeployerV1',
    'IResumableFileTransferService',
  ])
})

test('tentacle 12.38: answers calls while it stops with what callers know as that', async t => {
  const agent = await openServices(t)
  assert.deepEqual(
    agent.hosted.map(service => service.contract.wireName),
    [
      ScriptService.wireName,
      ScriptServiceV2.wireName,
      'ICapabilitiesServiceV2',
      'IFileTransferService',
      'IResumableFileTransferService',
    ],
  )
  await agent.stop()
  for (const service of agent.hosted) {
    assert.throws(service.open, {
      message: 'The Tentacle service is shutting down and cannot process this request.',
    })
  }
})
