import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  type Dirent,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { agentsOf, makePackage, type SupervisedProcess } from '@tentacle/quickstart'
import { until } from '@tentacle/testkit'
import { createProject, logLines, startDeployment, upload } from './deployments.ts'
import { type System, startSystem } from './system.ts'

const mib = 1024 * 1024
const ticks = 30
const machines = ['listening-agent', 'polling-agent']
const version = '1.0.0'

/** A deploy script that says where it is, and notes outside of the package's folder that it was started. */
function deployScript(runs: string): string {
  return [
    '#!/usr/bin/env bash',
    'set -euo pipefail',
    `echo "$(get_octopusvariable 'Octopus.Deployment.Id')" >> "${runs}/$(get_octopusvariable 'Octopus.Machine.Name')"`,
    `for n in $(seq 1 ${ticks}); do`,
    '  echo "tick $n of $(get_octopusvariable "Octopus.Deployment.Id")"',
    '  sleep 0.1',
    'done',
    'cksum < payload.bin',
    '',
  ].join('\n')
}

function writeLargeFile(path: string, bytes: number): void {
  const block = randomBytes(mib)
  for (let written = 0; written < bytes; written += mib) {
    block.writeUInt32LE(written / mib)
    appendFileSync(path, block)
  }
}

function kill(part: SupervisedProcess): void {
  assert.ok(part.pid, `${part.name} is running`)
  process.kill(part.pid, 'SIGKILL')
}

/** The bytes of what lies below a folder, finished or not. Agents make and delete folders meanwhile. */
function bytesBelow(folder: string): number {
  const sizeOf = (entry: Dirent) =>
    statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0
  return entriesOf(folder).reduce((sum, entry) => {
    if (entry.isDirectory()) return sum + bytesBelow(join(entry.parentPath, entry.name))
    return sum + (entry.isFile() ? sizeOf(entry) : 0)
  }, 0)
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

describe('a deployment to two agents', { timeout: 600_000 }, () => {
  let system: System
  let runs: string

  before(async () => {
    system = await startSystem({ agents: true })
    runs = join(system.home.path, 'runs')
    mkdirSync(runs)
    await createPackage('Large', 200 * mib)
    await createPackage('Small', mib)
  })

  after(() => system.stop())

  /** A project of that name, and a package with the deploy script and a payload of so many bytes. */
  async function createPackage(name: string, bytes: number): Promise<void> {
    const folder = join(system.home.path, name)
    mkdirSync(folder)
    writeFileSync(join(folder, 'Deploy.sh'), deployScript(runs))
    writeLargeFile(join(folder, 'payload.bin'), bytes)
    await upload(system.api, await makePackage(folder, `${name}.Package`, version, system.home.packages))
    await createProject(system.api, name, `${name}.Package`)
  }

  /** The API as it is while the server may be down: a refused connection is no answer yet. */
  async function taskState(taskId: string): Promise<string | undefined> {
    return system.api.get(`/api/tasks/${taskId}`).then(
      task => String(task.State),
      () => undefined,
    )
  }

  /** Waits until every agent has printed its fifth line, so that all scripts are in the middle of their work. */
  async function inTheMiddle(taskId: string): Promise<void> {
    await until(
      'both scripts are in the middle',
      async () => {
        const lines = await logLines(system.api, taskId, machines).catch(() => [])
        return machines.every(name =>
          lines.some(line => line.machine === name && line.text.startsWith('tick 5 ')),
        )
      },
      { timeoutMs: 120_000, everyMs: 50 },
    )
  }

  /** The task has ended well, each script has run once, and every line of each is there once and in order. */
  async function demandExactlyOnce(taskId: string): Promise<void> {
    const state = await until(
      'the task has ended',
      async () => {
        const now = await taskState(taskId)
        return now === undefined || ['Queued', 'Executing'].includes(now) ? undefined : now
      },
      { timeoutMs: 240_000, everyMs: 100 },
    )
    const task = await system.api.get(`/api/tasks/${taskId}`)
    assert.equal(state, 'Success', String(task.ErrorMessage))
    const lines = await logLines(system.api, taskId, machines)
    for (const machine of machines) {
      const seen = lines
        .filter(line => line.machine === machine && line.text.startsWith('tick '))
        .map(line => line.text)
      const deployment = seen[0]?.split(' of ')[1] ?? ''
      assert.deepEqual(
        seen,
        Array.from({ length: ticks }, (_, n) => `tick ${n + 1} of ${deployment}`),
        machine,
      )
      const started = readFileSync(join(runs, machine), 'utf8').trim().split('\n')
      assert.equal(started.filter(id => id === deployment).length, 1, `${machine} ran the script once`)
    }
  }

  test('of 200 MiB survives a server that is killed while it sends the package', async () => {
    const taskId = await startDeployment(system.api, 'Large', version)
    const homes = agentsOf(system.home).map(agent => join(system.home.agents, agent.name))
    await until('some of the package has arrived', () => homes.some(home => bytesBelow(home) > 8 * mib), {
      timeoutMs: 60_000,
    })
    kill(system.server)
    await demandExactlyOnce(taskId)
    const lines = await logLines(system.api, taskId, machines)
    assert.ok(
      lines.some(({ text }) => /^\d+ % are there: .* The rest is sent\.$/.test(text)),
      'what had arrived was not sent again',
    )
    for (const agent of agentsOf(system.home)) {
      const payload = join(agent.applications, 'Test', 'Large.Package', version, 'payload.bin')
      assert.equal(statSync(payload).size, 200 * mib)
    }
  })

  test('survives a server that is killed while the scripts run', async () => {
    const taskId = await startDeployment(system.api, 'Small', version)
    await inTheMiddle(taskId)
    kill(system.server)
    await demandExactlyOnce(taskId)
  })

  test('survives both agents being killed while the scripts run', async () => {
    const taskId = await startDeployment(system.api, 'Small', version)
    await inTheMiddle(taskId)
    for (const agent of system.agents) kill(agent)
    await demandExactlyOnce(taskId)
  })

  test('survives the server and both agents being killed while the scripts run', async () => {
    const taskId = await startDeployment(system.api, 'Small', version)
    await inTheMiddle(taskId)
    kill(system.server)
    for (const agent of system.agents) kill(agent)
    await demandExactlyOnce(taskId)
  })
})
