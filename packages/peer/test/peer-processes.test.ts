import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readPfx } from '@tentacle/halibut'
import { outputOf, runPeer, startPeer, startPeerByNpm } from './peer-process.ts'

let folder = ''
let [serverCert, clientCert] = ['', '']
let [serverThumb, clientThumb] = ['', '']

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peer-test-'))
  serverCert = join(folder, 'server.pfx')
  clientCert = join(folder, 'client.pfx')
  serverThumb = await outputOf('gen-cert', '--out', serverCert, '--cn', 'Server')
  clientThumb = await outputOf('gen-cert', `--out=${clientCert}`)
})

after(() => rm(folder, { recursive: true, force: true }))

/** A port that was free a moment ago. */
async function freePort(): Promise<string> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  assert.ok(address !== null && typeof address === 'object')
  return String(address.port)
}

function linesOf(stdout: string): Record<string, unknown>[] {
  return stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

/** The port of the READY line. */
async function serveListening() {
  const peer = startPeer('serve-listening', '--port', '0', '--cert', serverCert, `--trust=${clientThumb}`)
  const [, port = '', pid] = await peer.line(/^READY port=(\d+) pid=(\d+)$/m)
  assert.equal(Number(pid), peer.process.pid)
  return { peer, side: ['--addr', `127.0.0.1:${port}`, '--thumb', serverThumb, '--cert', clientCert], port }
}

/** A polling peer, and the options of those who call it. */
function servePolling(...more: readonly string[]) {
  return servePollingAt(port => `127.0.0.1:${port}`, ...more)
}

async function servePollingAt(at: (port: string) => string, ...more: readonly string[]) {
  const port = await freePort()
  const server = ['--server', at(port), '--server-thumb', clientThumb]
  const peer = startPeer(
    'serve-polling',
    ...server,
    '--subscription',
    'poll://Sub',
    '--cert',
    serverCert,
    ...more,
  )
  await peer.line(/^READY polling /m)
  const side = (name = 'poll://sub') => [
    '--listen',
    port,
    '--trust',
    serverThumb,
    '--subscription',
    name,
    '--cert',
    clientCert,
  ]
  return { peer, side }
}

/** An HTTP proxy that makes every tunnel, until `close` is called. */
async function startTunnels() {
  const requests: string[] = []
  const server = createServer(near => {
    near.on('error', () => {})
    near.once('data', data => {
      requests.push(data.toString())
      const [, port] = /^CONNECT \S+:(\d+) /.exec(data.toString()) ?? []
      const far = connect(Number(port), '127.0.0.1', () => {
        near.write('HTTP/1.0 200 Connection established\r\n\r\n')
        near.pipe(far).pipe(near)
      })
      far.on('error', () => near.destroy())
      near.on('close', () => far.destroy())
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return { port: String(address.port), requests, close: () => server.close() }
}

test('gen-cert and thumb print the thumbprint and nothing else; the file is its owner’s alone', async () => {
  assert.match(serverThumb, /^[0-9A-F]{40}$/)
  assert.equal(await outputOf('thumb', '--cert', serverCert), serverThumb)
  assert.equal(readPfx(await readFile(serverCert)).thumbprint, serverThumb)
  assert.equal((await stat(serverCert)).mode & 0o077, 0)
})

test('a listening peer answers every call of the command line and ends cleanly on SIGTERM', async () => {
  const { peer, side } = await serveListening()
  try {
    const call = (...args: string[]) => outputOf('call-listening', ...side, ...args)
    assert.equal(await call('--call', 'SayHello', '--arg', 'Ada'), 'Ada...')
    assert.equal(await call('--call=SayHello', '--arg=žluť 🚀', '--nodelay'), 'žluť 🚀...')
    assert.equal(await call('--call', 'Crash'), 'Attempted to divide by zero.')
    assert.equal(await call('--call', 'CountBytes', '--arg', '300000'), '300000')
    assert.equal(await call('--call', 'CountBytes', '--arg', 'hello'), '5')
    assert.equal(await call('--call', 'Add', '--arg', '9007199254740993,-1'), '9007199254740992')
    assert.equal(await call('--call', 'Add', '--arg', '1.5+2.25'), '3.75')
    assert.equal(await call('--call', 'SomeDataStream'), 'some data stream')
    assert.equal(await call('--call', 'Increment'), '1')
    assert.equal(await call('--call', 'Increment'), '2')
  } finally {
    const { exitCode, stderr } = await peer.stop()
    assert.equal(exitCode, 0)
    assert.equal(stderr, '')
  }
})

test('a polling peer answers calls of one after the other that listen for it', async () => {
  const { peer, side } = await servePolling()
  try {
    assert.equal(await outputOf('call-polling', ...side(), '--call', 'SayHello', '--arg', 'Ada'), 'Ada...')
    assert.equal(await outputOf('call-polling', ...side('poll://SUB/'), '--call', 'Add', '--arg', '1,2'), '3')
  } finally {
    assert.equal((await peer.stop()).exitCode, 0)
  }
})

test('serve-polling --count polls a row of subscriptions', async () => {
  const { peer, side } = await servePolling('--count', '3', '--connections', '2')
  try {
    assert.equal(await outputOf('call-polling', ...side('poll://sub2'), '--call', 'SayHello'), 'World...')
  } finally {
    assert.equal((await peer.stop()).exitCode, 0)
  }
})

test('the suite passes against a peer that polls by WebSocket, and one that does not shares the port', async () => {
  const byWebSocket = await servePollingAt(port => `wss://localhost:${port}/Halibut`, '--connections', '2')
  const port = byWebSocket.side()[1] ?? ''
  const plain = await servePollingAt(() => `127.0.0.1:${port}`, '--count', '1')
  try {
    // Those in which bytes go another way; the others are the same with every transport.
    const checks =
      'say-hello,echo-1-mib,send-128-streams,count-10-mib,download-10-mib,crash,64-calls-at-once,cancelled-call'
    const webSocket = ['--websocket', '/halibut/', '--checks', checks]
    const { exitCode, stdout } = await runPeer('suite', ...byWebSocket.side(), ...webSocket)
    assert.equal(exitCode, 0, stdout)
    assert.deepEqual(linesOf(stdout).at(-1), { suite: 'polling', pass: 8, fail: 0 })
    const call = ['--call', 'SayHello', '--arg', 'Ada', '--websocket', '/Halibut']
    assert.equal(await outputOf('call-polling', ...byWebSocket.side(), ...call), 'Ada...')
    assert.equal(
      await outputOf('call-polling', ...byWebSocket.side('poll://sub0'), ...call.slice(0, 4)),
      'Ada...',
    )
  } finally {
    assert.equal((await byWebSocket.peer.stop()).exitCode, 0)
    assert.equal((await plain.peer.stop()).exitCode, 0)
  }
})

test('calls and polls go through an HTTP proxy', async () => {
  const tunnels = await startTunnels()
  const proxy = ['--proxy', `127.0.0.1:${tunnels.port}`, '--proxy-user', 'me', '--proxy-password', 'secret']
  const listening = await serveListening()
  const polling = await servePolling(...proxy)
  try {
    assert.equal(
      await outputOf('call-listening', ...listening.side, '--call', 'SayHello', ...proxy),
      'World...',
    )
    assert.equal(await outputOf('call-polling', ...polling.side(), '--call', 'SayHello'), 'World...')
    const targets = tunnels.requests.map(request => /^CONNECT \S+:(\d+)/.exec(request)?.[1])
    assert.ok(targets.includes(listening.port) && targets.includes(polling.side()[1]))
    const credentials = Buffer.from('me:secret').toString('base64')
    assert.ok(
      tunnels.requests.every(request => request.includes(`Proxy-Authorization: Basic ${credentials}\r\n`)),
    )
  } finally {
    await listening.peer.stop()
    await polling.peer.stop()
    tunnels.close()
  }
})

test('bench-many measures many polling subscriptions, with and without WebSockets', async () => {
  for (const path of [undefined, '/many']) {
    const port = await freePort()
    const server = path === undefined ? `127.0.0.1:${port}` : `wss://127.0.0.1:${port}${path}`
    const many = ['--subscription', 'poll://many-', '--count', '100']
    const peer = startPeer(
      'serve-polling',
      '--server',
      server,
      '--server-thumb',
      clientThumb,
      '--cert',
      serverCert,
      ...many,
    )
    try {
      const { exitCode, stdout, stderr } = await runPeer(
        'bench-many',
        ...['--listen', port, '--trust', serverThumb, '--cert', clientCert, ...many, '--calls', '300'],
        ...['--concurrency=4', '--nodelay', '--peer-pid', String(peer.process.pid)],
        ...(path === undefined ? [] : ['--websocket', path]),
      )
      assert.equal(exitCode, 0, stderr)
      const [line, ...others] = linesOf(stdout)
      assert.deepEqual(others, [])
      assert.deepEqual([line?.what, line?.count, line?.calls, line?.concurrency], ['many', 100, 300, 4])
      for (const name of [
        'rps',
        'p50_ms',
        'p95_ms',
        'seconds',
        'connect_seconds',
        'kib_per_connection',
        'rss_mib',
      ])
        assert.ok(Number(line?.[name]) > 0, `${name} = ${line?.[name]}`)
    } finally {
      assert.equal((await peer.stop()).exitCode, 0)
    }
  }
})

test('bench-many that is told to end while it waits says that its peers did not come', async () => {
  const many = ['--subscription', 'poll://many-', '--count', '2', '--calls', '1', '--listen', '0']
  const bench = startPeer('bench-many', ...many, '--trust', serverThumb, '--cert', clientCert)
  await bench.note(/^Waiting on port \d+ for 2 subscriptions/m)
  const { exitCode, stdout, stderr } = await bench.stop()
  assert.equal(exitCode, 1)
  assert.match(stderr, /while it waited/)
  assert.equal(stdout, '')
})

test('the suite passes against a listening and against a polling peer, one JSON line for each check', async () => {
  const [listening, polling] = await Promise.all([serveListening(), servePolling('--connections', '2')])
  try {
    const [one, two] = await Promise.all([
      runPeer('suite', ...listening.side),
      runPeer('suite', ...polling.side()),
    ])
    for (const [result, mode] of [
      [one, 'listening'],
      [two, 'polling'],
    ] as const) {
      const lines = linesOf(result.stdout)
      const checks = lines.slice(0, -1)
      assert.deepEqual(
        checks.filter(check => check.ok !== true),
        [],
      )
      assert.deepEqual(lines.at(-1), { suite: mode, pass: checks.length, fail: 0 })
      assert.ok(checks.length > 30)
      assert.ok(checks.every(check => typeof check.test === 'string' && typeof check.ms === 'number'))
      assert.equal(result.exitCode, 0)
    }
  } finally {
    await Promise.all([listening.peer.stop(), polling.peer.stop()])
  }
})

test('a suite whose checks fail says which, and exits with 1', async () => {
  const { peer, side } = await serveListening()
  await peer.stop()
  const { exitCode, stdout } = await runPeer(
    'suite',
    ...side.with(1, '127.0.0.1:1'),
    '--checks',
    'noop,say-hello',
  )
  const lines = linesOf(stdout)
  assert.equal(exitCode, 1)
  assert.deepEqual(lines.at(-1), { suite: 'listening', pass: 0, fail: 2 })
  assert.ok(lines.slice(0, -1).every(line => line.ok === false && typeof line.error === 'string'))
})

test('bench prints a line for each measurement, with what both sides used', async () => {
  const { peer, side } = await serveListening()
  try {
    const small = ['--n', '200', '--concurrency', '1,4', '--mib', '8', '--peer-pid', String(peer.process.pid)]
    const { exitCode, stdout, stderr } = await runPeer('bench', ...side, ...small)
    assert.equal(exitCode, 0, stderr)
    const lines = linesOf(stdout)
    assert.deepEqual(
      lines.map(line => line.what),
      ['rpc', 'rpc', 'upload', 'download', 'connect'],
    )
    for (const line of lines) {
      const figures =
        line.what === 'upload' || line.what === 'download' ? ['mib_per_s'] : ['rps', 'p50_ms', 'p95_ms']
      for (const name of [...figures, 'seconds', 'peak_rss_mib', 'peer_peak_rss_mib']) {
        assert.ok(Number(line[name]) > 0, `${line.what}.${name} = ${line[name]}`)
      }
      assert.ok(Number(line.cpu_s) >= 0 && Number(line.peer_cpu_s) >= 0)
    }
  } finally {
    await peer.stop()
  }
})

test('bench over a queue measures what a polling peer can do', async () => {
  const { peer, side } = await servePolling('--connections', '4')
  try {
    const { exitCode, stdout, stderr } = await runPeer(
      'bench',
      ...side(),
      '--n=100',
      '--concurrency=4',
      '--mib=2',
    )
    assert.equal(exitCode, 0, stderr)
    const lines = linesOf(stdout)
    assert.ok(Number(lines[0]?.rps) > 0)
    assert.equal(lines[0]?.peer_cpu_s, null)
    assert.match(String(lines.at(-1)?.skipped), /makes its connections itself/)
  } finally {
    await peer.stop()
  }
})

test('who is not trusted, and who shows another certificate than expected, gets a clear error', async () => {
  const { peer, side } = await serveListening()
  const stranger = join(folder, 'stranger.pfx')
  await outputOf('gen-cert', '--out', stranger)
  try {
    const untrusted = await runPeer('call-listening', ...side.with(-1, stranger), '--call', 'SayHello')
    assert.equal(untrusted.exitCode, 1)
    assert.match(untrusted.stderr, /^ERR_[A-Z_]+: /)
    const wrong = await runPeer('call-listening', ...side.with(3, clientThumb), '--call', 'SayHello')
    assert.equal(wrong.exitCode, 1)
    assert.match(wrong.stderr, /^ERR_UNTRUSTED_PEER: /)
    assert.ok(wrong.stderr.includes(serverThumb) && wrong.stderr.includes(clientThumb))
    assert.equal(untrusted.stdout + wrong.stdout, '')
    assert.equal(await outputOf('call-listening', ...side, '--call', 'SayHello'), 'World...')
  } finally {
    await peer.stop()
  }
})

test('a port that is taken is called so', async () => {
  const { peer, port } = await serveListening()
  try {
    const second = await runPeer(
      'serve-listening',
      '--port',
      port,
      '--cert',
      serverCert,
      '--trust',
      clientThumb,
    )
    assert.equal(second.exitCode, 1)
    assert.match(second.stderr, new RegExp(`ERR_LISTEN: .*${port}`))
    assert.equal(second.stdout, '')
  } finally {
    await peer.stop()
  }
})

test('a peer that was started by npm answers, and ends when npm is told to', {
  skip: process.platform === 'win32',
}, async () => {
  const peer = startPeerByNpm('serve-listening', '--port=0', `--cert=${serverCert}`, `--trust=${clientThumb}`)
  const [, port = '', pid = ''] = await peer.line(/^READY port=(\d+) pid=(\d+)$/m)
  const side = ['--addr', `127.0.0.1:${port}`, '--thumb', serverThumb, '--cert', clientCert]
  assert.equal(await outputOf('call-listening', ...side, '--call', 'SayHello'), 'World...')
  // `finished` waits for the last process that holds standard output, so for the peer and not only for npm.
  await peer.stop()
  assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' })
})

test('a command line that makes no sense ends with 2, and help with 0', async () => {
  const wrong = await runPeer('bogus')
  assert.equal(wrong.exitCode, 2)
  assert.match(wrong.stderr, /no command 'bogus'/)
  assert.match(await outputOf('--help'), /serve-listening/)
})
