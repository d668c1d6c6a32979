import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '@tentacle/testkit'
import { createLog } from '../logging/log.ts'
import { createServiceNotifier, watchdogPeriod, withoutServiceVariables } from './service-notifier.ts'

/** A `systemd-notify` that notes what it is told, for as long as the test runs. */
async function listener(t: TestContext, env: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'tentacle-notify-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const program = join(folder, 'systemd-notify')
  const notes = join(folder, 'notes')
  await writeFile(
    program,
    `#!/bin/sh\nfor word in "$NOTIFY_SOCKET" "$@"; do echo "$word"; done >> '${notes}'\n`,
  )
  await chmod(program, 0o755)
  const warnings: string[] = []
  const notifier = createServiceNotifier({
    env: { PATH: `${folder}:/usr/bin:/bin`, NOTIFY_SOCKET: '/run/notify', ...env },
    processId: 42,
    log: createLog([(_, text) => warnings.push(text)], 'warn'),
  })
  const heard = () => readFile(notes, 'utf8').catch(() => '')
  return { notifier, heard, warnings, program }
}

test('systemd hears when the agent is ready and when it stops', async t => {
  const { notifier, heard, warnings } = await listener(t)
  await notifier.ready('listens on port 10933')
  assert.equal(await heard(), '/run/notify\nREADY=1\nSTATUS=listens on port 10933\n')
  await notifier.stopping()
  assert.match(await heard(), /\n\/run\/notify\nSTOPPING=1\nSTATUS=.+\n$/)
  assert.deepEqual(warnings, [])
})

test('a watched agent shows that it is alive until it stops', async t => {
  const { notifier, heard } = await listener(t, { WATCHDOG_USEC: '100000', WATCHDOG_PID: '42' })
  await notifier.ready('works')
  await until('three signs of life', async () => ((await heard()).match(/WATCHDOG=1/g)?.length ?? 0) >= 3)
  await notifier.stopping()
})

test('a program that cannot be started is told once, and stops nothing', async t => {
  const { notifier, warnings, program } = await listener(t)
  await rm(program)
  await writeFile(program, '#!/bin/sh\necho no >&2; exit 3\n', { mode: 0o755 })
  await notifier.ready('works')
  await notifier.stopping()
  assert.deepEqual(warnings, ['systemd cannot be told READY=1: no'])
})

test('without a service manager nobody is told anything', async t => {
  const { notifier, heard } = await listener(t, { NOTIFY_SOCKET: '' })
  await notifier.ready('works')
  await notifier.stopping()
  assert.equal(await heard(), '')
})

test('the watchdog is for one process, and scripts know nothing of it', () => {
  assert.equal(watchdogPeriod({ WATCHDOG_USEC: '180000000' }, 7), 180_000)
  assert.equal(watchdogPeriod({ WATCHDOG_USEC: '180000000', WATCHDOG_PID: '7' }, 7), 180_000)
  assert.equal(watchdogPeriod({ WATCHDOG_USEC: '180000000', WATCHDOG_PID: '8' }, 7), undefined)
  for (const WATCHDOG_USEC of ['', '0', '-1', 'x'])
    assert.equal(watchdogPeriod({ WATCHDOG_USEC }, 7), undefined)
  assert.deepEqual(
    withoutServiceVariables({ A: '1', NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '1', WATCHDOG_PID: '2' }),
    { A: '1' },
  )
})
