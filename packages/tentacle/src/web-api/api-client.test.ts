import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { TentacleError } from '../errors.ts'
import { ApiClient } from './api-client.ts'
import type { ApiEndpoint } from './api-endpoint.ts'
import { createWebDispatcher, type WebDispatcherOptions } from './web-dispatcher.ts'

const root = { ApiVersion: '3.0.0', Version: '2026.3.0', Links: {} }
const noProxy = { useDefault: false, host: undefined, port: 80, username: undefined, password: undefined }
const files = join(import.meta.dirname, '../../test/fixtures/files')

async function listening(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

interface Setup extends Partial<WebDispatcherOptions> {
  readonly server: string
  readonly limitMs?: number
}

function client(t: TestContext, setup: Setup): ApiClient {
  const dispatcher = createWebDispatcher({
    ignoreSslErrors: false,
    proxy: noProxy,
    env: {},
    onIgnoredCertificate: () => undefined,
    ...setup,
  })
  t.after(() => dispatcher.destroy())
  const endpoint: ApiEndpoint = {
    server: new URL(setup.server),
    credentials: { kind: 'apiKey', apiKey: 'API-KEY' },
    ignoreSslErrors: setup.ignoreSslErrors ?? false,
  }
  return new ApiClient(endpoint, {
    dispatcher,
    patience: { limitMs: setup.limitMs ?? 2000, pauseMs: 5 },
    signal: new AbortController().signal,
  })
}

const json =
  (answer: (path: string) => unknown): RequestListener =>
  (request, response) =>
    void response.end(JSON.stringify(answer(request.url ?? '')))

const failsWith = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof TentacleError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, words)
  return true
}

describe('calls to the web API', () => {
  test('wait for a server that is starting', async t => {
    let asked = 0
    const port = await listening(
      t,
      createServer((_, response) => {
        asked += 1
        response.writeHead(asked < 3 ? 503 : 200).end(JSON.stringify(root))
      }),
    )
    assert.deepEqual(await client(t, { server: `http://127.0.0.1:${port}` }).root(), root)
    assert.equal(asked, 3)
  })

  test('wait for a server that does not listen yet', async t => {
    const server = createServer(json(() => root))
    const port = await listening(t, server)
    await new Promise(resolve => server.close(resolve))
    const answer = client(t, { server: `http://127.0.0.1:${port}`, limitMs: 10_000 }).root()
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    assert.deepEqual(await answer, root)
  })

  test('give up on a server that never listens, and name it', async t => {
    const failure = client(t, { server: 'http://127.0.0.1:9', limitMs: 20 }).root()
    await assert.rejects(failure, failsWith('ERR_UNREACHABLE', /127\.0\.0\.1:9 .*ECONNREFUSED/))
  })

  for (const [what, answer, words] of [
    ['no JSON', '<html>', /not JSON/],
    ['a list', '[]', /not an object/],
    ['nothing', '', /not an object/],
    ['a newer web API', JSON.stringify({ ...root, ApiVersion: '4.0.0' }), /'4\.0\.0'/],
    ['a server of old', JSON.stringify({ ...root, Version: '2.6.5' }), /'2\.6\.5'/],
  ] as const) {
    test(`refuse ${what} as an answer of the root`, async t => {
      const port = await listening(
        t,
        createServer((_, response) => void response.end(answer)),
      )
      await assert.rejects(
        client(t, { server: `http://127.0.0.1:${port}` }).root(),
        failsWith('ERR_SERVER', words),
      )
    })
  }

  test('never follow a link to another host, where the key would go', async t => {
    const port = await listening(t, createServer(json(() => root)))
    const api = client(t, { server: `http://127.0.0.1:${port}` })
    await assert.rejects(api.get('http://evil.example/api'), failsWith('ERR_SERVER', /another host/))
    await assert.rejects(api.get('//evil.example/api'), failsWith('ERR_SERVER', /another host/))
  })

  test('do not follow a redirect, and tell where it leads', async t => {
    const port = await listening(
      t,
      createServer((_, response) =>
        response.writeHead(301, { Location: 'https://other.example/api?x=secret' }).end(),
      ),
    )
    const answer = client(t, { server: `http://127.0.0.1:${port}` }).root()
    await assert.rejects(answer, failsWith('ERR_SERVER', /on to https:\/\/other\.example\/api\. If/))
  })

  for (const [encoding, pack] of [
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ] as const) {
    test(`read answers that a proxy on the way has packed with ${encoding}`, async t => {
      const port = await listening(
        t,
        createServer((_, response) =>
          response.writeHead(200, { 'Content-Encoding': encoding }).end(pack(JSON.stringify(root))),
        ),
      )
      assert.deepEqual(await client(t, { server: `http://127.0.0.1:${port}` }).root(), root)
    })
  }

  test('follow links below a virtual folder, rooted or with ~', async t => {
    const port = await listening(t, createServer(json(path => ({ path }))))
    const api = client(t, { server: `http://127.0.0.1:${port}/octopus/` })
    assert.deepEqual(await api.get('~/api/x'), { path: '/octopus/api/x' })
    assert.deepEqual(await api.get('/octopus/api/x'), { path: '/octopus/api/x' })
  })

  test('read all pages of a list, and stop at one that comes back', async t => {
    const pages: Readonly<Record<string, unknown>> = {
      '/a': { Items: [{ Id: '1' }], Links: { 'Page.Next': '/b' } },
      '/b': { Items: [{ Id: '2' }], Links: {} },
      '/loop': { Items: [], Links: { 'Page.Next': '/loop' } },
    }
    const port = await listening(t, createServer(json(path => pages[path])))
    const api = client(t, { server: `http://127.0.0.1:${port}` })
    assert.deepEqual(await api.all('/a'), [{ Id: '1' }, { Id: '2' }])
    await assert.rejects(api.all('/loop'), failsWith('ERR_SERVER', /own page/))
  })

  test("show the server's own words, with its reasons", async t => {
    const refusal = { ErrorMessage: 'There was a problem.', Errors: ['one', 'two'], HelpText: 'Try harder.' }
    const port = await listening(
      t,
      createServer((_, response) => void response.writeHead(400).end(JSON.stringify(refusal))),
    )
    const failure = client(t, { server: `http://127.0.0.1:${port}` }).post('/x', {})
    await assert.rejects(
      failure,
      failsWith('ERR_SERVER', /^There was a problem\.\n - one\n - two\nTry harder\.$/),
    )
  })
})

describe('HTTPS to the web API', () => {
  const tls = { key: readFileSync(join(files, 'server.key')), cert: readFileSync(join(files, 'server.crt')) }

  test('refuses a certificate that cannot be verified at once, and names it', async t => {
    const port = await listening(
      t,
      createTlsServer(
        tls,
        json(() => root),
      ),
    )
    const failure = client(t, { server: `https://localhost:${port}`, limitMs: 60_000 }).root()
    await assert.rejects(
      failure,
      failsWith('ERR_SERVER', /F707A54CCF7EBF375B8D90A8FD90402FDC1C9295.*--ignoreSslErrors/),
    )
  })

  test('accepts it when told to, and says so once', async t => {
    const port = await listening(
      t,
      createTlsServer(
        tls,
        json(() => root),
      ),
    )
    const told: string[] = []
    const api = client(t, {
      server: `https://localhost:${port}`,
      ignoreSslErrors: true,
      onIgnoredCertificate: problem => told.push(problem),
    })
    await api.root()
    await api.root()
    assert.equal(told.length, 1)
    assert.match(told[0] ?? '', /F707A54CCF7EBF375B8D90A8FD90402FDC1C9295/)
  })
})

describe('proxies on the way to the web API', () => {
  /** A proxy that forwards, tunnels, and remembers who came. */
  async function startProxy(t: TestContext) {
    const seen: string[] = []
    const proxy = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim())
      response.end(JSON.stringify(root))
    })
    proxy.on('connect', (request, socket) => {
      seen.push(`CONNECT ${request.headers['proxy-authorization'] ?? ''}`.trim())
      const [host, port] = (request.url ?? '').split(':')
      const target = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        target.pipe(socket).pipe(target)
      })
      target.on('error', () => socket.destroy())
      socket.on('error', () => target.destroy())
    })
    return { port: await listening(t, proxy), seen }
  }

  test('of the settings are used, with user and password', async t => {
    const { port, seen } = await startProxy(t)
    const proxy = { useDefault: false, host: '127.0.0.1', port, username: 'user1', password: 'p@ss word1' }
    await client(t, { server: 'http://server.invalid/', proxy }).root()
    const credentials = `Basic ${Buffer.from('user1:p@ss word1').toString('base64')}`
    assert.deepEqual(seen, [`GET http://server.invalid/api ${credentials}`])
  })

  test('are tunnelled through for HTTPS', async t => {
    const tls = {
      key: readFileSync(join(files, 'server.key')),
      cert: readFileSync(join(files, 'server.crt')),
    }
    const web = await listening(
      t,
      createTlsServer(
        tls,
        json(() => root),
      ),
    )
    const { port, seen } = await startProxy(t)
    const proxy = { ...noProxy, host: '127.0.0.1', port }
    await client(t, { server: `https://localhost:${web}/`, proxy, ignoreSslErrors: true }).root()
    assert.deepEqual(seen, ['CONNECT'])
  })

  test('of the system are used only if the settings say so', async t => {
    const { port, seen } = await startProxy(t)
    const web = await listening(t, createServer(json(() => root)))
    const server = `http://localhost:${web}`
    const env = { http_proxy: `http://127.0.0.1:${port}` }
    await client(t, { server, env }).root()
    assert.equal(seen.length, 0)
    await client(t, { server, env, proxy: { ...noProxy, useDefault: true } }).root()
    assert.equal(seen.length, 1)
    await client(t, {
      server,
      env: { ...env, NO_PROXY: 'localhost' },
      proxy: { ...noProxy, useDefault: true },
    }).root()
    assert.equal(seen.length, 1)
  })
})
