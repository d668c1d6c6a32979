import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError, type ApiErrorCode } from './api-error.ts'
import { createApiClient, readCookie } from './client.ts'

interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: Headers
}

/** A client that answers by path; the root document is always there. */
function clientWith(answers: Record<string, () => Response>, cookies = '') {
  const sent: Sent[] = []
  const client = createApiClient({
    root: 'https://host.test/octopus/',
    async fetch(url, init) {
      const path = new URL(url).pathname
      sent.push({ method: init.method ?? 'GET', path, headers: new Headers(init.headers) })
      if (path === '/octopus/api') return Response.json({ Version: '2026.3.0', InstallationId: 'abc' })
      const answer = answers[path]
      if (!answer) throw new TypeError('fetch failed')
      return answer()
    },
    cookies: () => cookies,
  })
  return { client, sent }
}

function json(status: number, body: unknown): () => Response {
  return () => Response.json(body, { status })
}

async function errorOf(promise: Promise<unknown>): Promise<ApiError> {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof ApiError)
    return error
  }
  throw new Error('The call did not fail.')
}

test('paths are below the folder of the server', async () => {
  const { client } = clientWith({ '/octopus/api/tasks': json(200, { Items: [] }) })
  assert.deepEqual(await client.get('api/tasks'), { Items: [] })
  assert.equal(client.url('api/tasks/1/raw'), 'https://host.test/octopus/api/tasks/1/raw')
})

test('a change carries the token of this server, not that of another on the same host', async () => {
  const cookies = 'a=1; Octopus-Csrf-Token_other=wrong; Octopus-Csrf-Token_abc=a%2Bb%3D; z=2'
  const { client, sent } = clientWith({ '/octopus/api/tasks': json(201, {}) }, cookies)
  await client.post('api/tasks', { Name: 'Health' })
  assert.equal(sent.at(-1)?.headers.get('X-Octopus-Csrf-Token'), 'a+b=')
  assert.equal(sent.at(-1)?.headers.get('Content-Type'), 'application/json')
})

test('a session is known by its cookie, without asking the server for more than its root', async () => {
  assert.equal(await clientWith({}, 'Octopus-Csrf-Token_abc=x').client.hasSession(), true)
  const { client, sent } = clientWith({}, 'Octopus-Csrf-Token_other=x')
  assert.equal(await client.hasSession(), false)
  assert.deepEqual(
    sent.map(({ path }) => path),
    ['/octopus/api'],
  )
})

test('the root document is asked for once, and again after a failure', async () => {
  let isUp = false
  let asked = 0
  const client = createApiClient({
    root: 'https://host.test/',
    async fetch() {
      asked += 1
      if (!isUp) throw new TypeError('fetch failed')
      return Response.json({ Version: '1', InstallationId: 'abc' })
    },
    cookies: () => '',
  })
  await assert.rejects(client.serverRoot())
  isUp = true
  await client.serverRoot()
  await client.serverRoot()
  assert.equal(asked, 2)
})

for (const [status, code] of [
  [400, 'ERR_REFUSED'],
  [401, 'ERR_SIGNED_OUT'],
  [403, 'ERR_FORBIDDEN'],
  [404, 'ERR_NOT_FOUND'],
  [409, 'ERR_REFUSED'],
  [500, 'ERR_SERVER'],
  [503, 'ERR_SERVER'],
] as const satisfies readonly (readonly [number, ApiErrorCode])[]) {
  test(`an answer of ${status} tells the server's words`, async () => {
    const body = { ErrorMessage: 'No.', Errors: ['first', 'second'] }
    const { client } = clientWith({ '/octopus/api/x': json(status, body) })
    const error = await errorOf(client.get('api/x'))
    assert.deepEqual(
      [error.code, error.status, error.message, error.problems],
      [code, status, 'No.', body.Errors],
    )
  })
}

test("a proxy's error page is told in our own words", async () => {
  const { client } = clientWith({
    '/octopus/api/x': () => new Response('<h1>Bad gateway</h1>', { status: 502 }),
  })
  const error = await errorOf(client.get('api/x'))
  assert.equal(error.code, 'ERR_SERVER')
  assert.ok(!error.message.includes('<'))
})

test('no answer at all is told as such', async () => {
  const error = await errorOf(clientWith({}).client.get('api/x'))
  assert.deepEqual([error.code, error.status], ['ERR_UNREACHABLE', 0])
})

test('an answer that is not JSON is not taken for one', async () => {
  const { client } = clientWith({ '/octopus/api/x': () => new Response('<html>') })
  assert.equal((await errorOf(client.get('api/x'))).code, 'ERR_BAD_ANSWER')
})

test('an empty answer is an empty object', async () => {
  const { client } = clientWith({ '/octopus/api/x': () => new Response('') })
  assert.deepEqual(await client.post('api/x', {}), {})
})

test('cookies are found by their whole name and decoded where they are encoded', () => {
  assert.equal(readCookie('ab=1; b=2', 'b'), '2')
  assert.equal(readCookie('b=x=y', 'b'), 'x=y')
  assert.equal(readCookie('b=%E0%A4%A', 'b'), '%E0%A4%A')
  assert.equal(readCookie('', 'b'), undefined)
})
