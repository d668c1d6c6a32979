import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { until } from '../until.ts'
import type { FaultPlan } from './fault.ts'
import { type FaultProxy, openFaultProxy, type ProxiedConnection } from './fault-proxy.ts'
import { TlsRecordScanner } from './tls-records.ts'

/** What one end of a connection saw. */
class End {
  readonly socket: Socket
  received = ''
  /** Sizes of the pieces in which it came. */
  readonly pieces: number[] = []
  end: 'end' | 'ECONNRESET' | undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (piece: Buffer) => {
      this.received += piece.toString('latin1')
      this.pieces.push(piece.length)
    })
    socket.on('end', () => {
      this.end ??= 'end'
    })
    socket.on('error', error => {
      if ('code' in error && error.code === 'ECONNRESET') this.end = 'ECONNRESET'
    })
  }
}

interface Line {
  readonly dialler: End
  readonly listener: End
  readonly proxy: FaultProxy
  readonly connection: ProxiedConnection
}

/** A dialler and a listener that stay half-open, with the proxy between them. */
async function line(t: TestContext, plan: FaultPlan): Promise<Line> {
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const opened = Promise.withResolvers<ProxiedConnection>()
  const proxy = await openFaultProxy({ to: { port }, plan: () => plan, onConnection: opened.resolve })
  const accepted: Promise<[Socket]> = once(server, 'connection') as Promise<[Socket]>
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const dialler = new End(socket)
  const [other] = await accepted
  const listener = new End(other)
  t.after(async () => {
    socket.destroy()
    other.destroy()
    await proxy.close()
    server.close()
    assert.equal(proxy.openSockets, 0)
  })
  return { dialler, listener, proxy, connection: await opened.promise }
}

test('without a fault everything passes in both directions, the ends too', async t => {
  const { dialler, listener, proxy, connection } = await line(t, {})
  dialler.socket.write('hello')
  await until('the greeting', () => listener.received === 'hello')
  listener.socket.end('good day')
  await until('the answer', () => dialler.received === 'good day' && dialler.end === 'end')
  dialler.socket.end('bye')
  await until('the end', () => listener.received === 'hellobye' && listener.end === 'end')
  await until('the sockets', () => proxy.openSockets === 0)
  assert.deepEqual([connection.up.bytes, connection.down.bytes], [8, 8])
})

test('a stall lets the bytes before it pass, then nothing, and no end; the other direction goes on', async t => {
  const { dialler, listener, connection } = await line(t, { up: { kind: 'stall', afterBytes: 3 } })
  dialler.socket.end('hello')
  await until('the stall', () => connection.up.hasStruck)
  listener.socket.write('still here')
  await until('the other direction', () => dialler.received === 'still here')
  assert.equal(listener.received, 'hel')
  assert.equal(listener.end, undefined)
})

test('a stall holds its sender back', async t => {
  const { dialler, listener } = await line(t, { up: { kind: 'stall', afterBytes: 0 } })
  const mib = 1024 * 1024
  dialler.socket.write(Buffer.alloc(64 * mib))
  // More than enough time for all of it to pass, if it passed.
  for (let n = 1; n <= 500; n++) {
    listener.socket.write('.')
    await until('the other direction', () => dialler.received.length === n, { everyMs: 0 })
  }
  assert.ok(dialler.socket.writableLength > 32 * mib || dialler.socket.bytesWritten < 32 * mib)
})

test('a stall hides a reset from the other side', async t => {
  const { dialler, listener, connection } = await line(t, { up: { kind: 'stall', afterBytes: 3 } })
  dialler.socket.write('hello')
  await until('the stall', () => connection.up.hasStruck)
  dialler.socket.resetAndDestroy()
  for (let n = 0; n < 20; n++) {
    listener.socket.write('x')
    await new Promise(setImmediate)
  }
  assert.equal(listener.end, undefined)
})

test('a cut tells both sides that the other one ended', async t => {
  const { dialler, listener } = await line(t, { down: { kind: 'cut', afterBytes: 4 } })
  listener.socket.write('too much')
  await until('both ends', () => dialler.end === 'end' && listener.end === 'end')
  assert.equal(dialler.received, 'too ')
})

test('a half-close ends one direction, the other goes on', async t => {
  const { dialler, listener } = await line(t, { up: { kind: 'half-close', afterBytes: 2 } })
  dialler.socket.write('hello')
  await until('the end', () => listener.end === 'end')
  assert.equal(listener.received, 'he')
  listener.socket.write('I heard')
  await until('the other direction', () => dialler.received === 'I heard')
  assert.equal(dialler.end, undefined)
})

test('a reset reaches both sides, after the bytes before it', async t => {
  const { dialler, listener } = await line(t, { up: { kind: 'reset', afterBytes: 2 } })
  dialler.socket.write('hello')
  await until('both resets', () => dialler.end === 'ECONNRESET' && listener.end === 'ECONNRESET')
  assert.equal(listener.received, 'he')
})

test('a proxy that is told to resets its connections and accepts new ones', async t => {
  const { dialler, listener, proxy } = await line(t, {})
  proxy.reset()
  await until('both resets', () => dialler.end === 'ECONNRESET' && listener.end === 'ECONNRESET')
  const again = connect({ port: proxy.port, host: '127.0.0.1' })
  await once(again, 'connect')
  assert.equal(proxy.connections, 2)
  again.destroy()
})

test('a connection that is reset while its end is still under way is closed all the same', async t => {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const opened = Promise.withResolvers<void>()
  const proxy = await openFaultProxy({
    to: { port: (server.address() as AddressInfo).port },
    plan: () => ({ up: { kind: 'half-close', afterBytes: 0 } }),
    onConnection: () => opened.resolve(),
  })
  const socket = connect({ port: proxy.port, host: '127.0.0.1' })
  socket.on('error', () => {})
  await opened.promise
  await Promise.resolve()
  proxy.reset()
  await until('the sockets', () => proxy.openSockets === 0)
  await proxy.close()
})

test('a fault at byte 0 strikes before anything passes', async t => {
  const { dialler, listener } = await line(t, { up: { kind: 'cut', afterBytes: 0 } })
  await until('both ends', () => dialler.end === 'end' && listener.end === 'end')
  assert.equal(listener.received, '')
})

test('a trickle passes byte for byte, only where it was asked for', async t => {
  const { dialler, listener, connection } = await line(t, {
    up: { kind: 'trickle', afterBytes: 2, forBytes: 300 },
  })
  const text = 'abcdefghij'.repeat(100)
  dialler.socket.write(text)
  await until('all of it', () => listener.received === text)
  assert.ok(listener.pieces.length > 20, `it came in ${listener.pieces.length} pieces`)
  assert.ok(connection.up.hasStruck)
})

test('a delay keeps the order and the end', async t => {
  const { dialler, listener } = await line(t, { up: { kind: 'delay', afterBytes: 1, delayMs: 20 } })
  const start = performance.now()
  dialler.socket.write('one ')
  await new Promise(setImmediate)
  dialler.socket.end('two')
  await until('all of it', () => listener.received === 'one two' && listener.end === 'end')
  assert.ok(performance.now() - start >= 19)
})

test('TLS records are found in whatever chunks they come', () => {
  const record = (type: number, length: number) =>
    Buffer.concat([Buffer.from([type, 3, 3, length >> 8, length & 255]), Buffer.alloc(length, 9)])
  const bytes = Buffer.concat([record(22, 300), record(20, 1), record(23, 0), record(23, 16_401)])
  const expected = [
    { type: 22, start: 0, end: 305 },
    { type: 20, start: 305, end: 311 },
    { type: 23, start: 311, end: 316 },
    { type: 23, start: 316, end: 316 + 16_406 },
  ]
  for (const size of [1, 2, 5, 7, 100, bytes.length]) {
    const scanner = new TlsRecordScanner()
    for (let at = 0; at < bytes.length; at += size) scanner.push(bytes.subarray(at, at + size))
    assert.deepEqual(scanner.records, expected, `chunks of ${size}`)
    assert.equal(scanner.bytes, bytes.length)
  }
})
