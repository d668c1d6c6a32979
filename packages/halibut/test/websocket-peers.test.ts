import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { BsonDocument } from '../src/frame/bson-value.ts'
import { DataStream, type Halibut, type HalibutLogEntry, type Polling } from '../src/index.ts'
import type { OriginalWebSocket } from './original-web-socket.ts'
import { dialRaw, listenRaw, type RawPeer } from './raw-peer.ts'
import { certificateFor, failure, runtime, TestService, TestServiceControl, until } from './runtimes.ts'
import { answerTo, dialOriginal, listenOriginal, upgradeText, webSocketPath } from './web-sockets.ts'

interface Listening {
  readonly client: Halibut
  readonly port: number
  readonly log: HalibutLogEntry[]
}

/** A client of ours that trusts the service and listens for WebSockets. */
async function listening(t: TestContext, path: string | undefined = webSocketPath): Promise<Listening> {
  const log: HalibutLogEntry[] = []
  const client = await runtime(t, 'client', {
    trust: [(await certificateFor('service')).thumbprint],
    log: entry => void log.push(entry),
  })
  const { port } = await client.listen({
    port: 0,
    host: '127.0.0.1',
    ...(path !== undefined && { webSocketPath: path }),
  })
  return { client, port, log }
}

/** A service of ours that polls a server of the test. */
async function polling(t: TestContext, port: number, path = webSocketPath): Promise<Polling> {
  const service = await runtime(t, 'service', {
    services: [new TestServiceControl().hosted],
    limits: { tcpClientReceiveTimeoutMs: 500 },
  })
  const { thumbprint } = await certificateFor('client')
  const server = { baseUri: `wss://localhost:${port}${path}`, thumbprint }
  return service.poll({ subscription: 'poll://sub/', server })
}

/** A poller that has been let in. */
async function poller(t: TestContext, port: number): Promise<RawPeer<OriginalWebSocket>> {
  const peer = await dialOriginal(t, port)
  peer.say('MX-SUBSCRIBER 1.0 poll://sub/\r\n\r\n')
  await peer.lines('MX-SERVER 1.0', '')
  return peer
}

/** A member of the next message. */
async function next(peer: RawPeer<OriginalWebSocket>, member: 'id' | 'result'): Promise<string> {
  const message = (await peer.message()).get('Message')
  assert.ok(message instanceof BsonDocument)
  return String(message.get(member))
}

test('halibut 14.46: a poller that sends one endless fragmented message, as .NET does, is served with one', async t => {
  const { client, port } = await listening(t)
  const peer = await poller(t, port)
  const service = client.client(TestService, { baseUri: 'poll://sub/' })
  for (const name of ['a', 'b']) {
    const call = service.sayHello(name)
    await peer.respond(await next(peer, 'id'), `${name}!`)
    assert.equal(await call, `${name}!`)
    peer.say('NEXT\r\n')
    await peer.lines('PROCEED')
  }
  const content = Buffer.alloc(300_000, '0123456789')
  const counting = service.countBytes(DataStream.fromBytes(content))
  const id = await next(peer, 'id')
  const head = await peer.source.exactly(24, 5000, 'the head of the stream')
  assert.equal(head.readBigUInt64LE(16), 300_000n)
  assert.deepEqual(await peer.source.exactly(content.length, 5000, 'the content'), content)
  await peer.source.exactly(8, 5000, 'the length again')
  await peer.send(out => {
    out.openDocument('Message')
    out.string('$type', 'Halibut.Transport.Protocol.ResponseMessage, Halibut')
    out.string('id', id)
    out.nothing('error')
    out.int64('result', 300_000n)
    out.close()
  })
  assert.equal(await counting, 300_000)

  const { frames } = peer.socket
  assert.ok(frames.length > 6)
  assert.deepEqual(
    frames.map(({ opcode, isFinal }) => `${opcode} ${isFinal}`),
    frames.map((_, index) => (index === 0 ? 'binary false' : 'continuation false')),
  )
  assert.ok(frames.every(({ length }) => length > 0))
})

test('halibut 14.46: a server that speaks as .NET does is polled with one endless fragmented message', async t => {
  const seen = Promise.withResolvers<{ request: string; peer: RawPeer<OriginalWebSocket> }>()
  const listener = await listenOriginal(t, 'client', async (peer, request) => {
    await peer.lines('MX-SUBSCRIBER 1.0 poll://sub/', '')
    peer.say('MX-SERVER 1.0\r\n\r\n')
    await peer.request('1', 'x'.repeat(70_000))
    assert.equal(await next(peer, 'result'), `${'x'.repeat(70_000)}...`)
    await peer.lines('NEXT')
    peer.say('PROCEED\r\n')
    await peer.request('2', 'y')
    assert.equal(await next(peer, 'result'), 'y...')
    await peer.lines('NEXT')
    seen.resolve({ request, peer })
  })
  const state = await polling(t, listener.port, '/a/B%2f../c?d=e&f')
  const { request, peer } = await seen.promise
  const lines = request.split('\r\n')
  assert.equal(lines[0], 'GET /a/B%2f../c?d=e&f HTTP/1.1')
  for (const line of [
    `Host: localhost:${listener.port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: Octopus',
  ])
    assert.ok(lines.includes(line), line)
  assert.match(request, /\r\nX-Octopus-RequestId: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\r\n/)
  assert.doesNotMatch(request, /Extensions/)
  assert.equal(peer.socket.text, 'MX')
  const [text, ...frames] = peer.socket.frames
  assert.deepEqual(text, { opcode: 'text', isFinal: true, length: 2 })
  assert.deepEqual(
    frames.map(({ opcode, isFinal }) => `${opcode} ${isFinal}`),
    frames.map((_, index) => (index === 0 ? 'binary false' : 'continuation false')),
  )
  assert.ok(frames.every(({ length }) => length > 0))
  await state.stop()
  await peer.closed
  assert.deepEqual(peer.socket.controls, ['close 1000 Closing'])
})

for (const when of ['at once', 'when the poller has said who it is'] as const) {
  test(`halibut 14.45: a server that asks for the certificate after the upgrade, ${when}, can do so by TLS 1.2`, async t => {
    const done = Promise.withResolvers<string | null>()
    const listener = await listenOriginal(t, 'client', async peer => {
      const { secure } = peer.socket
      const identity = () => peer.lines('MX-SUBSCRIBER 1.0 poll://sub/', '')
      if (when !== 'at once') await identity()
      await new Promise<void>((resolve, reject) =>
        secure.renegotiate({ requestCert: true, rejectUnauthorized: false }, error =>
          error ? reject(error) : resolve(),
        ),
      )
      if (when === 'at once') await identity()
      peer.say('MX-SERVER 1.0\r\n\r\n')
      await peer.request('1', 'x')
      assert.equal(await next(peer, 'result'), 'x...')
      done.resolve(secure.getProtocol())
    })
    await polling(t, listener.port)
    assert.equal(await done.promise, 'TLSv1.2')
  })
}

test('frames of any other shape are read as well: whole messages, pings within, one byte at a time', async t => {
  const { client, port } = await listening(t)
  const peer = await dialOriginal(t, port)
  for (const byte of Buffer.from('MX-SUBSCRIBER 1.0 poll://sub/\r\n\r\n'))
    peer.socket.raw(Buffer.of(byte), 0x82)
  peer.socket.raw(Buffer.from('are you there?'), 0x89)
  peer.socket.raw(Buffer.from('nobody asked'), 0x8a)
  await peer.lines('MX-SERVER 1.0', '')
  const call = client.client(TestService, { baseUri: 'poll://sub/' }).sayHello('a')
  const id = await next(peer, 'id')
  const response = await peer.encoded(id, 'fine')
  peer.socket.raw(response.subarray(0, 10), 0x01)
  peer.socket.raw(Buffer.alloc(0), 0x89)
  peer.socket.raw(response.subarray(10), 0x80)
  assert.equal(await call, 'fine')
  await until(() => peer.socket.controls.length === 2, 'both pings are answered')
  assert.deepEqual(peer.socket.controls, ['pong are you there?', 'pong '])
})

for (const [what, hangUp] of [
  ['a close frame', peer => peer.socket.raw(Buffer.from([0x03, 0xe9]), 0x88)],
  ['an empty frame', peer => peer.socket.raw(Buffer.alloc(0), 0x00)],
  ['the end of TLS', peer => peer.socket.end()],
  ['a connection that is cut', peer => peer.socket.destroy()],
  [
    'a connection that is cut within a frame',
    peer => {
      peer.socket.secure.write(Buffer.from([0x00, 0xfe, 0x01, 0x00, 1, 2, 3, 4, 5, 6]))
      peer.socket.secure.end()
    },
  ],
  ['bytes that are no frames', peer => peer.socket.raw(Buffer.alloc(5), 0x73)],
] as const satisfies readonly (readonly [string, (peer: RawPeer<OriginalWebSocket>) => void])[]) {
  test(`a poller that ends with ${what} in the middle of a call fails that call alone`, async t => {
    const { client, port } = await listening(t)
    const peer = await poller(t, port)
    const service = client.client(TestService, { baseUri: 'poll://sub/' })
    const call = service.sayHello('a')
    await peer.message()
    hangUp(peer)
    const code = what === 'bytes that are no frames' ? 'ERR_PROTOCOL' : 'ERR_CONNECTION_LOST'
    const error = await failure(call, code)
    assert.equal(error.details.connectionState, 'unknown')
    await peer.closed
    if (what === 'a close frame' || what === 'an empty frame')
      assert.deepEqual(peer.socket.controls, ['close 1000 Closing'])

    const other = await poller(t, port)
    const again = service.sayHello('b')
    await other.respond(await next(other, 'id'), 'b!')
    assert.equal(await again, 'b!')
  })
}

const openings: readonly (readonly [string, RegExp, (socket: OriginalWebSocket) => void])[] = [
  ['other text than MX', /it said "XM"/, socket => socket.raw(Buffer.from('XM'), 0x81)],
  ['binary data', /began with binary data/, socket => socket.raw(Buffer.from('MX'), 0x82)],
  ['text without end', /has no end/, socket => socket.raw(Buffer.alloc(30_000, 'MX'), 0x01)],
  ['an empty message', /it said ""/, socket => socket.raw(Buffer.alloc(0), 0x81)],
  [
    'a client',
    /did not subscribe/,
    socket => {
      socket.raw(Buffer.from('M'), 0x01)
      socket.raw(Buffer.from('X\r\n\r\n'), 0x80)
      socket.write('MX-CLIENT 1.0\r\n\r\n')
    },
  ],
  [
    'frames without a mask',
    /not masked/,
    socket => socket.secure.write(Buffer.from([0x81, 0x02, ...Buffer.from('MX')])),
  ],
]

for (const [what, message, say] of openings) {
  test(`a WebSocket that begins with ${what} is closed, and the log says why`, async t => {
    const { port, log } = await listening(t)
    const peer = await dialOriginal(t, port, 'service', false)
    say(peer.socket)
    assert.equal(await peer.rest(), '')
    await until(() => log.some(entry => message.test(entry.message)), String(message))
  })
}

test('a WebSocket that says nothing has the time of every stranger', async t => {
  const client = await runtime(t, 'client', { limits: { identificationTimeoutMs: 150 } })
  const { port } = await client.listen({ port: 0, host: '127.0.0.1', webSocketPath })
  const peer = await dialOriginal(t, port, 'service', false)
  assert.equal(await peer.rest(), '')
})

const noUpgrades: readonly (readonly [string, string])[] = [
  ['no subprotocol', upgradeText({ 'Sec-WebSocket-Protocol': undefined })],
  ['another subprotocol', upgradeText({ 'Sec-WebSocket-Protocol': 'chat, octopus' })],
  ['no key', upgradeText({ 'Sec-WebSocket-Key': undefined })],
  ['a key that is none', upgradeText({ 'Sec-WebSocket-Key': 'short' })],
  ['an old version', upgradeText({ 'Sec-WebSocket-Version': '8' })],
  ['no upgrade', upgradeText({ Upgrade: undefined })],
  ['an upgrade to something else', upgradeText({ Upgrade: 'h2c' })],
  ['a connection that is kept alive', upgradeText({ Connection: 'keep-alive' })],
  ['another path', upgradeText({}, 'GET /HalibutWebSockets HTTP/1.1')],
  ['a deeper path', upgradeText({}, `GET ${webSocketPath}/x HTTP/1.1`)],
  ['another verb', upgradeText({}, `POST ${webSocketPath} HTTP/1.1`)],
  ['HTTP 1.0', upgradeText({}, `GET ${webSocketPath} HTTP/1.0`)],
  ['nothing but a line', `GET ${webSocketPath} HTTP/1.1\r\n\r\n`],
]

for (const [what, request] of noUpgrades) {
  test(`a request with ${what} gets the page`, async t => {
    const { port } = await listening(t)
    const browser = await dialRaw(t, port, await certificateFor('service'))
    browser.say(request)
    assert.match(await browser.rest(), /^HTTP\/1\.0 200 OK\r\n.*<p>Hello!/s)
  })
}

test('a listener that was given no path answers every upgrade with the page', async t => {
  const client = await runtime(t, 'client')
  const { port } = await client.listen({ port: 0, host: '127.0.0.1' })
  const browser = await dialRaw(t, port, await certificateFor('service'))
  browser.say(upgradeText())
  assert.match(await browser.rest(), /^HTTP\/1\.0 200 OK\r\n/)
})

test('a poller without a certificate is not let in', async t => {
  const { port, log } = await listening(t)
  const peer = await dialOriginal(t, port, null)
  peer.say('MX-SUBSCRIBER 1.0 poll://sub/\r\n\r\n')
  assert.equal(await peer.rest(), '')
  await until(() => log.some(({ message }) => message.includes('showed no certificate')), 'the log')
})

const answers: readonly (readonly [string, RegExp, (request: string) => string | undefined])[] = [
  ['a page', /answered "HTTP\/1\.0 200 OK"/, () => 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['no HTTP', /answered "hello"/, () => 'hello\r\n\r\n'],
  ['another protocol', /another protocol/, request => answerTo(request).replace('websocket', 'h2c')],
  [
    'a key of its own',
    /for another request/,
    request => answerTo(request).replace(/Accept: ../, 'Accept: AA'),
  ],
  [
    'no subprotocol',
    /subprotocol Octopus/,
    request => answerTo(request).replace(/Sec-WebSocket-Protocol.*\r\n/, ''),
  ],
  [
    'an extension',
    /an extension/,
    request =>
      answerTo(request).replace('\r\n\r\n', '\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n'),
  ],
  ['a header without end', /has no end/, () => `HTTP/1.1 101 x\r\n${'X: y\r\n'.repeat(6000)}`],
  ['half a header and the end', /ended the connection/, () => undefined],
  ['silence', /did not become a WebSocket within 500 ms|silent for 500 ms/, () => ''],
]

for (const [what, message, answer] of answers) {
  test(`a polled server that answers the upgrade with ${what} is an error that says so`, async t => {
    let wasAsked = false
    const listener = await listenRaw(t, await certificateFor('client'), peer => {
      peer.socket.once('data', request => {
        wasAsked = true
        const text = answer(request.toString())
        if (text === undefined) peer.socket.end('HTTP/1.1 101')
        else if (text !== '') peer.socket.write(text)
      })
    })
    const state = await polling(t, listener.port)
    await until(() => state.state.kind === 'waiting', 'the attempt fails')
    assert.ok(wasAsked && state.state.kind === 'waiting')
    assert.match(String(state.state.error), message)
    assert.doesNotMatch(String(state.state.error), /ERR_CONNECT\b/)
  })
}

test('polling that is stopped while the upgrade is unanswered ends at once', async t => {
  const asked = Promise.withResolvers<void>()
  const listener = await listenRaw(t, await certificateFor('client'), peer => {
    peer.socket.once('data', () => asked.resolve())
  })
  const service = await runtime(t, 'service')
  const { thumbprint } = await certificateFor('client')
  const state = service.poll({
    subscription: 'poll://sub/',
    server: { baseUri: `wss://127.0.0.1:${listener.port}/x`, thumbprint },
  })
  await asked.promise
  await state.stop()
  assert.equal(state.state.kind, 'stopped')
})
