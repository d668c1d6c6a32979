import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ApiClient, ApiError, parseEvent } from './api-client.ts'

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return `http://127.0.0.1:${port}`
}

test('an event has its id, its name and its data', () => {
  assert.deepEqual(parseEvent('id: 7\nevent: log\ndata: {"a":\ndata: 1}'), {
    id: '7',
    event: 'log',
    data: { a: 1 },
  })
})

test('comments and blocks without data are no events', () => {
  assert.equal(parseEvent(': still here'), undefined)
  assert.equal(parseEvent('event: log'), undefined)
})

test('a stream cut anywhere gives the same events', async t => {
  const text = 'id: 1\nevent: log\ndata: "ä"\n\n: beat\n\nid: 2\nevent: task\ndata: {}\n\n'
  const base = await serve(t, (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    for (const byte of Buffer.from(text)) response.write(Buffer.of(byte))
    response.end()
  })
  const seen: unknown[] = []
  for await (const event of ApiClient.withKey(base, 'API-X').events(
    '/x',
    undefined,
    AbortSignal.timeout(5_000),
  ))
    seen.push(event)
  assert.deepEqual(seen, [
    { id: '1', event: 'log', data: 'ä' },
    { id: '2', event: 'task', data: {} },
  ])
})

test('a refusal carries the words of the server', async t => {
  const base = await serve(t, (_, response) => {
    response.writeHead(400, { 'Content-Type': 'application/json' })
    response.end('{"ErrorMessage":"There was a problem.","Errors":["The name is taken."]}')
  })
  await assert.rejects(ApiClient.withKey(base, 'API-X').post('/api/things', {}), (error: unknown) => {
    assert.ok(error instanceof ApiError)
    assert.equal(error.status, 400)
    assert.match(error.message, /There was a problem\. The name is taken\./)
    return true
  })
})

test('signing in sends the session and its token with every call', async t => {
  const calls: { url: string | undefined; cookie: string | undefined; token: unknown }[] = []
  const base = await serve(t, (request, response) => {
    calls.push({
      url: request.url,
      cookie: request.headers.cookie,
      token: request.headers['x-octopus-csrf-token'],
    })
    response.setHeader('Set-Cookie', [
      'OctopusIdentificationToken_1=abc; HttpOnly',
      'Octopus-Csrf-Token_1=a%7Cb; Path=/',
    ])
    response.end('{"Id":"Users-1"}')
  })
  const client = await ApiClient.signIn(base, 'admin', 'secret')
  await client.get('/api/users/me')
  assert.equal(calls[1]?.cookie, 'OctopusIdentificationToken_1=abc; Octopus-Csrf-Token_1=a%7Cb')
  assert.equal(calls[1]?.token, 'a|b')
})
