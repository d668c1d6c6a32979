import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { access, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { StartScriptCommandV2 } from '@tentacle/contracts'
import { DataStream } from '@tentacle/halibut'
import { until } from '@tentacle/testkit'
import {
  caller,
  follow,
  isRunning,
  openServices,
  printed,
  run,
  startCommand,
  status,
  textsOf,
} from './script-agent.ts'

test('tentacle 12.42: tells of both streams and the exit code, in pieces without gaps or repeats', async t => {
  const agent = await openServices(t)
  const command = startCommand('for i in $(seq 300); do echo "out $i"; echo "err $i" >&2; done; exit 5')
  await agent.scriptsV2.startScript(command, caller)
  const { exitCode, logs } = await follow(agent, command)
  assert.equal(exitCode, 5)
  const numbers = Array.from({ length: 300 }, (_, index) => index + 1)
  assert.deepEqual(
    printed(logs),
    numbers.map(i => `out ${i}`),
  )
  assert.deepEqual(
    textsOf(logs, 'StdErr'),
    numbers.map(i => `err ${i}`),
  )
  assert.deepEqual(
    (await status(agent, command)).logs,
    logs,
    'asked again from the beginning, the log is the same',
  )
})

test('tentacle 12.43: runs a script once however often and however concurrently it is started', async t => {
  const agent = await openServices(t)
  const command = startCommand('echo "$$" >> runs; echo ran', { durationToWaitForScriptToFinish: 20_000 })
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => agent.scriptsV2.startScript(command, caller)),
  )
  const again = await agent.scriptsV2.startScript(
    { ...command, scriptTicket: { taskId: command.scriptTicket.taskId.toUpperCase() } },
    caller,
  )
  for (const answer of [...answers, again]) {
    assert.equal(answer.state, 'Complete')
    assert.deepEqual(printed(answer.logs), ['ran'])
  }
  const runs = await readFile(join(agent.home, 'Work', command.scriptTicket.taskId, 'runs'), 'utf8')
  assert.equal(runs.trim().split('\n').length, 1)
})

test('tentacle 12.44: waits for the end of a script as long as the caller says, and no longer', async t => {
  const agent = await openServices(t)
  const short = startCommand('echo done', { durationToWaitForScriptToFinish: 60_000 })
  assert.equal((await agent.scriptsV2.startScript(short, caller)).state, 'Complete')
  const long = startCommand('sleep 600', { durationToWaitForScriptToFinish: 200 })
  const before = performance.now()
  assert.notEqual((await agent.scriptsV2.startScript(long, caller)).state, 'Complete')
  assert.ok(performance.now() - before >= 190)
  await agent.scriptsV2.cancelScript({ ticket: long.scriptTicket, lastLogSequence: 0 }, caller)
  await follow(agent, long)
})

test('ends the waiting when the caller is gone', async t => {
  const agent = await openServices(t)
  const gone = new AbortController()
  const command = startCommand('sleep 600', { durationToWaitForScriptToFinish: 600_000 })
  const answer = agent.scriptsV2.startScript(command, { ...caller, signal: gone.signal })
  await until('the script runs', async () => (await status(agent, command)).state === 'Running')
  gone.abort()
  assert.equal((await answer).state, 'Running')
  await agent.scriptsV2.cancelScript({ ticket: command.scriptTicket, lastLogSequence: 0 }, caller)
  await follow(agent, command)
})

test('tentacle 12.45, 12.46: answers -45 for tickets that nobody started, and makes no folder for them', async t => {
  const agent = await openServices(t)
  for (const taskId of ['unknown', '../../evil', '', 'a/b']) {
    const ticket = { taskId }
    const expected = { ticket, state: 'Complete', exitCode: -45, logs: [], nextLogSequence: 0 }
    assert.deepEqual(await agent.scriptsV2.getStatus({ ticket, lastLogSequence: 0 }, caller), expected)
    assert.deepEqual(await agent.scriptsV2.cancelScript({ ticket, lastLogSequence: 7 }, caller), expected)
    await agent.scriptsV2.completeScript({ ticket }, caller)
  }
  assert.deepEqual(
    (await readdir(join(agent.home, 'Work'))).filter(name => !name.startsWith('.')),
    [],
  )
})

test('tentacle 12.48: the state file tells that a script was made, runs, and how it ended', async t => {
  const agent = await openServices(t)
  const stateOf = async (command: StartScriptCommandV2): Promise<unknown> => {
    const path = join(agent.home, 'Work', command.scriptTicket.taskId, 'scriptstate.json')
    const { State, ExitCode, RanToCompletion, ...times } = JSON.parse(await readFile(path, 'utf8'))
    const known = Object.entries(times).flatMap(([name, time]) => (time === null ? [] : [name]))
    return [State, ExitCode, RanToCompletion, ...known]
  }
  const body = 'while [ ! -e go ]; do sleep 0.02; done; exit 4'
  const holder = startCommand(body, { isolation: 'FullIsolation' })
  const waiting = startCommand('exit 3', { isolation: 'FullIsolation' })
  await agent.scriptsV2.startScript(holder, caller)
  await agent.scriptsV2.startScript(waiting, caller)
  await until('the holder runs', async () => (await status(agent, holder)).state === 'Running')
  assert.deepEqual(await stateOf(holder), [1, null, null, 'Created', 'Started'])
  assert.deepEqual(await stateOf(waiting), [0, null, null, 'Created'])
  await writeFile(join(agent.home, 'Work', holder.scriptTicket.taskId, 'go'), '')
  await follow(agent, holder)
  await follow(agent, waiting)
  assert.deepEqual(await stateOf(holder), [2, 4, true, 'Created', 'Started', 'Completed'])
  assert.deepEqual(await stateOf(waiting), [2, 3, true, 'Created', 'Started', 'Completed'])
})

test('tentacle 12.47: deletes the workspace of a completed script', async t => {
  const agent = await openServices(t)
  const { command } = await run(agent, 'mkdir -p deep/er && echo x > deep/er/file && chmod 500 deep/er')
  const folder = join(agent.home, 'Work', command.scriptTicket.taskId)
  await access(folder)
  await agent.scriptsV2.completeScript({ ticket: command.scriptTicket }, caller)
  await assert.rejects(access(folder))
  assert.equal((await status(agent, command)).exitCode, -45)
})

test('tentacle 12.52: gives the script its arguments, the body for this system, and its files', async t => {
  const agent = await openServices(t)
  const { exitCode, logs } = await run(agent, 'echo the wrong body', {
    scripts: new Map([
      ['Bash', 'printf "[%s]" "$@"; echo; cat data/sub/one.txt two.bin | od -An -tx1; head -c 4 secret.json'],
      ['PowerShell', 'Write-Host no'],
    ]),
    arguments: ['one', '"two words"', "'$HOME'", 'back\\slash'],
    files: [
      { name: 'data\\sub/one.txt', contents: DataStream.fromText('é'), encryptionPassword: null },
      {
        name: 'two.bin',
        contents: DataStream.fromBytes(Buffer.from([0, 255, 13, 10])),
        encryptionPassword: null,
      },
      { name: 'secret.json', contents: DataStream.fromText('{"a":1}'), encryptionPassword: 'p' },
    ],
  })
  assert.deepEqual(printed(logs), ["[one][two words]['$HOME'][back\\slash]", ' c3 a9 00 ff 0d 0a', 'IV__'])
  assert.equal(exitCode, 0)
})

test('refuses files outside of the workspace and in place of its own, and leaves nothing behind', async t => {
  const agent = await openServices(t)
  for (const name of [
    '../evil',
    '/etc/evil',
    'a/../../evil',
    'C:\\evil',
    '',
    'Output.log',
    '.tentacle/x',
    'sub/',
  ]) {
    const files = [
      { name: 'fine', contents: DataStream.fromText('x'), encryptionPassword: null },
      { name, contents: DataStream.fromText('x'), encryptionPassword: null },
    ]
    const command = startCommand('echo never', { files })
    await assert.rejects(async () => agent.scriptsV2.startScript(command, caller), {
      code: 'ERR_INVALID_NAME',
    })
    assert.equal((await status(agent, command)).exitCode, -45)
  }
  assert.deepEqual(
    (await readdir(join(agent.home, 'Work'))).filter(name => !name.startsWith('.')),
    [],
  )
})

test('refuses tickets that cannot be the name of a folder', async t => {
  const agent = await openServices(t)
  for (const taskId of ['../../evil', 'a/b', 'a\\b', '..', '.keepers', '', 'x'.repeat(200), 'nul', 'a\0b']) {
    const command = startCommand('echo never', { scriptTicket: { taskId } })
    await assert.rejects(async () => agent.scriptsV2.startScript(command, caller), {
      code: 'ERR_INVALID_NAME',
    })
  }
})

test('refuses a script when the disk is almost full, and says what is missing', async t => {
  let freeBytes = 100 * 1024 * 1024
  const agent = await openServices(t, { freeSpace: async () => freeBytes })
  const command = startCommand('echo hello')
  await assert.rejects(async () => agent.scriptsV2.startScript(command, caller), {
    code: 'ERR_DISK_SPACE',
    message: /551 MiB are needed and 100 MiB are free/,
  })
  freeBytes *= 10
  await agent.scriptsV2.startScript(command, caller)
  assert.equal((await follow(agent, command)).exitCode, 0)
})

test('tentacle 12.53: gives scripts the environment that deployment tools expect', async t => {
  const agent = await openServices(t, {
    environment: {
      inherited: { PATH: process.env.PATH, 'WITH.DOT': 'kept', 'BASH_FUNC_shared%%': '() { echo shared; }' },
      instanceName: 'I',
      executablePath: '/opt/octopus/tentacle/Tentacle',
      version: '9.9.9',
      runtimeDescription: 'Node.js',
      proxy: { useDefaultProxy: false, username: 'u', password: 'p', host: 'proxy', port: 8080 },
    },
  })
  const { logs } = await run(
    agent,
    'env | grep -iE "^(tentacle|calamari|agent|with)" | sort; shared; readlink /proc/self/fd/0',
  )
  assert.deepEqual(printed(logs), [
    'AgentProgramDirectoryPath=/opt/octopus/tentacle',
    `CalamariPackageRetentionJournalPath=${agent.home}/PackageRetentionJournal.json`,
    `TentacleApplications=${agent.home}/Applications`,
    'TentacleCertificateSignatureAlgorithm=sha256RSA',
    'TentacleExecutablePath=/opt/octopus/tentacle/Tentacle',
    `TentacleHome=${agent.home}`,
    'TentacleInstanceName=I',
    `TentacleJournal=${agent.home}/DeploymentJournal.xml`,
    'TentacleNetFrameworkDescription=Node.js',
    'TentacleProgramDirectoryPath=/opt/octopus/tentacle',
    'TentacleProxyHost=proxy',
    'TentacleProxyPassword=p',
    'TentacleProxyPort=8080',
    'TentacleProxyUsername=u',
    'TentacleUseDefaultProxy=False',
    'TentacleVersion=9.9.9',
    'WITH.DOT=kept',
    'shared',
    '/dev/null',
  ])
})

test("tentacle 12.53: a script sees of the agent's environment what it would see if Bash were started with it", async t => {
  const plain = { PATH: process.env.PATH, EMPTY: '', LINES: 'a\nb', ENV: '/etc/hostname', CDPATH: '/usr' }
  const counted = { ...plain, SHLVL: '3', PWD: '/', OLDPWD: '/usr', PS4: '> ' }
  const forBash = { ...counted, IFS: 'a', OPTIND: 'x', 'BASH_FUNC_shared%%': '() { echo shared; }' }
  for (const inherited of [plain, counted, forBash]) {
    const agent = await openServices(t, {
      environment: { inherited, executablePath: '/opt/tentacle/Tentacle', version: '9.9.9' },
    })
    const script = `env -0 -u _ -u PWD | grep -zviE '^(tentacle|calamari|agent)' | sort -z | base64 -w0; echo; trap`
    const { logs } = await run(agent, script)
    const { OLDPWD: _, ...alone } = { OLDPWD: '', ...inherited } // that of the agent is not the script's
    const { stdout } = spawnSync('/bin/bash', ['-c', script], {
      env: alone,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    assert.deepEqual(printed(logs), stdout.trimEnd().split('\n'), JSON.stringify(inherited))
  }
})

test('tentacle 12.55: keeps lines as they were printed, also through /dev/stderr', async t => {
  const agent = await openServices(t)
  const { logs } = await run(
    agent,
    `echo 'kůň 🚀'; printf 'a\\rb\\r\\nc\\n\\n'; printf 'bad \\xff\\xfe end\\n'
     echo one > /dev/stderr; echo two > /dev/stderr; echo three > /dev/stdout; printf 'no newline'; printf 'none here' >&2`,
  )
  assert.deepEqual(printed(logs), [
    'kůň 🚀',
    'a',
    'b',
    'c',
    '',
    'bad \uFFFD\uFFFD end',
    'three',
    'no newline',
  ])
  assert.deepEqual(textsOf(logs, 'StdErr'), ['one', 'two', 'none here'])
})

test('tentacle 12.67: blots secrets out of the log, also those that are printed in pieces', async t => {
  const agent = await openServices(t, { secrets: ['s3cret value', 'x?y'] })
  const { logs } = await run(
    agent,
    'echo "it is s3cret value!"; printf "s3cr"; printf "et va"; echo "lue"; echo "http://u:s3cret%20value@h" "x%3Fy" "x?y" >&2',
  )
  assert.deepEqual(printed(logs), ['it is ********!', '********'])
  assert.deepEqual(textsOf(logs, 'StdErr'), ['http://u:********@h ******** ********'])
})

test('keeps a script running while a background child holds its output, and takes the lines of that too', async t => {
  const agent = await openServices(t)
  const command = startCommand('(while [ ! -e go ]; do sleep 0.05; done; echo late) & echo early; exit 4')
  await agent.scriptsV2.startScript(command, caller)
  await until('the first line is there', async () =>
    printed((await status(agent, command)).logs).includes('early'),
  )
  const folder = join(agent.home, 'Work', command.scriptTicket.taskId)
  await until('the script itself has ended', async () => {
    const claim = await readFile(join(folder, '.tentacle', 'run', 'claim'), 'utf8')
    return !(await isRunning(claim.split(' ')[3]))
  })
  assert.equal((await status(agent, command)).state, 'Running')
  await writeFile(join(folder, 'go'), '')
  const { exitCode, logs } = await follow(agent, command)
  assert.equal(exitCode, 4)
  assert.deepEqual(printed(logs), ['early', 'late'])
})

test('does not wait for a background child that has let go of the output', async t => {
  const agent = await openServices(t)
  const { exitCode, logs } = await run(agent, 'sleep 600 >/dev/null 2>&1 & echo $!')
  assert.equal(exitCode, 0)
  process.kill(Number(printed(logs)[0]), 'SIGKILL')
})

test('reports the exit code of a script that deletes its own folder', async t => {
  const agent = await openServices(t)
  const { exitCode } = await run(agent, 'rm -rf -- "$PWD"; exit 6')
  assert.equal(exitCode, 6)
})

test('lets nobody but the account of the agent look into workspaces', async t => {
  const agent = await openServices(t)
  const { command } = await run(agent, 'echo x')
  const folder = join(agent.home, 'Work', command.scriptTicket.taskId)
  const modeOf = async (...path: string[]) => ((await stat(join(folder, ...path))).mode & 0o777).toString(8)
  assert.equal(await modeOf(), '700')
  for (const name of ['Bootstrap.sh', 'Output.log', 'scriptstate.json'])
    assert.equal(await modeOf(name), '600', name)
  for (const name of ['stdout', 'stderr', 'result', 'claim'])
    assert.equal(await modeOf('.tentacle', 'run', name), '600', name)
})

test('runs fifty scripts beside each other', async t => {
  const agent = await openServices(t)
  const all = await Promise.all(
    Array.from({ length: 50 }, (_, i) => run(agent, `echo "script ${i}"; exit ${i}`)),
  )
  for (const [i, { exitCode, logs }] of all.entries()) {
    assert.equal(exitCode, i)
    assert.deepEqual(printed(logs), [`script ${i}`])
  }
})
