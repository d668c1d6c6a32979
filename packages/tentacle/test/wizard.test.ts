import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

const wizard = join(import.meta.dirname, '../packaging/linux/configure-tentacle.sh')
const onLinux = { skip: process.platform !== 'linux' && 'needs Linux' }
const thumbprint = 'b5a1'.repeat(10)

interface WizardEnd {
  readonly exitCode: unknown
  readonly stdout: string
  readonly stderr: string
  /** The commands that were carried out, as lists of words. */
  readonly commands: readonly (readonly string[])[]
}

/** Answers the wizard's questions, in order, with a stand-in for the program that notes how it is called. */
async function answer(
  t: TestContext,
  answers: readonly string[],
  { args = [], failsAt = 'none' }: { args?: readonly string[]; failsAt?: string } = {},
): Promise<WizardEnd> {
  const folder = await mkdtemp(join(tmpdir(), 'wizard-'))
  t.after(() => rm(folder, { recursive: true }))
  const program = join(folder, 'Tentacle')
  const calls = join(folder, 'calls')
  // sudo stands before the program for those who are not root; here it is nobody's business.
  await writeFile(join(folder, 'sudo'), '#!/bin/sh\nexec "$@"\n')
  await writeFile(
    program,
    `#!/bin/bash\nprintf '%s\\x1f' "$@" >>'${calls}'; echo >>'${calls}'\n[ "$1" = show-thumbprint ] && echo THUMB\n[ "$1" != ${failsAt} ]\n`,
  )
  for (const name of ['Tentacle', 'sudo']) await chmod(join(folder, name), 0o755)
  await writeFile(calls, '')
  const child = spawn(wizard, args, {
    env: { ...process.env, TENTACLE: program, PATH: `${folder}:${process.env.PATH ?? ''}` },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  child.stdin.on('error', () => {}) // it may end before it has asked for everything
  child.stdin.end(answers.map(line => `${line}\n`).join(''))
  const [exitCode] = await once(child, 'close')
  const lines = (await readFile(calls, 'utf8')).split('\n').filter(Boolean)
  return { exitCode, stdout, stderr, commands: lines.map(line => line.split('\x1f').slice(0, -1)) }
}

/** Default answers: an empty line each. */
const defaults = (count: number) => Array.from({ length: count }, () => '')

test('the wizard sets up a listening Tentacle in the order of the original', onLinux, async t => {
  const answers = [...defaults(4), '10934', 'n', thumbprint, '']
  const { exitCode, stdout, commands } = await answer(t, answers)
  assert.equal(exitCode, 0)
  const own = ['--instance', 'Tentacle']
  assert.deepEqual(commands, [
    ['create-instance', ...own, '--config', '/etc/octopus/Tentacle/tentacle-Tentacle.config'],
    ['new-certificate', ...own, '--if-blank'],
    [
      ...['configure', ...own, '--app', '/home/Octopus/Applications', '--port', '10934'],
      ...['--noListen', 'False', '--reset-trust'],
    ],
    ['configure', ...own, '--trust', thumbprint.toUpperCase()],
    ['service', ...own, '--install', '--start'],
    ['show-thumbprint', ...own],
  ])
  assert.match(stdout, /THUMB/)
})

test('the wizard registers a polling target through a proxy, and shows no secret', onLinux, async t => {
  const answers = [
    ...[
      'My Ten@tacle',
      '2',
      '/srv/octopus/',
      '/srv/apps',
      'octopus.example.org',
      'https://octopus.example.org',
    ],
    ...['2', 'ada', 'swordfish', '1', 'Spaces-1', 'web01', '2', 'https://polling.example.org:443'],
    ...['Dev, Test ,', 'web server,db', 'y', 'proxy.local', '0', '3128', 'y', 'u', 'squid', ''],
  ]
  const { exitCode, stdout, commands } = await answer(t, answers)
  assert.equal(exitCode, 0)
  const own = ['--instance', 'My Tentacle']
  assert.deepEqual(commands.slice(2), [
    ['configure', ...own, '--app', '/srv/apps', '--noListen', 'True', '--reset-trust'],
    [
      ...['polling-proxy', ...own, '--proxyEnable', 'True', '--proxyHost', 'proxy.local'],
      ...['--proxyPort', '3128', '--proxyUsername', 'u', '--proxyPassword', 'squid'],
    ],
    [
      ...[
        'register-with',
        ...own,
        '--server',
        'https://octopus.example.org',
        '--comms-style',
        'TentacleActive',
      ],
      ...['--username', 'ada', '--password', 'swordfish', '--space', 'Spaces-1', '--name', 'web01'],
      ...['--server-comms-address', 'https://polling.example.org:443'],
      ...['--environment', 'Dev', '--environment', 'Test', '--role', 'web server', '--role', 'db'],
    ],
    ['service', ...own, '--install', '--start'],
    ['show-thumbprint', ...own],
  ])
  assert.match(stdout, /the instance is called My Tentacle/)
  assert.match(stdout, /octopus\.example\.org is not an address/)
  assert.match(stdout, /0 is not a port/)
  assert.doesNotMatch(stdout, /swordfish|squid/)
})

test('the wizard registers a worker with an API key', onLinux, async t => {
  const answers = [
    '',
    '2',
    '',
    '',
    'https://o',
    '',
    'API-KEY',
    '2',
    '',
    'w1',
    '',
    '',
    'Default Worker Pool',
    '',
    '',
  ]
  const { exitCode, stdout, commands } = await answer(t, answers)
  assert.equal(exitCode, 0)
  assert.deepEqual(commands[3], [
    ...[
      'register-worker',
      '--instance',
      'Tentacle',
      '--server',
      'https://o',
      '--comms-style',
      'TentacleActive',
    ],
    ...['--apiKey', 'API-KEY', '--space', 'Default', '--name', 'w1', '--server-comms-port', '10943'],
    ...['--workerpool', 'Default Worker Pool'],
  ])
  assert.doesNotMatch(stdout, /API-KEY/)
})

test(
  'the wizard changes nothing before it is allowed to, and stops where a command fails',
  onLinux,
  async t => {
    const complete = [...defaults(6), thumbprint]
    const unanswered = await answer(t, complete)
    assert.equal(unanswered.exitCode, 1)
    assert.match(unanswered.stderr, /nothing was set up/)
    assert.deepEqual(unanswered.commands, [])

    const dry = await answer(t, complete, { args: ['--dry-run'] })
    assert.equal(dry.exitCode, 0)
    assert.match(dry.stdout, /service --instance Tentacle --install --start/)
    assert.deepEqual(dry.commands, [])

    const failed = await answer(t, [...complete, ''], { failsAt: 'new-certificate' })
    assert.equal(failed.exitCode, 1)
    assert.match(failed.stderr, /new-certificate failed/)
    assert.deepEqual(
      failed.commands.map(([verb]) => verb),
      ['create-instance', 'new-certificate'],
    )
    assert.equal((await answer(t, [], { args: ['--wrong'] })).exitCode, 2)
  },
)
