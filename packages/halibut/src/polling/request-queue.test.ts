import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { TestConnection } from '../../test/packets.ts'
import type { OutgoingCall } from '../client/outgoing-call.ts'
import { ResponseCache } from '../client/response-cache.ts'
import { createServiceClient } from '../client/service-client.ts'
import { Connection } from '../exchange/connection.ts'
import { ReceivedFiles } from '../exchange/received-files.ts'
import { defaultLimits, defineService, HalibutError, method, parseThumbprint, types } from '../index.ts'
import { encodeEndpoint } from '../messages/endpoint-document.ts'
import { RequestQueue } from './request-queue.ts'

const subscription = 'poll://tests/'
const Service = defineService('IService', { go: method([types.text], types.text) })
const somebody = parseThumbprint('00'.repeat(20))

/** A queue, and a client whose calls go into it. */
function queueWithClient(): { queue: RequestQueue; go: (argument: string) => Promise<string> } {
  const queue = new RequestQueue(subscription, defaultLimits)
  const { go } = createServiceClient(Service, {
    endpoint: subscription,
    document: encodeEndpoint({ baseUri: subscription }, subscription, defaultLimits),
    cache: new ResponseCache(),
    cacheKey: subscription,
    call: (call: OutgoingCall) => queue.call(call, undefined, 5000),
  })
  return { queue, go }
}

function poller(): { wire: TestConnection; connection: Connection } {
  const wire = new TestConnection()
  const files = new ReceivedFiles(tmpdir())
  return { wire, connection: new Connection(wire.stream, { limits: defaultLimits, files }) }
}

const lost = new HalibutError('ERR_CONNECTION_LOST', 'gone')

test('halibut 14.47: a call whose poller is lost before a byte of it was written is the first for the next poller', async () => {
  const { queue, go } = queueWithClient()
  const calls = [go('a'), go('b')]
  const gone = poller()
  const first = await queue.next(somebody, gone.connection, 1000)
  assert.ok(first)
  gone.connection.hangUp(lost)
  await assert.rejects(queue.exchange(first, gone.connection), { code: 'ERR_CONNECTION_LOST' })
  assert.equal(gone.wire.writes.length, 0)

  const next = await queue.next(somebody, poller().connection, 1000)
  assert.equal(next, first)
  for (const item of [next, await queue.next(somebody, poller().connection, 1000)]) item?.settle(() => 'done')
  assert.deepEqual(await Promise.all(calls), ['done', 'done'])
  assert.ok(queue.isIdle)
})

test('halibut 14.47: a call of which bytes were written is never given to another poller', async () => {
  const { queue, go } = queueWithClient()
  const calling = assert.rejects(go('a'), { code: 'ERR_CONNECTION_LOST' })
  const dying = poller()
  const item = await queue.next(somebody, dying.connection, 1000)
  assert.ok(item)
  const exchanging = assert.rejects(queue.exchange(item, dying.connection), { code: 'ERR_CONNECTION_LOST' })
  await new Promise(setImmediate)
  assert.ok(dying.wire.written.length > 0)
  dying.connection.hangUp(lost)
  await Promise.all([exchanging, calling])
  assert.equal(await queue.next(somebody, poller().connection, 20), undefined)
})

test('halibut 14.47: a connection that is gone, or speaks while it should wait, is given nothing', async () => {
  const { queue, go } = queueWithClient()
  const gone = poller()
  gone.connection.hangUp(lost)
  const speaking = poller()
  await speaking.wire.arrive(Buffer.from('x'))
  const waiting = poller()
  const disturbed = queue.next(somebody, waiting.connection, 5000)
  waiting.wire.end()
  assert.equal(await disturbed, undefined)
  const calling = go('a')
  for (const { connection } of [gone, speaking, waiting])
    assert.equal(await queue.next(somebody, connection, 5000), undefined)
  const item = await queue.next(somebody, poller().connection, 1000)
  item?.settle(() => 'done')
  assert.equal(await calling, 'done')
})
