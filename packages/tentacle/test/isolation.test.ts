import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { StartScriptCommandV2 } from '@tentacle/contracts'
import { until } from '@tentacle/testkit'
import { caller, follow, openServices, printed, startCommand, status, textsOf } from './script-agent.ts'

type Agent = Awaited<ReturnType<typeof openServices>>

/** A script that holds its mutex until it is let go. */
async function startHolder(agent: Agent, more: Partial<StartScriptCommandV2>): Promise<StartScriptCommandV2> {
  const command = startCommand('echo up; while [ ! -e go ]; do sleep 0.02; done', more)
  await agent.scriptsV2.startScript(command, caller)
  await until('the holder runs', async () => printed((await status(agent, command)).logs).includes('up'))
  return command
}

async function letGo(agent: Agent, { scriptTicket }: StartScriptCommandV2): Promise<void> {
  await writeFile(join(agent.home, 'Work', scriptTicket.taskId, 'go'), '')
  assert.equal((await follow(agent, { scriptTicket })).exitCode, 0)
}

test('tentacle 12.50: full isolation excludes others of the same name, and nobody else', async t => {
  const agent = await openServices(t)
  const holder = await startHolder(agent, { isolation: 'FullIsolation', isolationMutexName: 'one' })
  const excluded = startCommand('echo mine', { isolationMutexName: 'one' })
  const alone = startCommand('echo mine', { isolation: 'FullIsolation', isolationMutexName: 'two' })
  await agent.scriptsV2.startScript(excluded, caller)
  await agent.scriptsV2.startScript(alone, caller)
  assert.equal((await follow(agent, alone)).exitCode, 0)
  assert.equal((await status(agent, excluded)).state, 'Pending')
  await letGo(agent, holder)
  assert.equal((await follow(agent, excluded)).exitCode, 0)
})

test('tentacle 12.50: scripts without isolation run beside each other', async t => {
  const agent = await openServices(t)
  const [one, two] = [await startHolder(agent, {}), await startHolder(agent, {})]
  await letGo(agent, two)
  await letGo(agent, one)
})

test('tentacle 12.50: a script that waits too long is complete with -44 and was never run', async t => {
  const agent = await openServices(t)
  const holder = await startHolder(agent, { isolation: 'FullIsolation' })
  const late = startCommand('echo never', { scriptIsolationMutexTimeout: 150 })
  await agent.scriptsV2.startScript(late, caller)
  const { exitCode, logs } = await follow(agent, late)
  assert.equal(exitCode, -44)
  assert.ok(!textsOf(logs).includes('never'))
  await letGo(agent, holder)
})

test('tentacle 12.46: a script that is cancelled while it waits is complete with -43 and was never run', async t => {
  const agent = await openServices(t)
  const holder = await startHolder(agent, { isolation: 'FullIsolation' })
  const waiting = startCommand('echo never')
  await agent.scriptsV2.startScript(waiting, caller)
  await agent.scriptsV2.cancelScript({ ticket: waiting.scriptTicket, lastLogSequence: 0 }, caller)
  const { exitCode, logs } = await follow(agent, waiting)
  assert.equal(exitCode, -43)
  assert.ok(!textsOf(logs).includes('never'))
  await letGo(agent, holder)
})

test('tentacle 12.51: a script that has to wait says for whom, in marks that servers understand', async t => {
  const agent = await openServices(t, { waitNotice: { firstMs: 20, repeatMs: 100 } })
  const holder = await startHolder(agent, { isolation: 'FullIsolation', taskId: 'ServerTasks-77' })
  const cases = [
    { taskId: 'ServerTasks-77', says: /another script of this same task \[ServerTasks-77\]/ },
    {
      taskId: 'ServerTasks-78',
      says: /a script of the task \[ServerTasks-77\]\(~\/app#\/tasks\/ServerTasks-77\) holds the mutex RunningScript/,
    },
    { taskId: 'ServerTasks-79', says: /scripts of the tasks \[ServerTasks-77\]\(.*\), \[ServerTasks-78\]\(/ },
  ]
  const waiting: StartScriptCommandV2[] = []
  for (const { taskId, says } of cases) {
    const command = startCommand('true', { taskId, isolation: 'FullIsolation' })
    await agent.scriptsV2.startScript(command, caller)
    waiting.push(command)
    const notices = await until('it has said so twice', async () => {
      const lines = textsOf((await status(agent, command)).logs).slice(3)
      return lines.length >= 6 && lines
    })
    assert.equal(notices[0], '##octopus[stdout-wait]')
    assert.match(notices[1] ?? '', says)
    const { taskId: ticket } = holder.scriptTicket
    assert.match(
      notices[1] ?? '',
      new RegExp(`${ticket} has it since 20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC`),
    )
    for (const { scriptTicket } of waiting.slice(0, -1))
      assert.match(notices[1] ?? '', new RegExp(`${scriptTicket.taskId} waits before it`))
    assert.equal(notices[2], '##octopus[stdout-default]')
    assert.equal(notices[3], '##octopus[stdout-wait]', 'again after a while')
  }
  await letGo(agent, holder)
  for (const command of waiting) assert.equal((await follow(agent, command)).exitCode, 0)
})

test('a first version script and a second version one share the mutex', async t => {
  const agent = await openServices(t)
  const holder = await startHolder(agent, { isolation: 'FullIsolation' })
  const { scriptTicket, durationToWaitForScriptToFinish, ...v1 } = startCommand('echo mine')
  const ticket = await agent.scripts.startScript(v1, caller)
  assert.equal((await agent.scripts.getStatus({ ticket, lastLogSequence: 0 }, caller)).state, 'Pending')
  await letGo(agent, holder)
  await until('it has run', async () => {
    return (await agent.scripts.getStatus({ ticket, lastLogSequence: 0 }, caller)).state === 'Complete'
  })
})
