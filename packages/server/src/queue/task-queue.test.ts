import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, type TestContext, test } from 'node:test'
import { until } from '@tentacle/testkit'
import { type Database, openDatabase } from '../db/database.ts'
import { migrations } from '../db/migrations/index.ts'
import { createTaskRepository, type TaskRepository } from '../db/task-repository.ts'
import type { TaskDraft } from '../model/task.ts'
import { claimTask, finishTask, renewLease, takeOverTask } from './claim-task.ts'
import { createTaskQueue, type TaskQueue, type TaskQueueOptions, type TaskWork } from './task-queue.ts'

interface Setting {
  readonly db: Database
  readonly tasks: TaskRepository
  /** What is closed after the test, the last one first. */
  readonly closing: (() => Promise<void>)[]
  add(draft?: Partial<TaskDraft>): Promise<string>
  stateOf(id: string): Promise<string | undefined>
}

async function setUp(t: TestContext): Promise<Setting> {
  const db = await openDatabase(':memory:', migrations)
  const closing = [() => db.destroy()]
  t.after(async () => {
    for (const close of closing.reverse()) await close()
  })
  const tasks = createTaskRepository(db, () => new Date())
  return {
    db,
    tasks,
    closing,
    async add(draft = {}) {
      const task = { spaceId: 'Spaces-1', name: 'Test', description: 'A test', arguments: {}, ...draft }
      return (await tasks.insert(task)).id
    },
    stateOf: async id => (await tasks.get(id))?.state,
  }
}

/** Work that ends when the test says so. */
function heldWork(): { readonly work: TaskWork; readonly started: string[]; finish(id: string): void } {
  const gates = new Map<string, () => void>()
  const started: string[] = []
  return {
    started,
    work: async (task, { letGo }) => {
      started.push(task.id)
      await Promise.race([new Promise<void>(done => gates.set(task.id, done)), aborted(letGo)])
      return { state: 'Success', errorMessage: '' }
    },
    finish: id => gates.get(id)?.(),
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

function startQueue(
  { db, closing }: Setting,
  work: TaskWork,
  more: Partial<TaskQueueOptions> = {},
): TaskQueue {
  const queue = createTaskQueue({
    db,
    node: 'node-1',
    work,
    onChanged: () => undefined,
    onError: error => assert.fail(error),
    ...more,
  })
  closing.push(() => queue.stop())
  queue.start()
  return queue
}

describe('the task queue', () => {
  test('works on tasks in the order in which they were made, five at a time', async t => {
    const setting = await setUp(t)
    const { add, stateOf } = setting
    const ids: string[] = []
    for (let index = 0; index < 7; index++) ids.push(await add())
    const { work, started, finish } = heldWork()
    startQueue(setting, work)
    await until('five are in work', () => started.length === 5)
    assert.deepEqual(started, ids.slice(0, 5))
    assert.equal(await stateOf('ServerTasks-6'), 'Queued')
    finish('ServerTasks-2')
    await until('the sixth started', () => started.length === 6)
    assert.equal(await stateOf('ServerTasks-2'), 'Success')
    assert.equal(await stateOf('ServerTasks-7'), 'Queued')
  })

  test('starts a new task at once when it is told, not after the next look', async t => {
    const setting = await setUp(t)
    const { add } = setting
    const { work, started } = heldWork()
    const queue = startQueue(setting, work, { pollMs: 3_600_000 })
    await add()
    queue.wake()
    await until('it started', () => started.length === 1)
  })

  test('finds a task that nobody told it of', async t => {
    const setting = await setUp(t)
    const { add } = setting
    const { work, started } = heldWork()
    startQueue(setting, work, { pollMs: 20 })
    await add()
    await until('it started', () => started.length === 1)
  })

  test('deployment 7.45: never works on two tasks with the same tag, and others pass them', async t => {
    const setting = await setUp(t)
    const { add, tasks } = setting
    await add({ concurrencyTag: 'Projects-1/Environments-1' })
    const second = await add({ concurrencyTag: 'Projects-1/Environments-1' })
    await add({ concurrencyTag: 'Projects-2/Environments-1' })
    const { work, started, finish } = heldWork()
    startQueue(setting, work)
    await until('two started', () => started.length === 2)
    assert.deepEqual(started, ['ServerTasks-1', 'ServerTasks-3'])
    const behind = await tasks.queuedBehind(await tasks.require(second))
    assert.deepEqual(
      behind.map(task => task.id),
      ['ServerTasks-1'],
    )
    finish('ServerTasks-1')
    await until('the second started', () => started.length === 3)
  })

  test('a task that fails with an exception is Failed and says why', async t => {
    const setting = await setUp(t)
    const { add, tasks } = setting
    await add()
    const errors: string[] = []
    const work: TaskWork = () => Promise.reject(new Error('the disk is full'))
    startQueue(setting, work, { onError: error => errors.push(error.message) })
    await until('it failed', async () => (await tasks.require('ServerTasks-1')).state === 'Failed')
    assert.match((await tasks.require('ServerTasks-1')).errorMessage, /the disk is full/)
    assert.deepEqual(errors, ['the disk is full'])
  })

  test('cancel: a queued task is Canceled at once, a working one is Cancelling until its work has ended', async t => {
    const setting = await setUp(t)
    const { add, tasks, stateOf } = setting
    const tag = { concurrencyTag: 'tag' }
    const working = await add(tag)
    const queued = await add(tag)
    let end: (() => void) | undefined
    const work: TaskWork = async (_task, { cancel }) => {
      await aborted(cancel)
      await new Promise<void>(done => {
        end = done
      })
      return { state: 'Canceled', errorMessage: '' }
    }
    const queue = startQueue(setting, work)
    await until('it works', async () => (await stateOf(working)) === 'Executing')
    assert.equal((await tasks.cancel(queued)).state, 'Canceled')
    assert.equal((await tasks.cancel(working)).state, 'Cancelling')
    queue.cancel(working)
    const finish = await until('the work noticed', () => end)
    assert.equal(await stateOf(working), 'Cancelling')
    finish()
    await until('it is canceled', async () => (await stateOf(working)) === 'Canceled')
    assert.equal((await tasks.cancel(working)).state, 'Canceled')
  })

  test('a cancel that another node took reaches the work with the next renewal of the lease', async t => {
    const setting = await setUp(t)
    const { add, tasks, stateOf } = setting
    const id = await add()
    const work: TaskWork = async (_task, { cancel }) => {
      await aborted(cancel)
      return { state: 'Canceled', errorMessage: '' }
    }
    startQueue(setting, work, { leaseMs: 60 })
    await until('it works', async () => (await stateOf(id)) === 'Executing')
    await tasks.cancel(id)
    await until('it is canceled', async () => (await stateOf(id)) === 'Canceled')
  })

  test('stop lets go of tasks, and the next process of the node goes on with them at once', async t => {
    const setting = await setUp(t)
    const { add, stateOf } = setting
    const id = await add()
    const first = heldWork()
    const queue = startQueue(setting, first.work)
    await until('it works', () => first.started.length === 1)
    await queue.stop()
    assert.equal(await stateOf(id), 'Executing')
    const second = heldWork()
    startQueue(setting, second.work)
    await until('it goes on', () => second.started.length === 1)
    second.finish(id)
    await until('it is done', async () => (await stateOf(id)) === 'Success')
  })

  test('a task whose time to start ran out is TimedOut', async t => {
    const setting = await setUp(t)
    const { add, stateOf } = setting
    const later = new Date(Date.now() + 3_600_000).toISOString()
    const past = new Date(Date.now() - 1_000).toISOString()
    const id = await add({ queueTime: later, queueTimeExpiry: past })
    const { work } = heldWork()
    startQueue(setting, work)
    await until('it timed out', async () => (await stateOf(id)) === 'TimedOut')
  })

  test('a task does not start before its time', async t => {
    const setting = await setUp(t)
    const { add, stateOf } = setting
    const scheduled = await add({ queueTime: new Date(Date.now() + 3_600_000).toISOString() })
    await add()
    const { work, started } = heldWork()
    startQueue(setting, work)
    await until('the other one started', () => started.length === 1)
    assert.equal(await stateOf(scheduled), 'Queued')
  })
})

describe('the lease of a task', () => {
  const first = { node: 'node-1', owner: 'node-1/a' }
  const restarted = { node: 'node-1', owner: 'node-1/b' }
  const other = { node: 'node-2', owner: 'node-2/c' }
  const leaseMs = 30_000
  const cap = 5
  const now = new Date('2030-01-01T00:00:00Z')
  const later = new Date(now.getTime() + leaseMs + 1)

  test('is taken by one of many that ask at the same time', async t => {
    const { db, add } = await setUp(t)
    await add()
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        claimTask(db, { node: `node-${index}`, owner: `${index}` }, { now, leaseMs, cap }),
      ),
    )
    assert.equal(claims.filter(task => task !== undefined).length, 1)
  })

  test('passes to a new process of the same node at once, to another node when it ran out', async t => {
    const { db, add } = await setUp(t)
    await add()
    await claimTask(db, first, { now, leaseMs, cap })
    assert.equal(await takeOverTask(db, first, { now, leaseMs }), undefined)
    assert.equal(await takeOverTask(db, other, { now, leaseMs }), undefined)
    assert.equal((await takeOverTask(db, restarted, { now, leaseMs }))?.attempts, 2)
    assert.equal((await takeOverTask(db, other, { now: later, leaseMs }))?.attempts, 3)
  })

  test('that was lost can be neither renewed nor used to finish the task', async t => {
    const { db, add } = await setUp(t)
    const id = await add()
    await claimTask(db, first, { now, leaseMs, cap })
    assert.equal(await renewLease(db, first, id, { now, leaseMs }), 'Executing')
    await takeOverTask(db, other, { now: later, leaseMs })
    assert.equal(await renewLease(db, first, id, { now: later, leaseMs }), undefined)
    const verdict = { state: 'Success', errorMessage: '' } as const
    assert.equal(await finishTask(db, first, id, verdict, later), undefined)
    assert.equal((await finishTask(db, other, id, verdict, later))?.state, 'Success')
  })
})
