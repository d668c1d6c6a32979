import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until, zipArchive } from '@tentacle/testkit'
import { Machine, output } from './deployer-runs.ts'

const variables = {
  'Octopus.Environment.Name': 'Dev',
  'Octopus.Action.Script.SuppressEnvironmentLogging': 'True',
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A process that is dead but not yet collected by its parent is as good as gone.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** A script that starts a child, tells both ids, ignores nothing, and would run for ever. */
const endless = 'sleep 1000 &\necho "pids $$ $!"\nsleep 1000\n'

function pidsOf(stdout: string): number[] | undefined {
  const match = /pids (\d+) (\d+)/.exec(stdout)
  return match === null ? undefined : [Number(match[1]), Number(match[2])]
}

async function startEndless(t: TestContext, machine: Machine) {
  const started = machine.start(['run-script'], {
    variables: {
      ...variables,
      'Octopus.Action.Script.ScriptBody': endless,
      'Octopus.Action.Script.Syntax': 'Bash',
    },
  })
  const pids = await until('the script to tell its ids', () => pidsOf(started.stdout()))
  t.after(() => {
    for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL')
  })
  return { ...started, pids }
}

test('a deployer that is asked to end takes its script and all children with it', async t => {
  const { child, ended, pids } = await startEndless(t, new Machine(t))
  assert.ok(pids.every(isAlive))
  child.kill('SIGTERM')
  const run = await ended
  assert.equal(run.exitCode, 143)
  assert.match(run.stderr, /cancelled/)
  assert.deepEqual(pids.filter(isAlive), [])
})

test('a script that will not end is killed after its time', async t => {
  const machine = new Machine(t)
  const body = `trap '' TERM\n(trap '' TERM; sleep 1000) &\necho "pids $$ $!"\nwhile true; do sleep 1; done\n`
  const cancelling = new AbortController()
  let pids: number[] = []
  const run = await machine.run(['run-script'], {
    variables: {
      ...variables,
      'Octopus.Action.Script.ScriptBody': body,
      'Octopus.Action.Script.Syntax': 'Bash',
    },
    signal: cancelling.signal,
    onOutput: text => {
      pids = pidsOf(text) ?? []
      if (pids.length > 0) cancelling.abort()
    },
  })
  assert.equal(run.exitCode, 143)
  await until('everything to be gone', () => pids.length === 2 && !pids.some(isAlive))
})

test('a child that left the group of its script dies with it', {
  skip: process.platform !== 'linux',
}, async t => {
  const machine = new Machine(t)
  const body =
    'setsid sleep 1000 &\nwhile ! pgrep -P $$ sleep >/dev/null; do sleep 0.02; done\necho "pids $$ $(pgrep -P $$ sleep)"\nwait\n'
  const cancelling = new AbortController()
  let pids: number[] = []
  await machine.run(['run-script'], {
    variables: {
      ...variables,
      'Octopus.Action.Script.ScriptBody': body,
      'Octopus.Action.Script.Syntax': 'Bash',
    },
    signal: cancelling.signal,
    onOutput: text => {
      pids = pidsOf(text) ?? []
      if (pids.length > 0) cancelling.abort()
    },
  })
  assert.deepEqual(pids.filter(isAlive), [])
})

test('a deployer that is killed does not leave its script running', async t => {
  const { child, ended, pids } = await startEndless(t, new Machine(t))
  child.kill('SIGKILL')
  await ended
  await until('the script and its child to be gone', () => !pids.some(isAlive))
})

test('a cancelled deployment runs no rescue script and counts as failed', async t => {
  const machine = new Machine(t)
  const file = machine.file(
    'App.1.0.0.zip',
    zipArchive([
      { name: 'Deploy.sh', content: endless },
      { name: 'DeployFailed.sh', content: 'echo rescue' },
    ]),
  )
  const cancelling = new AbortController()
  const run = await machine.run(['deploy-package', '--package', file], {
    variables,
    signal: cancelling.signal,
    onOutput: text => {
      if (pidsOf(text) !== undefined) cancelling.abort()
    },
  })
  assert.equal(run.exitCode, 143)
  assert.doesNotMatch(run.stdout, /rescue/)
  assert.match(readFileSync(machine.journal, 'utf8'), /WasSuccessful="False"/)
})

test('killed while it unpacks: nothing counts as installed, and the next deployment cleans up', async t => {
  const machine = new Machine(t)
  const big = randomBytes(30_000_000)
  const file = machine.file(
    'App.1.0.0.zip',
    zipArchive(Array.from({ length: 6 }, (_, index) => ({ name: `f${index}`, content: big, stored: true }))),
  )
  const parent = join(machine.applications, 'Dev', 'App')
  const { child, ended } = machine.start(['deploy-package', '--package', file], { variables })
  const half = await until('half of the package to be there', () => {
    const [staging] = existsSync(parent) ? readdirSync(parent) : []
    return staging !== undefined && readdirSync(join(parent, staging)).length >= 2 && staging
  })
  child.kill('SIGKILL')
  assert.equal((await ended).exitCode, 137)
  assert.match(half, /^\.extracting-/)
  assert.deepEqual(readdirSync(parent), [half])
  assert.ok(!existsSync(machine.journal))
  const run = await machine.run(['deploy-package', '--package', file], { variables })
  assert.equal(run.exitCode, 0)
  assert.equal(output(run, 'Package.InstallationDirectoryPath'), join(parent, '1.0.0'))
  assert.deepEqual(readdirSync(parent), ['1.0.0'])
  assert.equal(readdirSync(join(parent, '1.0.0')).length, 6)
})

test('deployment 7.44: deployments at the same time share neither folder nor journal entry', async t => {
  const machine = new Machine(t)
  const file = machine.file(
    'App.1.0.0.zip',
    zipArchive([{ name: 'Deploy.sh', content: 'pwd > where; sleep 0.1' }]),
  )
  const runs = await Promise.all([
    ...Array.from(
      { length: 3 },
      () => machine.start(['deploy-package', '--package', file], { variables }).ended,
    ),
    ...Array.from({ length: 3 }, () => machine.run(['deploy-package', '--package', file], { variables })),
  ])
  assert.deepEqual(
    runs.map(run => run.exitCode),
    [0, 0, 0, 0, 0, 0],
  )
  const folders = runs.map(run => output(run, 'Package.InstallationDirectoryPath') ?? '')
  assert.equal(new Set(folders).size, 6)
  for (const folder of folders) assert.equal(readFileSync(join(folder, 'where'), 'utf8'), `${folder}\n`)
  assert.deepEqual(readdirSync(join(machine.applications, 'Dev', 'App')).sort(), [
    '1.0.0',
    '1.0.0_1',
    '1.0.0_2',
    '1.0.0_3',
    '1.0.0_4',
    '1.0.0_5',
  ])
  assert.equal(readFileSync(machine.journal, 'utf8').match(/<Deployment /g)?.length, 6)
})
