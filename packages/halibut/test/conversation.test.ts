import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { BsonDocument } from '../src/frame/bson-value.ts'
import { BsonWriter, reservedBytes } from '../src/frame/bson-writer.ts'
import { DataStream, defineService, method, types } from '../src/index.ts'
import { callTo } from './dead-ends.ts'
import { dialRaw, greetClient, introducedClient, listenRaw, nextRequest, subscriber } from './raw-peer.ts'
import { certificateFor, pair, TestService } from './runtimes.ts'

const streamId = '00112233-4455-6677-8899-aabbccddeeff'

/** A request with one argument, as a frame. */
function requestFrame(id: string, methodName: string, argument: (out: BsonWriter) => void): Buffer {
  const out = new BsonWriter()
  out.openDocument('Message')
  out.string('$type', 'Halibut.Transport.Protocol.RequestMessage, Halibut')
  out.string('id', id)
  out.string('service', 'ITestService')
  out.string('method', methodName)
  out.openArray('params')
  argument(out)
  out.close()
  out.close()
  return deflateRawSync(out.finish().subarray(reservedBytes))
}

test('halibut 14.20: a dialler on Linux ends its preamble with two line feeds, one on Windows with two line ends', async t => {
  const { port } = await pair(t, 'listening')
  for (const newline of ['\n', '\r\n']) {
    for (const step of [1, 100]) {
      const peer = await dialRaw(t, port, await certificateFor('client'))
      const hello = `MX${newline}${newline}MX-CLIENT 1.0\r\n\r\n`
      for (let at = 0; at < hello.length; at += step) peer.say(hello.slice(at, at + step))
      await peer.lines('MX-SERVER 1.0', '')
    }
  }
})

test('halibut 14.21: preamble, identity and request in one packet are each read by their own reader', async t => {
  const { port } = await pair(t, 'listening')
  for (const version of ['MX-CLIENT 1.0', 'MX-CLIENT 9.9 junk']) {
    const peer = await dialRaw(t, port, await certificateFor('client'))
    peer.socket.write(
      Buffer.concat([
        Buffer.from(`MX\r\n\r\n${version}\r\n\r\n`),
        requestFrame('one', 'SayHello', out => out.string('0', 'a')),
      ]),
    )
    await peer.lines('MX-SERVER 1.0', '')
    const message = (await peer.message()).get('Message')
    assert.ok(message instanceof BsonDocument)
    assert.equal(message.get('result'), 'a...')
  }
})

test('halibut 14.22: a dialler says preamble and identity without waiting, and its request only after MX-SERVER', async t => {
  let heard = ''
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    await peer.lines('MX', '', 'MX-CLIENT 1.0', '')
    // Whoever sent a request already would have to be told that it was refused.
    await new Promise(resolve => setTimeout(resolve, 50))
    heard = peer.source.take().toString()
    peer.say('MX-SERVER 1.0\r\n\r\n')
    const { id } = await nextRequest(peer)
    await peer.respond(id, 'ok')
  })
  const call = await callTo(t, listener.port)
  assert.equal(await call.sayHello('a'), 'ok')
  assert.equal(heard, '')
})

test('halibut 14.23: a response repeats the id of its request, whatever it is', async t => {
  const { port } = await pair(t, 'listening')
  const peer = await introducedClient(t, port, await certificateFor('client'))
  for (const id of ['IEchoService::SayHelloAsync[1] / x', '', ' ž 🚀 ', 'x'.repeat(5000), '$type']) {
    await peer.request(id, 'a')
    const message = (await peer.message()).get('Message')
    assert.ok(message instanceof BsonDocument)
    assert.equal(message.get('id'), id)
    peer.say('NEXT\r\n')
    await peer.lines('PROCEED')
  }
})

test('halibut 14.26: a listening service says nothing between its response and NEXT', async t => {
  const { port } = await pair(t, 'listening')
  const peer = await introducedClient(t, port, await certificateFor('client'))
  await peer.request('one', 'a')
  await peer.message()
  const disturbed = new Promise<string>(resolve => {
    peer.source.onDisturbance(() => resolve('it spoke'))
    setTimeout(() => resolve('silence'), 150)
  })
  assert.equal(await disturbed, 'silence')
  peer.say('NEXT\r\n')
  await peer.lines('PROCEED')
})

test('halibut 13.1, 14.27: a client says NEXT once before each call but the first, and END when it leaves', async t => {
  const said: string[] = []
  const left = Promise.withResolvers<void>()
  const listener = await listenRaw(t, await certificateFor('service'), async peer => {
    await greetClient(peer)
    try {
      for (;;) {
        const { id, argument } = await nextRequest(peer)
        said.push(`request ${argument}`)
        await peer.respond(id, 'ok')
        const line = await peer.line()
        said.push(line)
        if (line === 'END') break
        peer.say('PROCEED\r\n')
      }
    } finally {
      left.resolve()
    }
  })
  const { client } = await pair(t, 'listening')
  const { thumbprint } = await certificateFor('service')
  const endpoint = { baseUri: `https://127.0.0.1:${listener.port}`, thumbprint }
  const call = client.client(TestService, endpoint)
  for (const name of ['a', 'b', 'c']) await call.sayHello(name)
  client.disconnect(endpoint)
  await left.promise
  assert.deepEqual(said, ['request a', 'NEXT', 'request b', 'NEXT', 'request c', 'END'])
})

test('halibut 14.29: methods have their names without Async on the wire, and the id has it as .NET writes it', async t => {
  const { client, port } = await pair(t, 'polling', { connections: 0 })
  const peer = await subscriber(t, port, await certificateFor('service'))
  const calling = client.client(TestService, { baseUri: 'poll://tests/' }).sayHello('a')
  const { message, id } = await nextRequest(peer)
  assert.equal(message.get('method'), 'SayHello')
  assert.match(id, /^ITestService::SayHelloAsync\[1\] \/ [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  await peer.respond(id, 'ok')
  assert.equal(await calling, 'ok')
})

test('halibut 14.30: streams of a call that is refused are read over, with a type and without, and the next call is answered', async t => {
  const { port } = await pair(t, 'listening')
  const peer = await introducedClient(t, port, await certificateFor('client'))
  const block = Buffer.from(
    '33221100554477668899aabbccddeeff050000000000000068656c6c6f0500000000000000',
    'hex',
  )
  for (const type of ['Halibut.DataStream, Halibut', undefined]) {
    const frame = requestFrame('one', 'NoSuchMethod', out => {
      out.openDocument('0')
      if (type !== undefined) out.string('$type', type)
      out.guid('id', streamId)
      out.int64('length', 5)
      out.close()
    })
    peer.socket.write(Buffer.concat([frame, block]))
    const message = (await peer.message()).get('Message')
    assert.ok(message instanceof BsonDocument && message.get('error') instanceof BsonDocument)
    peer.say('NEXT\r\n')
    await peer.lines('PROCEED')
  }
})

test('halibut 14.30: bytes of a stream that no document announced end the connection', async t => {
  const { port, call } = await pair(t, 'listening')
  const peer = await introducedClient(t, port, await certificateFor('client'))
  const frame = requestFrame('one', 'SayHello', out => out.string('0', 'a'))
  const block = Buffer.from('33221100554477668899aabbccddeeff0500000000000000', 'hex')
  peer.socket.write(Buffer.concat([frame, block, Buffer.from('hello\r\n')]))
  await peer.message()
  await peer.closed
  assert.equal(await call.sayHello('after'), 'after...')
})

test('halibut 14.31: a response is sent when every byte of the request’s streams was read, also by a method that does not want them', async t => {
  const { port } = await pair(t, 'listening')
  const peer = await introducedClient(t, port, await certificateFor('client'))
  const frame = requestFrame('one', 'CountBytes', out => {
    out.openDocument('0')
    out.string('$type', 'Halibut.DataStream, Halibut')
    out.guid('id', streamId)
    out.int64('length', 5)
    out.close()
  })
  peer.socket.write(frame)
  peer.socket.write(Buffer.from('33221100554477668899aabbccddeeff050000000000000068656c', 'hex'))
  const early = new Promise<string>(resolve => {
    peer.source.onDisturbance(() => resolve('it answered'))
    setTimeout(() => resolve('it waits'), 100)
  })
  assert.equal(await early, 'it waits')
  peer.socket.write(Buffer.from('6c6f0500000000000000', 'hex'))
  const message = (await peer.message()).get('Message')
  assert.ok(message instanceof BsonDocument)
  assert.equal(message.get('result'), 5)
})

test('halibut 14.31: the streams of a call that nobody can answer are read before it is refused', async t => {
  const { client, endpoint, call } = await pair(t, 'listening')
  const nowhere = client.client(
    defineService('INowhere', { go: method([types.dataStream], 'void') }),
    endpoint,
  )
  for (const size of [5, 1_000_000])
    await assert.rejects(nowhere.go(DataStream.fromBytes(Buffer.alloc(size))), {
      code: 'ERR_SERVICE_NOT_FOUND',
    })
  assert.equal(await call.sayHello('after'), 'after...')
})
