import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { Connection } from '../src/exchange/connection.ts'
import { ReceivedFiles } from '../src/exchange/received-files.ts'
import { BsonDocument } from '../src/frame/bson-value.ts'
import { BsonWriter } from '../src/frame/bson-writer.ts'
import { readPreamble } from '../src/handshake/control-lines.ts'
import { readIdentity } from '../src/handshake/identity.ts'
import { DataStream, defaultLimits, types } from '../src/index.ts'
import type { EncodedMessage } from '../src/messages/request.ts'

/**
 * One end of a connection that keeps what is written until its writer has nothing more to write: no write is under
 * way or waits, and nothing is corked. Whoever counts on a later write to push an earlier one out waits for ever.
 */
class FlushingEnd extends Duplex {
  other: FlushingEnd | undefined
  readonly flushes: Buffer[] = []
  #held: Buffer[] = []

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#held.push(Buffer.from(chunk))
    setImmediate(() => {
      done()
      if (this.writableLength === 0 && this.writableCorked === 0) this.#flush()
    })
  }

  override _final(done: (error?: Error) => void): void {
    this.#flush()
    this.other?.push(null)
    done()
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#held.splice(0))
    if (bytes.length === 0) return
    this.flushes.push(bytes)
    this.other?.push(bytes)
  }
}

function connectionPair(t: TestContext) {
  const near = new FlushingEnd()
  const far = new FlushingEnd()
  near.other = far
  far.other = near
  const files = new ReceivedFiles()
  const limits = { ...defaultLimits, tcpClientReceiveTimeoutMs: 5000, tcpClientSendTimeoutMs: 5000 }
  const connect = (end: FlushingEnd) => new Connection(end, { limits, files })
  t.after(async () => {
    near.destroy()
    far.destroy()
    await files.close()
  })
  return { near, far, dialler: connect(near), listener: connect(far) }
}

function messageWith(name: string, text: string, stream?: DataStream): EncodedMessage {
  const streams: DataStream[] = []
  const out = new BsonWriter()
  out.openDocument('Message')
  out.string(name, text)
  if (stream) types.dataStream.writeTagged(out, 'stream', stream, { streams })
  out.close()
  return { reserved: out.finish(), packed: [], streams }
}

function textIn(document: BsonDocument | undefined, name: string): unknown {
  const message = document?.get('Message')
  assert.ok(message instanceof BsonDocument)
  return message.get(name)
}

test('halibut 13.11: a whole conversation works over a transport that passes bytes on only when it is flushed', async t => {
  const { near, far, dialler, listener } = connectionPair(t)
  const large = 'x'.repeat(300_000)

  const introduced = dialler.introduce({ kind: 'client' })
  await readPreamble(listener.source, 5000, 100)
  assert.deepEqual(await readIdentity(listener.source, 5000), { kind: 'client' })
  await listener.acknowledge()
  await introduced

  for (const text of ['small', large]) {
    const stream = DataStream.fromBytes(Buffer.alloc(100_000, 'y'))
    const sent = dialler.send(messageWith('request', text, stream))
    const request = await listener.receive(5000)
    assert.equal(textIn(request, 'request'), text)
    const announced = [types.dataStream.read(textIn(request, 'stream') as BsonDocument, { streams: [] })]
    await listener.receiveStreams(announced)
    assert.equal((await announced[0]?.bytes())?.length, 100_000)
    await sent
    await listener.send(messageWith('response', text))
    assert.equal(textIn(await dialler.receive(5000), 'response'), text)

    const next = dialler.next()
    assert.equal(await listener.proceed(), true)
    await next
  }
  await listener.sendNothing()
  assert.equal((await dialler.receive(5000))?.get('Message'), null)
  const ended = dialler.end()
  assert.equal(await listener.proceed(), false)
  await ended

  const lines = (end: FlushingEnd) =>
    end.flushes.map(String).filter(text => /^(MX|NEXT|PROCEED|END)/.test(text))
  // The preamble has no answer, so only here two writes may be one flush.
  assert.match(lines(near).join(''), /^MX\r\n\r\nMX-CLIENT 1\.0\r\n\r\nNEXT\r\nNEXT\r\nEND\r\n$/)
  assert.deepEqual(lines(far), ['MX-SERVER 1.0\r\n\r\n', 'PROCEED\r\n', 'PROCEED\r\n'])
})
