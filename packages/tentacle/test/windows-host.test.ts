import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { until } from '@tentacle/testkit'
import type { WindowsService } from '../src/windows/service-host.ts'
import { createRig } from './rig.ts'
import { standInWindows } from './stand-in-windows.ts'

/** A Windows that has started the test's process as a service, and notes what it is told. */
function startedByWindows() {
  const stop = new AbortController()
  const told: string[] = []
  const service: WindowsService = {
    stopRequest: stop.signal,
    ready: async () => void told.push('ready'),
    stopping: async () => void told.push('stopping'),
    stopped: async exitCode => void told.push(`stopped ${exitCode}`),
  }
  const events: string[] = []
  const windows = {
    ...standInWindows(),
    connectService: async () => service,
    writeErrorEvent: (text: string) => void events.push(text),
  }
  return { windows, told, events, stop: () => stop.abort() }
}

/** A machine with an instance that is told to listen there. The agent makes its certificate itself. */
async function listeningOn(t: TestContext, address: string) {
  const rig = await createRig(t)
  await rig.run(['create-instance', '--instance', 'T', '--config', rig.at('home/T.config')])
  await rig.run(['configure', '--instance=T', '--port=0', `--listenIpAddress=${address}`])
  return rig
}

/** No machine has this address. */
const nowhere = '192.0.2.1'

test('tentacle 12.66: a service of Windows tells when it runs, and ends in order when Windows wants it to', async t => {
  const { windows, told, stop } = startedByWindows()
  const rig = await listeningOn(t, '127.0.0.1')
  const command = rig.start(['run', '--instance=T'], { windows })
  await until('the service runs', () => told.includes('ready'))
  stop()
  const { exitCode, stdout } = await command.ended
  assert.equal(exitCode, 0)
  assert.match(stdout, /Listener stopped\n$/)
  assert.doesNotMatch(stdout, /Press <enter>/)
  assert.deepEqual(told, ['ready', 'stopping', 'stopped 0'])
})

test('tentacle 12.66: a service that fails ends with the exit code of the program, and is in the event log', async t => {
  const rig = await listeningOn(t, nowhere)
  const { windows, told, events } = startedByWindows()
  assert.equal((await rig.run(['run', '--instance=T'], { windows })).exitCode, 100)
  assert.deepEqual(told, ['stopped 100'])
  assert.match(events.join('\n'), /192\.0\.2\.1/)
})

test('an agent that is told how it will be stopped does not ask Windows', async t => {
  const rig = await listeningOn(t, nowhere)
  const { windows, told } = startedByWindows()
  for (const host of ['--console', '--noninteractive', '--monitorMutex=Parent']) {
    assert.equal((await rig.run(['run', '--instance=T', host], { windows })).exitCode, 100)
    assert.deepEqual(told, [], host)
  }
})

test('an agent without the rights of an administrator says so', async t => {
  const rig = await listeningOn(t, nowhere)
  const warning = /has not the rights of an administrator/
  const run = (isElevated: boolean) =>
    rig.run(['run', '--instance=T'], { windows: standInWindows(isElevated) })
  assert.match((await run(false)).stdout, warning)
  assert.doesNotMatch((await run(true)).stdout, warning)
})
