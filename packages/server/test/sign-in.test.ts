import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sessionMs } from '../src/access/sign-in.ts'
import {
  type Answer,
  adminPassword,
  type Client,
  cookiesOf,
  createClient,
  objectOf,
  textOf,
} from './client.ts'
import { startTestServer } from './test-server.ts'

const login = (client: Client, Password: string, more: object = {}): Promise<Answer> =>
  client.send('POST', '/api/users/login', { Username: 'Admin', Password, ...more })

const csrfOf = (cookies: string): string => /Octopus-Csrf-Token_[^=]*=([^;]*)/.exec(cookies)?.[1] ?? ''

test('a wrong password is refused with a reason and no cookie', async t => {
  const server = await startTestServer(t)
  const client = createClient(server.url)
  const answer = await login(client, 'wrong')
  assert.equal(answer.status, 400)
  assert.match(textOf(answer.body, 'ErrorMessage'), /password/)
  assert.deepEqual(answer.headers.getSetCookie(), [])
  assert.equal((await login(client, '')).status, 400)
})

test('after five wrong passwords one has to wait, and is told how long', async t => {
  const server = await startTestServer(t)
  const client = createClient(server.url)
  for (let n = 0; n < 5; n++) assert.equal((await login(client, 'wrong')).status, 400)
  const answer = await login(client, adminPassword)
  assert.equal(answer.status, 429)
  assert.ok(Number(answer.headers.get('retry-after')) > 200)
})

test('the two cookies are named and guarded as clients expect', async t => {
  const server = await startTestServer(t)
  const client = createClient(server.url)
  const { InstallationId: id } = (await client.send('GET', '/api')).body
  const cookies = (await login(client, adminPassword)).headers.getSetCookie()
  assert.equal(cookies.length, 2)
  const [session = '', csrf = ''] = cookies
  assert.ok(session.startsWith(`OctopusIdentificationToken_${id}=`))
  assert.match(session, /HttpOnly/)
  assert.match(session, /SameSite=Lax/)
  assert.ok(csrf.startsWith(`Octopus-Csrf-Token_${id}=`))
  assert.doesNotMatch(csrf, /HttpOnly/)
  assert.doesNotMatch(cookies.join(), /Max-Age/)
  const kept = (await login(client, adminPassword, { RememberMe: true })).headers.getSetCookie()
  assert.match(kept.join(), /Max-Age=2592000/)
})

test('with a cookie, reading needs no more, but changing needs the token in the header', async t => {
  const server = await startTestServer(t)
  const cookies = cookiesOf(await login(createClient(server.url), adminPassword))
  const client = createClient(server.url, { Cookie: cookies })
  assert.equal((await client.send('GET', '/api/users/me')).status, 200)
  const change = (headers: Record<string, string>) =>
    client.send('POST', '/api/environments', { Name: 'Dev' }, headers)
  assert.equal((await change({})).status, 400)
  assert.equal((await change({ 'X-Octopus-Csrf-Token': 'made-up' })).status, 400)
  assert.equal((await change({ 'X-Octopus-Csrf-Token': csrfOf(cookies) })).status, 201)
  const environment = (await client.get('/api/environments/all')).Id
  assert.equal(environment, undefined)
  const tunnelled = { 'X-HTTP-Method-Override': 'DELETE' }
  assert.equal(
    (await client.send('POST', '/api/environments/Environments-1', undefined, tunnelled)).status,
    400,
  )
})

test('signing out ends the session on the server too', async t => {
  const server = await startTestServer(t)
  const cookies = cookiesOf(await login(createClient(server.url), adminPassword))
  const client = createClient(server.url, { Cookie: cookies })
  const out = await client.send('POST', '/api/users/logout')
  assert.equal(out.status, 200)
  assert.equal(out.headers.getSetCookie().length, 2)
  assert.equal((await client.send('GET', '/api/users/me')).status, 401)
})

test('an expired session is answered with 401 and its reason', async t => {
  const clock = { ms: Date.now() }
  const server = await startTestServer(t, { now: () => new Date(clock.ms) })
  const cookies = cookiesOf(await login(createClient(server.url), adminPassword))
  const client = createClient(server.url, { Cookie: cookies })
  assert.equal((await client.send('GET', '/api/users/me')).status, 200)
  clock.ms += sessionMs.browser
  const answer = await client.send('GET', '/api/users/me')
  assert.deepEqual([answer.status, 'Errors' in answer.body], [401, false])
  assert.match(textOf(answer.body, 'ErrorMessage'), /session has ended/)
  // The root document is still there: the client must be able to start again.
  assert.equal((await client.send('GET', '/api')).status, 200)
})

test('keys are taken from the header and from the address; an empty one counts as none, a wrong one is refused', async t => {
  const server = await startTestServer(t)
  const { apiKey } = server
  const client = createClient(server.url)
  const status = async (path: string, headers: Record<string, string> = {}) =>
    (await client.send('GET', path, undefined, headers)).status
  assert.equal(await status('/api/users/me', { 'X-Octopus-ApiKey': apiKey }), 200)
  assert.equal(await status(`/api/users/me?apikey=${apiKey}`), 200)
  assert.equal(await status('/api/users/me', { 'X-Octopus-ApiKey': '' }), 401)
  assert.equal(await status('/api/users/me', { 'X-Octopus-ApiKey': `${apiKey}A` }), 401)
  assert.equal(await status('/api', { 'X-Octopus-ApiKey': 'API-WRONG' }), 200)
  assert.equal(await status('/api/users/me', { Authorization: `Bearer ${apiKey}` }), 401)
})

test('a revoked key ends at once, and a key is shown only when it is made', async t => {
  const server = await startTestServer(t)
  const { client } = server
  const me = await client.get('/api/users/me')
  const made = await client.post(`/api/users/${me.Id}/apikeys`, { Purpose: 'ci' })
  const key = textOf(made, 'ApiKey')
  const other = createClient(server.url, { 'X-Octopus-ApiKey': key })
  assert.equal((await other.send('GET', '/api/users/me')).status, 200)
  const list = await client.send('GET', `/api/users/${me.Id}/apikeys`)
  assert.equal(list.text.includes(key), false)
  await client.remove(textOf(objectOf(made, 'Links'), 'Self'))
  assert.equal((await other.send('GET', '/api/users/me')).status, 401)
})

test('access tokens last an hour', async t => {
  const clock = { ms: Date.now() }
  const server = await startTestServer(t, { now: () => new Date(clock.ms) })
  const { client } = server
  const { AccessToken: token } = await client.post('/api/users/access-token', {})
  const bearer = createClient(server.url, { Authorization: `Bearer ${token}` })
  assert.equal((await bearer.send('GET', '/api/users/me')).status, 200)
  clock.ms += sessionMs.token
  assert.equal((await bearer.send('GET', '/api/users/me')).status, 401)
})

test('no secret of a request gets into the log', async t => {
  const lines: string[] = []
  const { Writable } = await import('node:stream')
  const console = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const server = await startTestServer(t, { logLevel: 'trace', console, consoleFormat: 'json' })
  const { client, apiKey } = server
  await createClient(server.url).send('GET', `/api/users/me?apikey=${apiKey}`)
  await login(createClient(server.url), 'wrong-password-123')
  await client.send('POST', '/api/environments', '{"Name": "secret-in-broken-json', {
    'Content-Type': 'application/json',
  })
  const log = lines.join('')
  assert.match(log, /Request answered/)
  for (const secret of [apiKey, adminPassword, 'wrong-password-123'])
    assert.equal(log.includes(secret), false, secret)
})
