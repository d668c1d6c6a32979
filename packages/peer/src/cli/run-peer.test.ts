import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createCertificate, writePfx } from '@tentacle/halibut'
import { runPeer as runCommand } from './run-peer.ts'

const thumb = 'A'.repeat(40)
let folder = ''
let cert = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peer-cli-'))
  cert = join(folder, 'client.pfx')
  await writeFile(cert, writePfx(await createCertificate({ commonName: 'Client' })))
})

after(() => rm(folder, { recursive: true, force: true }))

/** Runs a command line in this process. */
async function runPeer(...args: readonly string[]) {
  let [stdout, stderr] = ['', '']
  const exitCode = await runCommand(args, {
    out: line => {
      stdout += `${line}\n`
    },
    note: line => {
      stderr += `${line}\n`
    },
    signal: new AbortController().signal,
  })
  return { exitCode, stdout, stderr }
}

test('command lines that make no sense exit with 2 and say what is wrong', async () => {
  const valid = ['--addr', 'localhost:1', '--thumb', 'A'.repeat(40), '--cert', cert]
  const polled = ['--listen', '0', '--trust', thumb, '--subscription', 'poll://x', '--cert', cert]
  const polling = ['serve-polling', '--server-thumb', thumb, '--subscription', 'poll://a', '--cert', cert]
  const cases: readonly [string[], RegExp][] = [
    [[...polling, '--server', 'wss://host/path'], /wss:\/\/HOST:PORT\/PATH/],
    [[...polling, '--server', 'wss://host:1/a b'], /wss:\/\/HOST:PORT\/PATH/],
    [[...polling, '--server', 'a:1', '--proxy', 'nowhere'], /--proxy takes HOST:PORT/],
    [[...polling, '--server', 'a:1', '--proxy-user', 'me'], /need --proxy/],
    [
      ['call-listening', ...valid, '--call', 'Crash', '--proxy', 'a:1', '--proxy-password', 'x'],
      /--proxy-user/,
    ],
    [
      ['call-polling', ...polled, '--call', 'SayHello', '--websocket', 'x'],
      /a path such as \/HalibutWebSocket/,
    ],
    [['suite', ...valid, '--websocket', '/x'], /--websocket is for a polling peer/],
    [['bench', ...polled, '--proxy', 'a:1'], /--proxy is for a listening peer/],
    [['bench-many', ...polled], /needs --count and --calls/],
    [['bench-many', ...polled, '--count', '0', '--calls', '1'], /--count/],
    [['bench-many', ...polled, '--count', '1', '--calls', '1', '--websocket', '/a?b'], /--websocket/],
    [[], /No command/],
    [['bogus'], /no command 'bogus'/],
    [['gen-cert'], /needs --out/],
    [['thumb', '--cert'], /--cert/],
    [['thumb', '--certificate', 'x'], /--certificate/],
    [['thumb', 'x'], /'x'/],
    [['serve-listening', '--port', '70000', '--cert', cert, '--trust', thumb], /--port.*70000/],
    [['serve-listening', '--port', '0', '--cert', cert, '--trust', 'nonsense'], /--trust.*thumbprint/],
    [
      [
        'serve-polling',
        '--server',
        'x',
        '--server-thumb',
        thumb,
        '--subscription',
        'poll://a',
        '--cert',
        cert,
      ],
      /HOST:PORT/,
    ],
    [['call-listening', ...valid, '--call', 'Bogus'], /no call 'Bogus'/],
    [['call-listening', ...valid, '--call', 'Add', '--arg', 'one'], /two numbers/],
    [
      [
        'call-polling',
        '--listen',
        '0',
        '--trust',
        thumb,
        '--subscription',
        'x',
        '--cert',
        cert,
        '--call',
        'SayHello',
      ],
      /poll:\/\/NAME/,
    ],
    [['suite', '--cert', cert], /--addr and --thumb/],
    [['suite', ...valid, '--checks', 'bogus'], /no check 'bogus'/],
    [['bench', ...valid, '--what', 'rpc,bogus'], /'bogus'/],
    [['bench', ...valid, '--concurrency', '0'], /--concurrency/],
  ]
  await Promise.all(
    cases.map(async ([args, pattern]) => {
      const { exitCode, stdout, stderr } = await runPeer(...args)
      assert.match(stderr, pattern)
      assert.equal(exitCode, 2, stderr)
      assert.equal(stdout, '')
      assert.equal(stderr.trim().split('\n').length, 1, stderr)
    }),
  )
})

test('certificate files that cannot be used are named, with the reason', async () => {
  const garbage = join(folder, 'garbage.pfx')
  await writeFile(garbage, 'this is no certificate')
  for (const [file, pattern] of [
    [garbage, /garbage\.pfx: .*not a PFX/],
    [join(folder, 'missing.pfx'), /missing\.pfx cannot be read/],
    [folder, /cannot be read/],
  ] as const) {
    const { exitCode, stderr } = await runPeer('thumb', '--cert', file)
    assert.equal(exitCode, 1)
    assert.match(stderr, pattern)
  }
})

test('--help explains the program and each of its commands', async () => {
  const { stdout: help } = await runPeer('--help')
  const commands = [...help.matchAll(/^ {2}([a-z-]+) {2,}/gm)].map(([, name = '']) => name)
  assert.deepEqual(commands, [
    'gen-cert',
    'thumb',
    'serve-listening',
    'serve-polling',
    'call-listening',
    'call-polling',
    'suite',
    'bench',
    'bench-many',
  ])
  for (const name of commands) {
    const { exitCode, stdout } = await runPeer(name, '--help')
    assert.equal(exitCode, 0)
    assert.match(stdout, new RegExp(`-- ${name} `))
  }
})
