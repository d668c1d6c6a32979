import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { test } from 'node:test'
import type { ConnectionTraffic, FriendlyPage } from '../src/index.ts'
import { dialRaw, listenRaw } from './raw-peer.ts'
import { certificateFor, failure, pair, runtime, TestService, until } from './runtimes.ts'

test('halibut 13.16: a client that is not trusted is refused after MX, the method does not run, the log names it', async t => {
  const { endpoint, control, log } = await pair(t, 'listening')
  const stranger = await runtime(t, 'stranger')
  const error = await failure(stranger.client(TestService, endpoint).sayHello('x'), 'ERR_CONNECTION_LOST')
  assert.equal(error.details.connectionState, 'connecting')
  assert.deepEqual(control.calls, [])
  const { thumbprint } = stranger.certificate
  assert.ok(log.some(({ level, message }) => level === 'warn' && message.includes(thumbprint)))
})

test('halibut 13.17: a polling service that is not trusted gets nothing; the call stays queued and times out', async t => {
  const { call, log } = await pair(t, 'polling', {
    client: { trust: [], limits: { pollingRequestQueueTimeoutMs: 300 } },
  })
  const error = await failure(call.sayHello('x'), 'ERR_NOT_COLLECTED')
  assert.equal(error.details.connectionState, 'connecting')
  assert.ok(log.some(({ message }) => message.includes('is not trusted')))
})

test('halibut 13.17: calls that waited while their service was a stranger are collected once it is trusted', async t => {
  const { call, client, service } = await pair(t, 'polling', { client: { trust: [] } })
  const calling = call.sayHello('patient')
  await until(() => !client.trust.has(service.certificate.thumbprint), 'a stranger')
  client.trust.add(service.certificate.thumbprint)
  assert.equal(await calling, 'patient...')
})

test('halibut 13.18, 14.32: a server with another certificate is refused at once, not a byte is written, both thumbprints are told', async t => {
  let received = 0
  const listener = await listenRaw(t, await certificateFor('impostor'), async peer => {
    await peer.closed
    received += peer.source.totalBytes
  })
  const client = await runtime(t, 'client')
  const { thumbprint } = await certificateFor('service')
  const error = await failure(
    client.client(TestService, { baseUri: `https://127.0.0.1:${listener.port}`, thumbprint }).sayHello('x'),
    'ERR_UNTRUSTED_PEER',
  )
  assert.match(error.message, new RegExp(thumbprint))
  assert.match(error.message, new RegExp((await certificateFor('impostor')).thumbprint))
  assert.equal(listener.connections, 1)
  assert.equal(received, 0)
})

test('halibut 13.19: a stranger who is trusted when asked about goes on with the same connection, and stays trusted', async t => {
  const asked: string[] = []
  const { call, service, client } = await pair(t, 'listening', {
    service: {
      trust: [],
      onUnauthorizedConnect: who => {
        asked.push(who.thumbprint)
        return 'trust'
      },
    },
  })
  assert.equal(await call.sayHello('a'), 'a...')
  assert.deepEqual(asked, [client.certificate.thumbprint])
  assert.ok(service.trust.has(client.certificate.thumbprint))
})

test('halibut 13.20: taking trust away cuts live connections and refuses new ones', async t => {
  const { call, service, client, control } = await pair(t, 'listening')
  const waiting = call.wait('a')
  await control.arrived('a')
  service.trust.only([])
  const error = await failure(waiting, 'ERR_CONNECTION_LOST')
  assert.equal(error.details.connectionState, 'unknown')
  await failure(call.sayHello('x'), 'ERR_CONNECTION_LOST')
  service.trust.add(client.certificate.thumbprint)
  assert.equal(await call.sayHello('b'), 'b...')
  control.release('a')
})

test('halibut 13.20: taking trust away cuts pollers, those at work too, and their calls fail or stay queued', async t => {
  const { call, client, control } = await pair(t, 'polling', {
    client: { limits: { pollingRequestQueueTimeoutMs: 300 } },
  })
  const waiting = call.wait('a')
  await control.arrived('a')
  client.trust.only([])
  const error = await failure(waiting, 'ERR_UNTRUSTED_PEER')
  assert.equal(error.details.connectionState, 'unknown')
  control.release('a')
  await failure(call.sayHello('x'), 'ERR_NOT_COLLECTED')
})

test('halibut 13.21, 14.32: without a certificate a browser gets the page, and Halibut a silent end', async t => {
  const { port, log } = await pair(t, 'listening')
  for (const hello of ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'HELLO\n\n']) {
    const browser = await dialRaw(t, port)
    browser.say(hello)
    assert.match(
      await browser.rest(),
      /^HTTP\/1\.0 200 OK\r\n.*<html><body><p>Hello!<\/p><\/body><\/html>\r\n\r\n$/s,
    )
  }
  const nobody = await dialRaw(t, port)
  nobody.say('MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n')
  assert.equal(await nobody.rest(), '')
  assert.ok(log.some(({ message }) => message.includes('showed no certificate')))
})

/** What the owner of a listener chose to show, and the head and body that a browser gets. */
const pages: readonly (readonly [string, FriendlyPage | undefined, string, string])[] = [
  ['the usual page', undefined, 'Content-Length: 39\r\n', '<html><body><p>Hello!</p></body></html>'],
  ['another text, whose length is told in UTF-16', { html: '<p>ž</p>' }, 'Content-Length: 8\r\n', '<p>ž</p>'],
  ['an empty text', { html: '' }, 'Content-Length: 0\r\n', ''],
  [
    'headers',
    { html: 'x', headers: { 'X-Frame-Options': 'DENY', Server: 'none' } },
    'Content-Length: 1\r\nX-Frame-Options: DENY\r\nServer: none\r\n',
    'x',
  ],
]

for (const [what, friendlyPage, head, body] of pages) {
  test(`halibut 13.22: a browser gets ${what}, with and without a slash at the end of the path`, async t => {
    const { port } = await pair(t, 'listening', { service: friendlyPage ? { friendlyPage } : {} })
    for (const path of ['/', '/any/path', '/any/path/', '']) {
      const browser = await dialRaw(t, port)
      browser.say(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
      const type = 'HTTP/1.0 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n'
      assert.equal(await browser.rest(), `${type}${head}\r\n${body}\r\n\r\n`)
    }
  })
}

test('halibut 13.23: plain HTTP and garbage on the port fail quickly, and the service lives on', async t => {
  const { port, call } = await pair(t, 'listening')
  for (const bytes of [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), randomBytes(5000)]) {
    const startedAt = performance.now()
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => {}).resume()
    socket.write(bytes)
    await once(socket, 'close')
    assert.ok(performance.now() - startedAt < 5000)
  }
  assert.equal(await call.sayHello('after'), 'after...')
})

test('garbage after the TLS handshake ends that connection only', async t => {
  const { port, call, log } = await pair(t, 'listening')
  const client = await certificateFor('client')
  const openings = [
    'MX\r\n\r\nMX-FOO 1.0\r\n\r\n',
    'MX\r\n\r\n\r\n\r\n',
    'MX\r\n\r\nMX-CLIENT 1.0\r\nx\r\n',
    'MX\r\n\r\nMX-SERVER 1.0\r\n\r\n',
    'MX\r\n\r\nMX-SUBSCRIBER 1.0 nonsense\r\n\r\n',
  ]
  for (const opening of openings) {
    const peer = await dialRaw(t, port, client)
    peer.say(opening)
    assert.equal(await peer.rest(), '')
  }
  const noise = await dialRaw(t, port, client)
  noise.socket.write(randomBytes(60_000))
  noise.socket.on('error', () => {})
  await noise.closed
  assert.equal(await call.sayHello('after'), 'after...')
  assert.ok(log.some(({ message }) => message.includes('MX-FOO')))
})

test('halibut 13.52: a connection that does not say who it is has its time, and is closed', async t => {
  const { port, log } = await pair(t, 'listening', { service: { limits: { identificationTimeoutMs: 1000 } } })
  const client = await certificateFor('client')
  for (const opening of ['', 'M', 'MX\r\n\r\n', 'MX\r\n\r\nMX-CLI']) {
    const peer = await dialRaw(t, port, client)
    if (opening !== '') peer.say(opening)
    assert.equal(await peer.rest(), '')
  }
  const tcp = connectTcp(port, '127.0.0.1').on('error', () => {})
  await once(tcp.resume(), 'close')
  const late = () => log.filter(({ message }) => message.includes('did not say who it is within 1000 ms'))
  await until(() => late().length === 4, 'four lines in the log').catch(cause => {
    throw new Error(`The log is:\n${log.map(({ message }) => message).join('\n')}`, { cause })
  })
})

test('halibut 13.25: discovery tells the thumbprint of a listener, and gives up on one that is silent', async t => {
  const { port, client, service } = await pair(t, 'listening')
  assert.equal(await client.discover(`https://127.0.0.1:${port}`), service.certificate.thumbprint)
  const { createServer } = await import('node:net')
  const silent = createServer(socket => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.after(() => silent.close())
  const { port: silentPort } = silent.address() as { port: number }
  await failure(client.discover(`https://127.0.0.1:${silentPort}`, { timeoutMs: 100 }), 'ERR_CONNECT')
  const unknown = await failure(client.discover('https://no-such-host.invalid:1'), 'ERR_CONNECT')
  assert.match(unknown.message, /no-such-host\.invalid/)
})

test('halibut 13.26: observers hear of every connection once, with what it carried', async t => {
  const seen: string[] = []
  const carried: ConnectionTraffic[] = []
  let readBytes = 0
  const { call, port, client } = await pair(t, 'listening', {
    service: {
      observer: {
        connectionOpened({ id }, traffic) {
          seen.push(`opened ${id}`)
          carried.push(traffic)
        },
        connectionAuthorised: ({ id }) => void seen.push(`authorised ${id}`),
        connectionClosed({ id }, totals) {
          seen.push(`closed ${id}`)
          readBytes = totals.readBytes
        },
      },
    },
  })
  await call.sayHello('x'.repeat(5000))
  const first = carried[0]
  assert.ok(first)
  const before = first.readBytes
  assert.ok(before > 100, 'what is carried is told meanwhile')
  await call.sayHello('more')
  assert.ok(first.readBytes > before)
  const browser = await dialRaw(t, port)
  browser.say('GET / HTTP/1.1\r\n\r\n')
  await browser.rest()
  await client.close()
  await until(() => seen.length === 5, 'five events')
  const kinds = seen.map(event => event.split(' ')[0])
  assert.deepEqual(kinds.toSorted(), ['authorised', 'closed', 'closed', 'opened', 'opened'])
  assert.ok(readBytes > before)
})
