import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '@tentacle/testkit'
import { freeSpaceOf, neededForScript, requireSpace } from './disk-space.ts'
import { cleanerTimes, createWorkspaceCleaner } from './workspace-cleaner.ts'

const hourMs = 3_600_000

async function homeWith(
  t: TestContext,
  workspaces: Readonly<Record<string, { file?: string; ageHours: number }>>,
) {
  const home = await mkdtemp(join(tmpdir(), 'tentacle-cleaner-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  for (const [name, { file, ageHours }] of Object.entries(workspaces)) {
    await mkdir(join(home, 'Work', name), { recursive: true })
    if (file === undefined) continue
    await writeFile(join(home, 'Work', name, file), '')
    const time = new Date(Date.now() - ageHours * hourMs)
    await utimes(join(home, 'Work', name, file), time, time)
  }
  return home
}

test('tentacle 12.63: deletes old workspaces, and keeps running, recent and foreign ones', async t => {
  const home = await homeWith(t, {
    old: { file: 'Output.log', ageHours: 25 },
    oldBody: { file: 'Bootstrap.sh', ageHours: 25 },
    recent: { file: 'Output.log', ageHours: 23 },
    running: { file: 'Output.log', ageHours: 99 },
    foreign: { file: 'other.txt', ageHours: 99 },
    empty: { ageHours: 99 },
    '.keepers': { file: 'Output.log', ageHours: 99 },
  })
  const forgotten: string[] = []
  const cleaner = createWorkspaceCleaner({
    home,
    isActive: ticket => ticket === 'running',
    forget: async ticket => void forgotten.push(ticket),
    log: { info: () => {}, warn: message => assert.fail(message) },
    now: () => new Date(),
    ...cleanerTimes({}),
  })
  assert.equal(await cleaner.clean(), 2)
  assert.deepEqual((await readdir(join(home, 'Work'))).sort(), [
    '.keepers',
    'empty',
    'foreign',
    'recent',
    'running',
  ])
  assert.deepEqual(forgotten.sort(), ['old', 'oldBody'])
})

test('cleans again after each pause, goes on after a failure, and stops', async t => {
  const home = await homeWith(t, {
    bad: { file: 'Output.log', ageHours: 2 },
    good: { file: 'Output.log', ageHours: 2 },
  })
  let warnings = 0
  const cleaner = createWorkspaceCleaner({
    home,
    isActive: () => false,
    forget: async ticket => {
      if (ticket === 'bad') throw new Error('it is in use')
    },
    log: { info: () => {}, warn: () => warnings++ },
    now: () => new Date(),
    olderThanMs: hourMs,
    delayMs: 5,
  })
  cleaner.start()
  await until('it has failed twice', () => warnings >= 2)
  await cleaner.stop()
  assert.deepEqual(await readdir(join(home, 'Work')), ['bad'])
})

test('takes its times from the environment, and ignores what is no time span', () => {
  assert.deepEqual(cleanerTimes({}), { olderThanMs: 24 * hourMs, delayMs: 2 * hourMs })
  const env = {
    TENTACLE_WORKSPACE_CLEANER_DELETE_OLDER_THAN: '1.02:03:04.5',
    TENTACLE_WORKSPACE_CLEANER_DELAY: '00:00:30',
  }
  assert.deepEqual(cleanerTimes(env), { olderThanMs: ((26 * 60 + 3) * 60 + 4.5) * 1000, delayMs: 30_000 })
  for (const text of ['', 'soon', '-1', '00:00:00', '1:2']) {
    assert.equal(cleanerTimes({ TENTACLE_WORKSPACE_CLEANER_DELAY: text }).delayMs, 2 * hourMs, text)
  }
})

test('frees space before it gives up, and finds the disk of a folder that is not there yet', async () => {
  assert.equal(neededForScript, 550 * 1024 * 1024 + 1024 * 1024)
  assert.ok((await freeSpaceOf(join(tmpdir(), 'not', 'there'))) > 0)
  let free = 10
  await requireSpace(
    '/x',
    100,
    async () => free,
    async () => {
      free = 100
    },
  )
  await assert.rejects(
    requireSpace('/x', 101, async () => free),
    { code: 'ERR_DISK_SPACE' },
  )
})
