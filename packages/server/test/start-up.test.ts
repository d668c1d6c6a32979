import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { runCli } from '../src/cli/run-cli.ts'
import { isServerError, type ServerErrorCode } from '../src/errors.ts'
import { startServer } from '../src/start-server.ts'
import { createClient } from './client.ts'
import { startTestServer } from './test-server.ts'

const fails = (code: ServerErrorCode, text: RegExp) => (error: unknown) =>
  isServerError(error, code) && text.test(error.message)

async function temporaryHome(t: TestContext): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'server-start-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  return home
}

/** Runs the command line in this process and gives what it printed. */
async function cli(args: readonly string[], stop = new AbortController()) {
  const printed = { out: '', error: '' }
  const into = (name: keyof typeof printed): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        printed[name] += String(chunk)
        done()
      },
    })
  const code = await runCli(args, { stdout: into('out'), stderr: into('error'), env: {}, stop: stop.signal })
  return { ...printed, code }
}

test('a home folder serves one server at a time, and the next one after it stopped', async t => {
  const server = await startTestServer(t)
  const again = () => startServer({ home: server.home, port: 0, commsPort: 0 })
  await assert.rejects(again(), fails('ERR_HOME_IN_USE', new RegExp(`process ${process.pid}`)))
  await server.stop()
  await server.stop()
  await (await again()).stop()
})

test('what is kept is for its owner only', { skip: process.platform === 'win32' }, async t => {
  const { home } = await startTestServer(t)
  for (const [name, mode] of [
    ['server.db', 0o600],
    ['master.key', 0o600],
    ['logs', 0o700],
    ['packages', 0o700],
  ] as const) {
    assert.equal((await stat(join(home, name))).mode & 0o777, mode, name)
  }
})

test('a taken port is named together with the option that changes it, and nothing stays open', async t => {
  const other = createServer().listen(0)
  t.after(() => other.close())
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { home, stop } = await startTestServer(t)
  await stop()
  await assert.rejects(
    startServer({ home, port, commsPort: 0 }),
    fails('ERR_PORT_TAKEN', new RegExp(`${port}.*--port`)),
  )
  await assert.rejects(
    startServer({ home, port: 0, commsPort: port }),
    fails('ERR_PORT_TAKEN', new RegExp(`${port}.*--comms-port`)),
  )
  await (await startServer({ home, port: 0, commsPort: 0 })).stop()
})

test('a folder that cannot be written, bad settings and a lost master key are told before anything starts', async t => {
  await assert.rejects(startServer({ home: '/proc/nowhere/home' }), fails('ERR_HOME', /--home/))
  const { home, stop } = await startTestServer(t)
  await stop()
  const start = () => startServer({ home, port: 0, commsPort: 0 })
  await writeFile(join(home, 'config.json'), '{ "prot": 8080 }')
  await assert.rejects(start(), fails('ERR_CONFIG', /prot/))
  await writeFile(join(home, 'config.json'), '{')
  await assert.rejects(start(), fails('ERR_CONFIG', /not valid JSON/))
  await rm(join(home, 'config.json'))
  const key = await readFile(join(home, 'master.key'))
  await writeFile(join(home, 'master.key'), Buffer.alloc(32, 1).toString('base64'))
  await assert.rejects(start(), fails('ERR_MASTER_KEY', /not the one/))
  await writeFile(join(home, 'master.key'), 'short')
  await assert.rejects(start(), fails('ERR_MASTER_KEY', /32 bytes/))
  await rm(join(home, 'master.key'))
  await assert.rejects(start(), fails('ERR_MASTER_KEY', /missing/))
  await writeFile(join(home, 'master.key'), key)
  await writeFile(join(home, 'server.db'), 'this is no database at all'.repeat(100))
  await assert.rejects(start(), fails('ERR_DATABASE', /server\.db/))
})

test('run tells that it is ready, serves, and ends when it is asked to', async t => {
  const home = await temporaryHome(t)
  const stop = new AbortController()
  const ready = Promise.withResolvers<{ web: string; adminPassword: string; thumbprint: string }>()
  let out = ''
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      out += String(chunk)
      const line = out.split('\n').find(each => each.includes('"event":"ready"'))
      if (line !== undefined) ready.resolve(JSON.parse(line))
      done()
    },
  })
  const args = ['run', '--home', home, '--port', '0', '--comms-port', '0', '--format', 'json']
  const ended = runCli(args, { stdout, stderr: stdout, env: {}, stop: stop.signal })
  const { web, adminPassword, thumbprint } = await ready.promise
  const login = { Username: 'admin', Password: adminPassword }
  assert.equal((await createClient(web).send('POST', '/api/users/login', login)).status, 200)
  assert.equal((await cli(['show-thumbprint', '--home', home])).out.trim(), thumbprint)
  const key = (await cli(['create-api-key', '--home', home, '--purpose', 'test'])).out.trim()
  assert.equal(
    (await createClient(web, { 'X-Octopus-ApiKey': key }).send('GET', '/api/users/me')).status,
    200,
  )
  const reset = await cli(['reset-password', '--home', home, '--format', 'json'])
  const { password } = JSON.parse(reset.out)
  assert.equal((await createClient(web).send('POST', '/api/users/login', login)).status, 400)
  assert.equal(
    (await createClient(web).send('POST', '/api/users/login', { ...login, Password: password })).status,
    200,
  )
  stop.abort()
  assert.equal(await ended, 0)
  assert.match(out, /"event":"stopped"/)
  assert.equal(out.includes(password), false)
})

test('mistakes in the command line are told with what would be right', async t => {
  const home = await temporaryHome(t)
  const rows: readonly [args: readonly string[], code: number, text: RegExp][] = [
    [['fly'], 2, /no command 'fly'/],
    [['run', '--prot', '1'], 2, /--prot/],
    [['run', '--port', '70000'], 2, /--port is '70000'/],
    [['run', '--format', 'xml'], 2, /text or json/],
    [['show-thumbprint', '--home', home], 1, /no server in/],
    [['run', '--home', '/proc/nowhere'], 1, /--home/],
  ]
  for (const [args, code, text] of rows) {
    const result = await cli(args)
    assert.equal(result.code, code, result.error)
    assert.match(result.error, text)
  }
  assert.match((await cli(['help'])).out, /Commands:/)
  assert.match((await cli(['run', '--help'])).out, /--comms-port PORT/)
  assert.match((await cli(['version'])).out, /^\d+\.\d+\.\d+\n$/)
})
