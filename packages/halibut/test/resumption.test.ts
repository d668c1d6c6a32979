import assert from 'node:assert/strict'
import { test } from 'node:test'
import tls from 'node:tls'
import type { ConnectionInfo } from '../src/index.ts'
import { certificateFor, failure, pair, runtime, TestService, TestServiceControl, until } from './runtimes.ts'

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: the second connection to a service takes up the session of the first, and each side still knows the other's certificate`, async t => {
    const seen: ConnectionInfo[] = []
    const observer = { connectionOpened: (info: ConnectionInfo) => void seen.push(info) }
    const before = tls.DEFAULT_MAX_VERSION
    tls.DEFAULT_MAX_VERSION = version
    t.after(() => {
      tls.DEFAULT_MAX_VERSION = before
    })
    const { client, service, call, endpoint } = await pair(t, 'listening', {
      client: { observer },
      service: { observer },
    })
    assert.equal(await call.sayHello('first'), 'first...')
    client.disconnect(endpoint)
    assert.equal(await call.sayHello('second'), 'second...')
    const of = (direction: ConnectionInfo['direction']) => seen.filter(info => info.direction === direction)
    for (const direction of ['incoming', 'outgoing'] as const) {
      const other = direction === 'incoming' ? client : service
      assert.deepEqual(
        of(direction).map(({ isResumed, thumbprint, tlsVersion }) => ({ isResumed, thumbprint, tlsVersion })),
        [false, true].map(isResumed => ({
          isResumed,
          thumbprint: other.certificate.thumbprint,
          tlsVersion: version,
        })),
      )
    }
  })
}

test('a client whose trust was taken away is refused on a resumed session as on a new one', async t => {
  const { client, service, call, endpoint, log } = await pair(t, 'listening', {
    client: { limits: { retryCountLimit: 1 } },
  })
  assert.equal(await call.sayHello('first'), 'first...')
  client.disconnect(endpoint)
  service.trust.remove(client.certificate.thumbprint)
  await failure(call.sayHello('second'), 'ERR_CONNECTION_LOST')
  assert.ok(log.some(({ message }) => message.includes(`${client.certificate.thumbprint} is not trusted`)))
})

test('a service that has another certificate than before is found out, whatever session it is offered', async t => {
  const { call, client, service, port, endpoint } = await pair(t, 'listening')
  assert.equal(await call.sayHello('first'), 'first...')
  client.disconnect(endpoint)
  await service.close()
  const other = await runtime(t, 'other', {
    trust: [client.certificate.thumbprint],
    services: [new TestServiceControl().hosted],
  })
  await other.listen({ port, host: '127.0.0.1' })
  const error = await failure(call.sayHello('second'), 'ERR_UNTRUSTED_PEER')
  assert.equal(error.details.shown, (await certificateFor('other')).thumbprint)
  const right = client.client(TestService, { ...endpoint, thumbprint: other.certificate.thumbprint })
  assert.equal(await right.sayHello('third'), 'third...')
})

test('a service that was started anew does a full handshake with those who offer an old session', async t => {
  const { call, client, service, port } = await pair(t, 'listening')
  assert.equal(await call.sayHello('first'), 'first...')
  await service.close()
  await until(() => service.trust.list().length === 1, 'the service has closed')
  const again = await runtime(t, 'service', {
    trust: [client.certificate.thumbprint],
    services: [new TestServiceControl().hosted],
  })
  await again.listen({ port, host: '127.0.0.1' })
  assert.equal(await call.sayHello('second'), 'second...')
})
