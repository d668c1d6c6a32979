import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isServerError } from '../errors.ts'
import type { LogLineDraft } from '../model/activity.ts'
import { openDatabase } from './database.ts'
import { migrations } from './migrations/index.ts'
import { createTaskLogRepository, type TaskLogRepository } from './task-log-repository.ts'
import { createTaskRepository, type TaskRepository } from './task-repository.ts'

async function setUp(
  t: TestContext,
): Promise<{ log: TaskLogRepository; tasks: TaskRepository; taskId: string }> {
  const db = await openDatabase(':memory:', migrations)
  t.after(() => db.destroy())
  const tasks = createTaskRepository(db, () => new Date())
  const task = await tasks.insert({ spaceId: null, name: 'Test', description: 'A test', arguments: {} })
  return { log: createTaskLogRepository(db), tasks, taskId: task.id }
}

function line(text: string, category: LogLineDraft['category'] = 'Info'): LogLineDraft {
  return { category, occurredAt: '2026-11-23T10:00:00.000Z', text }
}

test('an activity keeps its id however often the work asks for it', async t => {
  const { log, taskId } = await setUp(t)
  const root = await log.ensureActivity(taskId, { key: 'root', parentId: null, name: 'Root' })
  const child = await log.ensureActivity(taskId, { key: 'a', parentId: root.id, name: 'Child' })
  const again = await log.ensureActivity(taskId, { key: 'a', parentId: root.id, name: 'Another name' })
  assert.equal(root.id, 'ServerTasks-1_R')
  assert.equal(child.id, 'ServerTasks-1_1')
  assert.equal(child.parentId, root.id)
  assert.deepEqual(again, child)
})

test('lines and changes of activities share one sequence, so a reader needs one position', async t => {
  const { log, tasks, taskId } = await setUp(t)
  const root = await log.ensureActivity(taskId, { key: 'root', parentId: null, name: 'Root' })
  await log.append(root.id, [line('one'), line('two')])
  const running = await log.changeActivity(root.id, {
    status: 'Running',
    started: '2026-11-23T10:00:00.000Z',
  })
  await log.append(root.id, [line('three')])
  const lines = await log.lines(taskId, 0, 100)
  assert.deepEqual(
    lines.map(({ sequence, text }) => [sequence, text]),
    [
      [2, 'one'],
      [3, 'two'],
      [5, 'three'],
    ],
  )
  assert.equal(running.revision, 4)
  assert.equal((await tasks.require(taskId)).sequence, 5)
  assert.deepEqual(await log.activities(taskId, 4), [])
  assert.equal((await log.activities(taskId, 3)).length, 1)
  assert.deepEqual(
    (await log.lines(taskId, 3, 100)).map(({ text }) => text),
    ['three'],
  )
})

test('a node knows how many lines it has, and how many of them are not verbose', async t => {
  const { log, tasks, taskId } = await setUp(t)
  const root = await log.ensureActivity(taskId, { key: 'root', parentId: null, name: 'Root' })
  await log.append(root.id, [line('a'), line('b', 'Verbose'), line('c', 'Trace'), line('d')])
  const [activity] = await log.activities(taskId)
  assert.equal(activity?.lineCount, 4)
  assert.equal(activity?.loudLineCount, 2)
  const texts = async (loudOnly: boolean) =>
    (await log.tail(root.id, 2, { loudOnly })).map(({ text }) => text)
  assert.deepEqual(await texts(false), ['c', 'd'])
  assert.deepEqual(await texts(true), ['a', 'd'])
  assert.equal((await tasks.require(taskId)).hasWarningsOrErrors, false)
})

test('a warning marks the task, and the size of the log is counted in bytes', async t => {
  const { log, tasks, taskId } = await setUp(t)
  const root = await log.ensureActivity(taskId, { key: 'root', parentId: null, name: 'Root' })
  await log.append(root.id, [line('é', 'Warning'), line('ok')])
  const task = await tasks.require(taskId)
  assert.equal(task.hasWarningsOrErrors, true)
  assert.equal(task.logBytes, 4)
})

test('deployment 7.18: any text survives', async t => {
  const { log, taskId } = await setUp(t)
  const root = await log.ensureActivity(taskId, { key: 'root', parentId: null, name: 'Root' })
  const texts = ['é 日本 🦑', '"quotes" \\ \\u0041 \u001b[31mred', '', 'a\nb', "it's", '\u2028']
  await log.append(
    root.id,
    texts.map(text => line(text)),
  )
  assert.deepEqual(
    (await log.lines(taskId, 0, 100)).map(({ text }) => text),
    texts,
  )
  await log.append(root.id, [line('a\0b')])
  assert.equal((await log.tail(root.id, 1))[0]?.text, 'a\u2400b')
})

test('100,000 lines go in at once', async t => {
  const { log, taskId } = await setUp(t)
  const root = await log.ensureActivity(taskId, { key: 'root', parentId: null, name: 'Root' })
  await log.append(
    root.id,
    Array.from({ length: 100_000 }, (_, index) => line(`line ${index}`)),
  )
  const [last] = await log.tail(root.id, 1)
  assert.equal(last?.text, 'line 99999')
  assert.equal((await log.activities(taskId))[0]?.lineCount, 100_000)
})

test('a node that does not exist cannot be written to', async t => {
  const { log } = await setUp(t)
  for (const id of ['ServerTasks-2_R', 'ServerTasks-1_x', 'nonsense', 'ServerTasks-1']) {
    await assert.rejects(log.append(id, [line('x')]), error => isServerError(error, 'ERR_NOT_FOUND'))
  }
})
