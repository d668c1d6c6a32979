import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { createClient, listOf, objectOf, textOf } from './client.ts'
import { isFromTemplate } from './recording.ts'
import { startTestServer } from './test-server.ts'

test('every link of the root documents leads to a route', async t => {
  const server = await startTestServer(t)
  const { client } = server
  const root = objectOf(await client.get('/api'), 'Links')
  const space = objectOf(await client.get('/api/Spaces-1'), 'Links')
  for (const [name, template] of [...Object.entries(root), ...Object.entries(space)]) {
    const path = String(template)
      .replace(/\{\?[^}]*\}/, '')
      .replace(/\{\/[^}]*\}/, '')
      .replace('{spaceId}', 'Spaces-1')
      .replace(/\{[^}]*\}/g, 'x')
    assert.ok(isFromTemplate(String(template), path, {}), `${name}: ${template}`)
    const answer = await client.send('GET', path)
    // 405, or a 404 about a thing and not about the address: there is a route.
    const isKnown = !answer.text.includes('There is nothing at')
    assert.ok(isKnown, `${name} leads to ${path}, which answers ${answer.status} ${answer.text}`)
  }
})

test('the same thing is found under all of its addresses', async t => {
  const server = await startTestServer(t)
  const { client } = server
  const { Id: id } = await client.post('/api/Spaces-1/environments', { Name: 'Dev' })
  for (const path of [
    `/api/environments/${id}`,
    `/api/Spaces-1/environments/${id}`,
    `/api/spaces-1/ENVIRONMENTS/${id}`,
    `/api/default/environments/${id}`,
    `/api/spaces/Spaces-1/environments/${id}`,
    `/api/Spaces/Default/Environments/${id}/`,
    `/api/environments/${String(id).toLowerCase()}`,
  ]) {
    assert.equal((await client.get(path)).Name, 'Dev', path)
  }
  assert.equal((await client.send('GET', `/api/Spaces-9/environments/${id}`)).status, 404)
})

test('a thing of one space is not found in another', async t => {
  const server = await startTestServer(t)
  const { client } = server
  const me = await client.get('/api/users/me')
  const space = await client.post('/api/spaces', { Name: 'Other', SpaceManagersTeamMembers: [me.Id] })
  const { Id: id } = await client.post(`/api/${textOf(space, 'Id')}/environments`, { Name: 'Dev' })
  assert.equal((await client.send('GET', `/api/Spaces-1/environments/${id}`)).status, 404)
  assert.equal((await client.send('DELETE', `/api/Spaces-1/environments/${id}`)).status, 404)
  assert.equal((await client.items('/api/Spaces-1/environments')).length, 0)
})

test('errors have a message, and lines only where clients expect them', async t => {
  const server = await startTestServer(t)
  const { client } = server
  const anonymous = createClient(server.url)
  const rows = [
    { answer: await client.send('GET', '/api/Spaces-1/machines/Machines-999999'), status: 404, lines: false },
    { answer: await client.send('GET', '/api/nothing'), status: 404, lines: false },
    { answer: await client.send('GET', '/api/tasks/projects/all'), status: 404, lines: false },
    { answer: await anonymous.send('GET', '/api/users/me'), status: 401, lines: false },
    { answer: await client.send('PATCH', '/api/Spaces-1/machines'), status: 405, lines: false },
    { answer: await client.send('POST', '/api/environments', { Name: '' }), status: 400, lines: true },
    { answer: await client.send('POST', '/api/environments', {}), status: 400, lines: true },
    {
      answer: await client.send('POST', '/api/environments', '{"Name":', {
        'Content-Type': 'application/json',
      }),
      status: 400,
      lines: true,
    },
    {
      answer: await client.send('POST', '/api/environments', '[]', { 'Content-Type': 'application/json' }),
      status: 400,
      lines: true,
    },
    {
      answer: await client.send('POST', '/api/environments', 'Name=x', { 'Content-Type': 'text/plain' }),
      status: 415,
      lines: false,
    },
    { answer: await client.send('GET', '/api/environments?skip=-1'), status: 400, lines: true },
  ]
  for (const { answer, status, lines } of rows) {
    assert.equal(answer.status, status, answer.text)
    assert.ok(textOf(answer.body, 'ErrorMessage').length > 10, answer.text)
    assert.equal('Errors' in answer.body, lines, answer.text)
    assert.doesNotMatch(answer.text, /FST_|node_modules|\bat \//)
  }
})

test('a duplicate name is refused in any case of its letters', async t => {
  const server = await startTestServer(t)
  const { client } = server
  await client.post('/api/environments', { Name: 'Dev' })
  const { status, body } = await client.send('POST', '/api/environments', { Name: ' DEV ' })
  assert.deepEqual(
    [status, body.Errors],
    [400, ["The name 'DEV' is taken: another environment has it already."]],
  )
})

test('bodies may begin with a byte order mark and carry a charset', async t => {
  const server = await startTestServer(t)
  const { client } = server
  const type = { 'Content-Type': 'application/json; charset=utf-8' }
  const answer = await client.send('POST', '/api/environments', '\uFEFF{"name":"Übung"}', type)
  assert.deepEqual([answer.status, answer.body.Name, answer.body.Slug], [201, 'Übung', 'ubung'])
})

test('answers carry security headers, and those of the API are not kept', async t => {
  const server = await startTestServer(t)
  const { headers } = await createClient(server.url).send('GET', '/api')
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  assert.equal(headers.get('x-powered-by'), null)
})

test('a connection that is kept open is used again', async t => {
  const server = await startTestServer(t)
  const { hostname, port } = new URL(server.url)
  const timeout = await new Promise<string>((resolve, reject) => {
    const call = httpRequest(
      { hostname, port, path: '/api', headers: { Connection: 'keep-alive' } },
      response => {
        response.resume().on('end', () => resolve(String(response.headers['keep-alive'])))
      },
    )
    call.on('error', reject).end()
  })
  assert.equal(timeout, 'timeout=130')
})

test('the health addresses answer without signing in', async t => {
  const server = await startTestServer(t)
  const client = createClient(server.url)
  assert.deepEqual((await client.send('GET', '/health/live')).body, { status: 'live' })
  assert.deepEqual((await client.send('GET', '/health/ready')).body, { status: 'ready' })
  assert.equal((await client.send('GET', '/api/serverstatus/health')).body.IsOperatingNormally, true)
})

test('a list can be paged to its end by its links, also below a folder', async t => {
  const server = await startTestServer(t, { webPrefix: 'octopus/' })
  const { client } = server
  for (let n = 0; n < 7; n++) await client.post('/api/environments', { Name: `env${n}` })
  const origin = createClient(new URL(server.url).origin)
  const { apiKey } = server
  const names: unknown[] = []
  let next: unknown = '/octopus/api/environments?take=3&partialName=ENV'
  while (typeof next === 'string') {
    const { body, text } = await origin.send('GET', next, undefined, { 'X-Octopus-ApiKey': apiKey })
    assert.equal(body.TotalResults, 7, text)
    names.push(...listOf(body, 'Items').map(item => item.Name))
    next = objectOf(body, 'Links')['Page.Next']
  }
  assert.deepEqual(names, ['env0', 'env1', 'env2', 'env3', 'env4', 'env5', 'env6'])
})
