import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { failure, pair, TestService } from './runtimes.ts'

interface Proxy {
  readonly port: number
  /** What was asked, whole requests. */
  readonly requests: string[]
}

/** A small HTTP proxy. Without an answer of its own it makes the tunnel that is asked for. */
async function startProxy(t: TestContext, answer?: (socket: Socket) => void): Promise<Proxy> {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', data => {
      const request = data.toString()
      requests.push(request)
      if (answer) {
        answer(socket)
        return
      }
      const [, port] = /^CONNECT \S+:(\d+) HTTP\/1\.0\r\n/.exec(request) ?? []
      const far = connect(Number(port), '127.0.0.1', () => {
        // In two pieces, as from a slow proxy.
        socket.write('HTTP/1.0 200 Connection')
        setImmediate(() => {
          socket.write(' established\r\nVia: test\r\n\r\n')
          socket.pipe(far).pipe(socket)
        })
      })
      sockets.add(far)
      far.on('error', () => socket.destroy())
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, requests }
}

test('halibut 13.51: calls and polls go through an HTTP proxy, with and without credentials', async t => {
  const { client, service, endpoint } = await pair(t, 'listening')
  const { port, requests } = await startProxy(t)
  const proxy = { host: '127.0.0.1', port }
  assert.equal(await client.client(TestService, { ...endpoint, proxy }).sayHello('a'), 'a...')
  const named = { ...proxy, userName: 'me', password: 'secret' }
  assert.equal(await client.client(TestService, { ...endpoint, proxy: named }).sayHello('b'), 'b...')
  const { port: target } = new URL(endpoint.baseUri)
  assert.deepEqual(requests, [
    `CONNECT 127.0.0.1:${target} HTTP/1.0\r\nHost: 127.0.0.1:${target}\r\n\r\n`,
    `CONNECT 127.0.0.1:${target} HTTP/1.0\r\nHost: 127.0.0.1:${target}\r\n` +
      `Proxy-Authorization: Basic ${Buffer.from('me:secret').toString('base64')}\r\n\r\n`,
  ])

  client.trust.add(service.certificate.thumbprint)
  const listener = await client.listen({ port: 0, host: '127.0.0.1' })
  const server = {
    baseUri: `https://localhost:${listener.port}`,
    thumbprint: client.certificate.thumbprint,
    proxy,
  }
  service.poll({ subscription: 'poll://proxied/', server })
  assert.equal(await client.client(TestService, { baseUri: 'poll://proxied/' }).sayHello('c'), 'c...')
  assert.match(requests[2] ?? '', /^CONNECT localhost:/)
})

const refusals: readonly (readonly [string, RegExp, (socket: Socket) => void])[] = [
  [
    'wants credentials',
    /407.*Check the user name and password/,
    socket => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'),
  ],
  ['refuses', /403/, socket => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')],
  ['speaks no HTTP', /"hello"/, socket => socket.end('hello\r\n\r\n')],
  ['hangs up', /hung up/, socket => socket.end('HTTP/1.0 200')],
  ['resets the connection', /hung up|broke/, socket => socket.resetAndDestroy()],
  [
    'goes on without end',
    /does not end/,
    socket => socket.write(`HTTP/1.0 200 OK\r\n${'X: y\r\n'.repeat(5000)}`),
  ],
  [
    'sends more than an answer',
    /more than an answer/,
    socket => socket.write('HTTP/1.0 200 OK\r\n\r\nsurprise'),
  ],
]

for (const [what, message, answer] of refusals) {
  test(`halibut 13.51: a proxy that ${what} fails the call and is named in the error`, async t => {
    const { client, endpoint } = await pair(t, 'listening')
    const { port } = await startProxy(t, answer)
    const proxy = { host: '127.0.0.1', port, userName: 'me', password: 'secret' }
    const call = client.client(TestService, { ...endpoint, proxy, retryCountLimit: 2 })
    const error = await failure(call.sayHello('a'), 'ERR_CONNECT')
    assert.match(error.message, message)
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}`))
    assert.doesNotMatch(JSON.stringify([error.message, error.details]), /secret/)
  })
}

test('halibut 13.51: a proxy that is not there, or hangs, fails the call or lets it be cancelled', async t => {
  const { client, endpoint } = await pair(t, 'listening')
  const proxy = { host: '127.0.0.1', port: 1 }
  await failure(
    client.client(TestService, { ...endpoint, proxy, retryCountLimit: 1 }).sayHello('a'),
    'ERR_CONNECT',
  )
  const hanging = await startProxy(t, () => {})
  const call = client.client(TestService, { ...endpoint, proxy: { host: '127.0.0.1', port: hanging.port } })
  await failure(call.sayHello('a', { timeoutMs: 100 }), 'ERR_TIMEOUT')
})
