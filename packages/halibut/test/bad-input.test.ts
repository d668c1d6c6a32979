import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { deflateRawSync, deflateSync } from 'node:zlib'
import { BsonDocument } from '../src/frame/bson-value.ts'
import { BsonWriter, reservedBytes } from '../src/frame/bson-writer.ts'
import { nullFrame } from '../src/frame/write-frame.ts'
import { defineService, type HalibutErrorCode, method, types } from '../src/index.ts'
import { dialRaw, listenRaw, type RawPeer } from './raw-peer.ts'
import { certificateFor, failure, pair, runtime, TestService, until } from './runtimes.ts'

function document(build: (out: BsonWriter) => void): Buffer {
  const out = new BsonWriter()
  build(out)
  return out.finish().subarray(reservedBytes)
}

/** A request with these members, as a frame. */
function request(build: (out: BsonWriter) => void): Buffer {
  return deflateRawSync(
    document(out => {
      out.openDocument('Message')
      build(out)
      out.close()
    }),
  )
}

const requestType = 'Halibut.Transport.Protocol.RequestMessage, Halibut'

/** Bytes that end a connection where a request belongs. */
const badRequests: Readonly<Record<string, Buffer>> = {
  'noise that is no deflate stream': Buffer.concat([Buffer.from([0x07]), randomBytes(500)]),
  'a zlib stream': deflateSync(Buffer.from('{}')),
  'deflate with text inside': deflateRawSync(Buffer.from('{"Message":null}')),
  'BSON that is no message': deflateRawSync(document(out => out.string('Other', 'x'))),
  'a message that is a text': deflateRawSync(document(out => out.string('Message', 'x'))),
  'a response': request(out => {
    out.string('$type', 'Halibut.Transport.Protocol.ResponseMessage, Halibut')
    out.string('id', 'x')
  }),
  'a message of an unknown type': request(out => out.string('$type', 'System.Diagnostics.Process, System')),
  'a type that is no type': request(out => out.string('$type', '[[[[,')),
  'a request without an id': request(out => {
    out.string('$type', requestType)
    out.string('service', 'ITestService')
  }),
  'params that are no array': request(out => {
    out.string('$type', requestType)
    for (const name of ['id', 'service', 'method', 'params']) out.string(name, 'x')
  }),
  'an unknown type for an unknown service': request(out => {
    out.string('$type', requestType)
    for (const name of ['id', 'service', 'method']) out.string(name, 'x')
    out.openArray('params')
    out.openDocument('0')
    out.string('$type', 'System.Windows.Data.ObjectDataProvider, PresentationFramework')
    out.close()
    out.close()
  }),
}

for (const [what, bytes] of Object.entries(badRequests)) {
  test(`${what} where a request belongs ends the connection without an answer; the service lives on`, async t => {
    const { port, call, log } = await pair(t, 'listening')
    const peer = await dialRaw(t, port, await certificateFor('client'))
    peer.say('MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n')
    await peer.lines('MX-SERVER 1.0', '')
    peer.socket.write(bytes)
    peer.socket.on('error', () => {})
    assert.equal(await peer.rest(), '')
    assert.ok(log.some(({ level, message }) => level === 'warn' && message.includes('127.0.0.1')))
    assert.equal(await call.sayHello('after'), 'after...')
  })
}

test('a null request and END instead of a request end the connection quietly', async t => {
  const { port, log } = await pair(t, 'listening')
  for (const bytes of [nullFrame, Buffer.from('END\r\n')]) {
    const peer = await dialRaw(t, port, await certificateFor('client'))
    peer.say('MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n')
    await peer.lines('MX-SERVER 1.0', '')
    peer.socket.write(bytes)
    assert.equal(await peer.rest(), '')
  }
  assert.deepEqual(
    log.filter(({ level }) => level === 'warn'),
    [],
  )
})

test('halibut 13.1 and 13.3: the order of a conversation is MX-SERVER, response, PROCEED, response; END has no reply', async t => {
  const { port } = await pair(t, 'listening')
  const peer = await dialRaw(t, port, await certificateFor('client'))
  peer.say('MX\n\nMX-CLIENT 1.0\r\n\r\n')
  await peer.lines('MX-SERVER 1.0', '')
  await peer.request('one', 'a', 'ITESTservice')
  const first = await peer.message()
  assert.equal(first.members.size, 1)
  peer.say('\r\n\r\nNEXT\r\n')
  await peer.lines('PROCEED')
  await peer.request('two', 'b')
  const message = (await peer.message()).get('Message')
  assert.ok(message instanceof BsonDocument)
  assert.deepEqual(Object.fromEntries(message.members), {
    $type: 'Halibut.Transport.Protocol.ResponseMessage, Halibut',
    id: 'two',
    error: null,
    result: 'b...',
  })
  peer.say('END\r\n')
  assert.equal(await peer.rest(), '')
})

test('anything but NEXT or END after a response ends the connection', async t => {
  const { port, log } = await pair(t, 'listening')
  const peer = await dialRaw(t, port, await certificateFor('client'))
  peer.say('MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n')
  await peer.lines('MX-SERVER 1.0', '')
  await peer.request('one', 'a')
  await peer.message()
  peer.say('next\r\n')
  assert.equal(await peer.rest(), '')
  assert.ok(log.some(({ message }) => message.includes('"next" where NEXT or END belongs')))
})

test('halibut 13.8: members that nobody knows are read over, and names in another case are known', async t => {
  const { port } = await pair(t, 'listening')
  const peer = await dialRaw(t, port, await certificateFor('client'))
  peer.say('MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n')
  await peer.lines('MX-SERVER 1.0', '')
  await peer.send(out => {
    out.openDocument('message')
    out.string('Future', 'x')
    out.string('ID', '1')
    out.openDocument('endpoint')
    out.int32('unheard', 1)
    out.close()
    out.string('SERVICE', 'ITestService')
    out.string('Method', 'DoNothing')
    out.nothing('params')
    out.close()
  })
  assert.ok((await peer.message()).get('Message'))
})

for (const mode of ['listening', 'polling'] as const) {
  test(`${mode}: a request over the service's limit fails with a cut connection, and the next call works`, async t => {
    const { call, log } = await pair(t, mode, { service: { limits: { maxMessageBytes: 100_000 } } })
    const error = await failure(call.sayHello('x'.repeat(200_000)), 'ERR_CONNECTION_LOST')
    assert.equal(error.details.connectionState, 'unknown')
    assert.equal(await call.sayHello('after'), 'after...')
    assert.ok(log.some(({ message }) => message.includes('more than 100000 bytes')))
  })

  test(`${mode}: a response over the caller's limit fails the call, and the next one works`, async t => {
    const { call } = await pair(t, mode, { client: { limits: { maxMessageBytes: 100_000 } } })
    await failure(call.sayHello('x'.repeat(99_990)), 'ERR_MESSAGE_TOO_LARGE')
    assert.equal(await call.sayHello('after'), 'after...')
  })

  test(`${mode}: a result of another type than the contract says fails the call`, async t => {
    const { client, endpoint, call } = await pair(t, mode)
    const wrong = client.client(
      defineService('ITestService', { sayHello: method([types.text], types.bool) }),
      endpoint,
    )
    await failure(wrong.sayHello('x'), 'ERR_PROTOCOL')
    const Other = types.record({ dotnet: 'Other.Type, Other', fields: {} })
    const Place = types.record({ dotnet: 'Tests.Place, Tests', fields: { latitude: types.int32 } })
    const strange = client.client(defineService('ITestService', { move: method([Place], Other) }), endpoint)
    await failure(strange.move({ latitude: 1 }), 'ERR_UNKNOWN_TYPE')
    assert.equal(await call.sayHello('after'), 'after...')
  })

  test(`${mode}: an argument that its parameter cannot hold fails before anything is sent`, async t => {
    const { call, control } = await pair(t, mode)
    await assert.rejects(call.move({ latitude: 1.5, name: null }), TypeError)
    await assert.rejects(call.sayHello(Object.create(null)), TypeError)
    assert.deepEqual(control.calls, [])
    assert.equal(await call.sayHello('after'), 'after...')
  })
}

/** A listening service that answers one request with whatever the test wants. */
async function answering(
  t: Parameters<typeof listenRaw>[0],
  answer: (peer: RawPeer) => Promise<void> | void,
) {
  const certificate = await certificateFor('service')
  const listener = await listenRaw(t, certificate, async peer => {
    peer.socket.on('error', () => {})
    await peer.lines('MX', '', 'MX-CLIENT 1.0', '')
    peer.say('MX-SERVER 1.0\r\n\r\n')
    await peer.message()
    await answer(peer)
  })
  const client = await runtime(t, 'client', { limits: { retryCountLimit: 1 } })
  return client.client(TestService, {
    baseUri: `https://127.0.0.1:${listener.port}`,
    thumbprint: certificate.thumbprint,
  })
}

const badAnswers: readonly (readonly [string, HalibutErrorCode, (peer: RawPeer) => Promise<void> | void])[] =
  [
    ['hangs up', 'ERR_CONNECTION_LOST', peer => void peer.socket.end()],
    ['resets the connection', 'ERR_CONNECTION_LOST', peer => void peer.socket.destroy()],
    ['sends noise', 'ERR_PROTOCOL', peer => void peer.socket.write(Buffer.alloc(100, 0x07))],
    ['says NEXT', 'ERR_PROTOCOL', peer => peer.say('NEXT\r\n')],
    ['says END', 'ERR_PROTOCOL', peer => peer.say('END\r\n')],
    ['answers another request', 'ERR_PROTOCOL', peer => peer.respond('another', 'x')],
    ['sends a null message', 'ERR_PROTOCOL', peer => void peer.socket.write(nullFrame)],
    [
      'stops in the middle of a message',
      'ERR_CONNECTION_LOST',
      peer => void peer.socket.end(deflateRawSync(randomBytes(500)).subarray(0, 100)),
    ],
  ]

for (const [what, code, answer] of badAnswers) {
  test(`a service that ${what} fails the call with ${code}`, async t => {
    const call = await answering(t, answer)
    const error = await failure(call.sayHello('x'), code)
    assert.equal(error.details.connectionState, 'unknown')
    assert.match(
      error.message,
      /ITestService\.SayHello at https:\/\/127\.0\.0\.1:\d+\/ failed after its request began to be sent/,
    )
  })
}

test('halibut 13.40: a polling service that answers another request fails the call and is cut off', async t => {
  const { client, call } = await pair(t, 'polling', { connections: 0 })
  const listener = await client.listen({ port: 0, host: '127.0.0.1' })
  const peer = await dialRaw(t, listener.port, await certificateFor('service'))
  peer.say('MX\r\n\r\nMX-SUBSCRIBER 1.0 poll://tests/\r\n\r\n')
  await peer.lines('MX-SERVER 1.0', '')
  const calling = failure(call.sayHello('x'), 'ERR_PROTOCOL')
  await peer.message()
  await peer.respond('another', 'x')
  await calling
  assert.equal(await peer.rest(), '')
  await until(() => peer.socket.destroyed, 'the end of the connection')
})
