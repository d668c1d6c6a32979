import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { HalibutObserver } from '../src/index.ts'
import { pair, until } from './runtimes.ts'

const names = [
  'connectionRefused',
  'connectionOpened',
  'connectionAuthorised',
  'connectionClosed',
  'subscriberConnected',
  'subscriberDisconnected',
  'callStarted',
  'callFinished',
] as const satisfies readonly (keyof HalibutObserver)[]

for (const mode of ['listening', 'polling'] as const) {
  test(`${mode}: an observer that fails is logged, and disturbs neither calls nor connections`, async t => {
    const heard = new Set<string>()
    const observer: HalibutObserver = Object.fromEntries(
      names.map(name => [
        name,
        () => {
          heard.add(name)
          throw new Error(`cannot count ${name}`)
        },
      ]),
    )
    const { call, client, service, log, port } = await pair(t, mode, {
      client: { observer },
      service: { observer },
    })
    assert.equal(await call.sayHello('first'), 'first...')
    assert.equal(await call.sayHello('second'), 'second...')
    const stranger = connect(port, '127.0.0.1', () => stranger.write('not TLS at all'))
    stranger.resume().on('error', () => {})
    await once(stranger, 'close')
    await service.close()
    await client.close()
    const expected = names.filter(name => mode === 'polling' || !name.startsWith('subscriber'))
    await until(() => heard.size === expected.length, 'every event was seen')
    for (const name of expected)
      assert.ok(
        log.some(({ message }) => message.includes(`cannot count ${name}`)),
        name,
      )
  })
}
