import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { until } from '@tentacle/testkit'
import { caller, openServices, printed, run, startCommand, status, temporaryHome } from './script-agent.ts'

test('brings a script to the disk when it starts and when it has ended, and nothing of one that is completed at once', async t => {
  const synced: string[] = []
  const sync = async (path: string) => void synced.push(path)
  const agent = await openServices(t, { flush: { sync, delayMs: 2000 } })
  const statesOf = (folder: string) => synced.filter(path => path === join(folder, 'scriptstate.json')).length
  await run(agent, 'true') // the keeper is there
  const quick = await run(agent, 'true')
  await agent.scriptsV2.completeScript({ ticket: quick.command.scriptTicket }, caller)
  const slow = startCommand('while [ ! -e go ]; do sleep 0.02; done')
  await agent.scriptsV2.startScript(slow, caller)
  const folder = join(agent.home, 'Work', slow.scriptTicket.taskId)
  await until('its start is on the disk', () => statesOf(folder) === 1 && synced.includes(join(folder, '..')))
  assert.equal((await status(agent, slow)).state, 'Running')
  await writeFile(join(folder, 'go'), '')
  await until('its end is on the disk', () => statesOf(folder) === 2)
  assert.equal((await status(agent, slow)).state, 'Complete')
  assert.deepEqual(
    synced.filter(path => path.includes(quick.command.scriptTicket.taskId)).map(path => basename(path)),
    [],
  )
})

test('a script that was begun is not made anew when a power cut has taken its state', async t => {
  const home = await temporaryHome(t)
  const first = await openServices(t, { home })
  const { command } = await run(first, 'echo once >> ../../runs; echo told')
  await first.stop()
  const folder = join(home, 'Work', command.scriptTicket.taskId)
  await writeFile(join(folder, 'scriptstate.json'), '')
  for (const path of ['progress', 'run/result']) await rm(join(folder, '.tentacle', path))
  await writeFile(join(folder, 'Output.log'), '')
  // Of a boot before this one.
  await writeFile(join(folder, '.tentacle/run/claim'), '00000000-0000-0000-0000-000000000000 1 1 2 2\n')
  const agent = await openServices(t, { home })
  const again = await agent.scriptsV2.startScript(
    { ...command, durationToWaitForScriptToFinish: 20_000 },
    caller,
  )
  assert.equal(again.state, 'Complete')
  assert.equal(again.exitCode, -46)
  assert.deepEqual(printed(again.logs), ['told'], 'what is left of its output is told')
})
