import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from '../db/database.ts'
import { migrations } from '../db/migrations/index.ts'
import { createTaskRepository } from '../db/task-repository.ts'
import type { SecretVault } from '../model/secret.ts'
import { createEventHub } from './event-hub.ts'
import { followTask, type TaskFeedItem } from './task-feed.ts'
import { openTaskLog } from './task-log.ts'

/** Only says that nothing is sealed in these tests. */
const vault: SecretVault = {
  seal: () => assert.fail('nothing is sealed here'),
  open: () => assert.fail('nothing is opened here'),
}

async function setUp(t: TestContext) {
  const db = await openDatabase(':memory:', migrations)
  t.after(() => db.destroy())
  const hub = createEventHub()
  const now = () => new Date('2026-11-23T10:00:00Z')
  const tasks = createTaskRepository(db, now)
  const task = await tasks.insert({ spaceId: null, name: 'Test', description: 'A test', arguments: {} })
  const log = await openTaskLog({ db, hub, vault, now }, task.id, 'Root')
  const finish = async (): Promise<void> => {
    await sql`update tasks set state = 'Success', completed_time = ${now().toISOString()}`.execute(db)
    hub.publish({ kind: 'task', task: await tasks.require(task.id) })
  }
  return { parts: { db, hub, now }, taskId: task.id, log, finish }
}

function brief(item: TaskFeedItem): string {
  switch (item.kind) {
    case 'log':
      return `log ${item.line.text}`
    case 'activity':
      return `activity ${item.activity.name} ${item.activity.status}`
    case 'task':
      return `task ${item.task.state}`
    case 'quiet':
      return 'quiet'
  }
}

async function all(feed: AsyncIterable<readonly TaskFeedItem[]>): Promise<string[]> {
  const seen: string[] = []
  for await (const items of feed) seen.push(...items.map(brief))
  return seen
}

describe('the feed of a task', () => {
  test('gives the tree, then the lines, and ends with the finished task', async t => {
    const { parts, taskId, log, finish } = await setUp(t)
    await log.root.start()
    await log.root.write('Info', 'hello')
    await log.root.end('Success')
    await finish()
    const signal = new AbortController().signal
    assert.deepEqual(await all(followTask(parts, taskId, { after: 0, signal, quietMs: 60_000 })), [
      'activity Root Success',
      'log hello',
      'task Success',
    ])
  })

  test('goes on after the line that a reader had last, also when the task is finished long since', async t => {
    const { parts, taskId, log, finish } = await setUp(t)
    for (const text of ['one', 'two', 'three']) await log.root.write('Info', text)
    await finish()
    const signal = new AbortController().signal
    const seen: string[] = []
    let last = 0
    for await (const items of followTask(parts, taskId, { after: 0, signal, quietMs: 60_000 })) {
      for (const item of items) if (item.kind === 'log' && item.line.text === 'two') last = item.line.sequence
    }
    for await (const items of followTask(parts, taskId, { after: last, signal, quietMs: 60_000 }))
      seen.push(...items.map(brief))
    assert.deepEqual(seen, ['activity Root Pending', 'log three', 'task Success'])
  })

  test('gives what comes while it is followed, each line once and in order', async t => {
    const { parts, taskId, log, finish } = await setUp(t)
    const signal = new AbortController().signal
    const reading = all(followTask(parts, taskId, { after: 0, signal, quietMs: 60_000 }))
    const child = await log.root.child('a', 'Child')
    for (let index = 0; index < 1_500; index++) await child.write('Info', String(index))
    await child.end('Success')
    await finish()
    const seen = await reading
    assert.deepEqual(
      seen.filter(item => item.startsWith('log')),
      Array.from({ length: 1_500 }, (_, index) => `log ${index}`),
    )
    assert.equal(seen[0], 'task Queued')
    assert.equal(seen.at(-1), 'task Success')
    assert.ok(
      seen.indexOf('activity Child Pending') < seen.indexOf('log 0') ||
        seen.includes('activity Child Success'),
    )
  })

  test('says when it is quiet, and ends when the reader leaves', async t => {
    const { parts, taskId } = await setUp(t)
    const leaving = new AbortController()
    const seen: string[] = []
    for await (const items of followTask(parts, taskId, { after: 0, signal: leaving.signal, quietMs: 5 })) {
      seen.push(...items.map(brief))
      if (seen.includes('quiet')) leaving.abort()
    }
    assert.deepEqual(seen, ['task Queued', 'activity Root Pending', 'quiet'])
  })
})
