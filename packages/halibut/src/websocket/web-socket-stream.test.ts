import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { createCertificate } from '../tls/certificate.ts'
import { WebSocketStream } from './web-socket-stream.ts'

const certificate = createCertificate({ commonName: 'streams' })
const limits = { unread: Buffer.alloc(0), maximumPreambleBytes: 100 }

/** Both ends of a TLS connection. */
async function tlsPair(t: TestContext): Promise<{ dialled: TLSSocket; accepted: TLSSocket }> {
  const { certificatePem: cert, privateKeyPem: key } = await certificate
  const server = createServer({ cert, key }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const dialled = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  const [accepted] = (await once(server, 'secureConnection')) as [TLSSocket]
  t.after(() => {
    dialled.destroy()
    accepted.destroy()
    server.close()
  })
  return { dialled, accepted }
}

/** Both ends of a WebSocket, the preamble said. */
async function pair(t: TestContext) {
  const { dialled, accepted } = await tlsPair(t)
  const dialler = new WebSocketStream(dialled, { ...limits, role: 'dialler' })
  const listener = new WebSocketStream(accepted, { ...limits, role: 'listener' })
  await Promise.all([dialler.preamble, listener.preamble])
  return { dialler, listener, dialled, accepted }
}

function closed(stream: Duplex): Promise<unknown> {
  return stream.closed ? Promise.resolve() : once(stream, 'close')
}

async function readAll(stream: Duplex): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

for (const direction of ['dialler', 'listener'] as const) {
  test(`bytes of a ${direction} arrive, in writes of every size`, async t => {
    const { dialler, listener } = await pair(t)
    const [from, to] = direction === 'dialler' ? [dialler, listener] : [listener, dialler]
    const parts = [1, 125, 126, 65_535, 65_536, 300_000, 0, 1].map((size, index) => Buffer.alloc(size, index))
    for (const part of parts) from.write(part)
    from.resume().end()
    assert.deepEqual(await readAll(to), Buffer.concat(parts))
    await Promise.all([closed(dialler), closed(listener)])
  })
}

test('a reader that does not read stops the writer, and nothing is lost', async t => {
  const { dialler, listener, accepted } = await pair(t)
  const chunk = Buffer.alloc(64 * 1024, 'x')
  const total = 1024
  let taken = 0
  for (let index = 0; index < total; index++) dialler.write(chunk, () => taken++)
  while (!accepted.isPaused()) await new Promise(resolve => setImmediate(resolve))
  assert.ok(taken < total / 2, `${taken} of ${total} chunks were taken`)
  assert.ok(listener.readableLength < 1024 * 1024, `${listener.readableLength} bytes wait in memory`)
  dialler.end()
  let count = 0
  for await (const part of listener) count += part.length
  assert.equal(count, total * chunk.length)
  assert.equal(taken, total)
})

test('the end of one side is a close frame, and is answered by that of the other', async t => {
  const { dialler, listener, dialled, accepted } = await pair(t)
  dialler.resume()
  const begin = performance.now()
  dialler.end('last words')
  assert.equal((await readAll(listener)).toString(), 'last words')
  await Promise.all([closed(dialler), closed(listener), closed(dialled), closed(accepted)])
  assert.ok(performance.now() - begin < 900)
})

test('a goodbye that is not answered is waited for a second', async t => {
  const { dialled, accepted } = await tlsPair(t)
  accepted.on('error', () => {}).pause()
  accepted.allowHalfOpen = true
  const dialler = new WebSocketStream(dialled, { ...limits, role: 'dialler' })
  dialler.resume()
  const begin = performance.now()
  dialler.end()
  await closed(dialler)
  const ms = performance.now() - begin
  assert.ok(ms > 900 && ms < 5000, `it took ${ms} ms`)
  assert.ok(dialled.destroyed)
})

test('a stream that is destroyed says goodbye and does not wait', async t => {
  const { dialler, listener, dialled } = await pair(t)
  dialler.destroy()
  await closed(dialled)
  assert.equal((await readAll(listener)).length, 0)
})

test('a write after the connection went fails, and so does one that was on its way', async t => {
  const { dialler, accepted } = await pair(t)
  dialler.on('error', () => {})
  dialler.resume()
  accepted.pause()
  const pending = new Promise(resolve => dialler.write(Buffer.alloc(20_000_000), resolve))
  accepted.destroy()
  assert.ok((await pending) instanceof Error)
  assert.ok((await new Promise(resolve => dialler.write('x', resolve))) instanceof Error)
})

test('a listener whose dialler leaves before its preamble hears of that', async t => {
  const { dialled, accepted } = await tlsPair(t)
  const listener = new WebSocketStream(accepted, { ...limits, role: 'listener' })
  listener.on('error', () => {}).resume()
  dialled.end()
  await assert.rejects(listener.preamble, { code: 'ERR_CONNECTION_LOST' })
})

test('bytes that came with the handshake are read first', async t => {
  const { dialled, accepted } = await tlsPair(t)
  const preambleAndMore = Buffer.from('818200000000' + '4d58' + '028100000000' + '61', 'hex')
  const listener = new WebSocketStream(accepted, { ...limits, role: 'listener', unread: preambleAndMore })
  dialled.write(Buffer.from('008100000000' + '62', 'hex'))
  await listener.preamble
  dialled.end()
  assert.equal((await readAll(listener)).toString(), 'ab')
})

test('a connection that went before it became a WebSocket is one that ended', async t => {
  const { dialled, accepted } = await tlsPair(t)
  accepted.on('error', () => {}).resume()
  dialled.end()
  await closed(accepted)
  const listener = new WebSocketStream(accepted, { ...limits, role: 'listener' })
  await assert.rejects(listener.preamble, { code: 'ERR_CONNECTION_LOST' })
  assert.equal((await readAll(listener)).length, 0)
})
