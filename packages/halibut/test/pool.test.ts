import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultLimits } from '../src/index.ts'
import { callTo } from './dead-ends.ts'
import { listenRaw, type RawPeer, serveByHand } from './raw-peer.ts'
import { certificateFor, failure, pair, runtime, TestService, until } from './runtimes.ts'

test('halibut 13.43: a second call uses the same connection, parallel calls open more, five are kept', async t => {
  let open = 0
  let opened = 0
  const { call, control } = await pair(t, 'listening', {
    service: {
      observer: {
        connectionOpened() {
          open++
          opened++
        },
        connectionClosed: () => void open--,
      },
    },
  })
  await call.sayHello('a')
  await call.sayHello('b')
  assert.equal(opened, 1)
  const names = Array.from({ length: 8 }, (_, i) => `p${i}`)
  const calls = names.map(name => call.wait(name))
  await Promise.all(names.map(name => control.arrived(name)))
  assert.equal(opened, 8)
  for (const name of names) control.release(name)
  await Promise.all(calls)
  await until(() => open === 5, 'five connections')
})

test('halibut 13.44: a connection on which a call failed is not used again', async t => {
  let connections = 0
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    if (++connections > 1) return serveByHand(peer, () => 'ok')
    await peer.lines('MX', '', 'MX-CLIENT 1.0', '')
    peer.say('MX-SERVER 1.0\r\n\r\n')
    await peer.message()
    peer.say('NONSENSE\r\n')
  })
  const call = await callTo(t, listener.port)
  await failure(call.sayHello('a'), 'ERR_PROTOCOL')
  assert.equal(await call.sayHello('b'), 'ok')
  assert.equal(connections, 2)
})

test('a pooled connection that the service closed, or spoke on, is noticed before the next call', async t => {
  let connections = 0
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    connections++
    await peer.lines('MX', '', 'MX-CLIENT 1.0', '')
    peer.say('MX-SERVER 1.0\r\n\r\n')
    const message = (await peer.message()).get('Message')
    assert.ok(message && typeof message === 'object' && 'get' in message)
    await peer.respond(String(message.get('id')), 'ok')
    if (connections === 1) peer.socket.end()
    else peer.say('surprise\r\n')
    await peer.closed
  })
  let closed = 0
  const client = await runtime(t, 'client', {
    limits: { retryCountLimit: 1 },
    observer: { connectionClosed: () => void closed++ },
  })
  const { thumbprint } = await certificateFor('service')
  const call = client.client(TestService, { baseUri: `https://127.0.0.1:${listener.port}`, thumbprint })
  for (let i = 1; i <= 3; i++) {
    assert.equal(await call.sayHello('a'), 'ok')
    await until(() => closed === i, 'the end of the connection')
    assert.equal(connections, i)
  }
})

test('halibut 13.45: a pooled connection that went silent is found by NEXT, and the call succeeds on a new one', async t => {
  let connections = 0
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    if (++connections > 1) return serveByHand(peer, () => 'ok')
    peer.socket.on('error', () => {})
    await peer.lines('MX', '', 'MX-CLIENT 1.0', '')
    peer.say('MX-SERVER 1.0\r\n\r\n')
    const message = (await peer.message()).get('Message')
    assert.ok(message && typeof message === 'object' && 'get' in message)
    await peer.respond(String(message.get('id')), 'ok')
    await peer.lines('NEXT')
  })
  const call = await callTo(t, listener.port, { tcpClientHeartbeatReceiveTimeoutMs: 50 })
  assert.equal(await call.sayHello('a'), 'ok')
  assert.equal(await call.sayHello('b'), 'ok')
  assert.equal(connections, 2)
  assert.equal(defaultLimits.tcpClientHeartbeatReceiveTimeoutMs, 60_000)
})

test('halibut 13.47: after the second dead pooled connection the others are dropped, too', async t => {
  let connections = 0
  const stalled = new Set<RawPeer>()
  const arrived: string[] = []
  let release: () => void = () => {}
  const allThere = new Promise<void>(resolve => {
    release = resolve
  })
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    if (++connections > 4) return serveByHand(peer, () => 'ok')
    peer.socket.on('error', () => {})
    stalled.add(peer)
    await peer.lines('MX', '', 'MX-CLIENT 1.0', '')
    peer.say('MX-SERVER 1.0\r\n\r\n')
    const message = (await peer.message()).get('Message')
    assert.ok(message && typeof message === 'object' && 'get' in message)
    arrived.push('x')
    if (arrived.length === 4) release()
    await allThere
    await peer.respond(String(message.get('id')), 'ok')
    await peer.closed
  })
  const call = await callTo(t, listener.port, { tcpClientHeartbeatReceiveTimeoutMs: 40, retryCountLimit: 3 })
  await Promise.all(['a', 'b', 'c', 'd'].map(name => call.sayHello(name)))
  assert.equal(await call.sayHello('e'), 'ok')
  assert.equal(connections, 5)
  for (const peer of stalled) await peer.closed
})

test('disconnecting an endpoint cuts its calls and closes its idle connections', async t => {
  const { call, client, endpoint, control } = await pair(t, 'listening')
  const calling = failure(call.wait('a'), 'ERR_CONNECTION_LOST')
  await control.arrived('a')
  client.disconnect(endpoint)
  await calling
  control.release('a')
  assert.equal(await call.sayHello('b'), 'b...')
})
